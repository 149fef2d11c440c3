import { randomUUID } from "node:crypto";
import { MetricSet } from "../observability/metric-set.ts";
import { failureError } from "../replica/call-failure.ts";
import { makeServable, type Servable } from "../replica/servable.ts";
import { APPLICATION, hasBrand } from "../sdk/brands.ts";
import { DeploymentUnavailableError } from "../sdk/errors.ts";
import { type GraphNode, walkGraph, withHandles } from "../sdk/graph.ts";
import { makeHandle } from "../sdk/handle.ts";
import { refuseUnknown, suggest } from "../sdk/options.ts";
import { type CallRouter, type HandleCall, type Place, type ReplicaContext, runtime } from "../sdk/runtime.ts";
import type { Application, DeploymentHandle } from "../sdk/types.ts";
import { callStream, callUnary, type LocalTarget, travelled } from "./local-call.ts";
import { answer } from "./local-http.ts";
import { type LocalMetrics, localMetrics } from "./local-metrics.ts";

/** Options of {@link runLocal}. */
export interface LocalOptions {
  /** The application's name. Default "default". */
  readonly name?: string;
  /** `user_config` by deployment; beats what the code says. */
  readonly userConfig?: Readonly<Record<string, unknown>>;
  /** Hears of errors that requests end with as a 500. Default: they are written to stderr. */
  readonly onError?: (error: unknown) => void;
}

/** An application that runs in this process. */
export interface LocalApplication<T> extends AsyncDisposable {
  readonly name: string;
  /** Of its ingress. */
  readonly handle: DeploymentHandle<T>;
  /** Sends its ingress a request. A path is one of http://localhost. */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** A handle to any of its deployments. Throws where there is none of that name. */
  deployment<D>(name: string): DeploymentHandle<D>;
  /** Gives a deployment another `user_config`, as a deploy would. */
  reconfigure(deployment: string, userConfig: unknown): Promise<void>;
  /** The value of a metric that its code counted, of a histogram the sum; see {@link LocalMetrics}. */
  readonly metrics: LocalMetrics;
  /** Ends it as replicas end: disposers run, models are unloaded, and calls fail from now on. May be repeated. */
  stop(): Promise<void>;
}

/** Those that run, the newest last: handles of one find others by their names. */
const running = new Set<Local>();

/**
 * Runs an application in this process, without a server, for tests of it:
 *
 *     await using app = await runLocal(application);
 *     expect(await app.handle.greet.remote("Ada")).toBe("hello Ada");
 *     expect((await app.fetch("/greet?name=Ada")).status).toBe(200);
 *
 * Each deployment has one replica. Arguments, results and errors travel as between processes: as copies, and what could not
 * be sent is refused. There is no routing, no queue and no scaling, and no limit of time but `timeoutS`. Rejects with
 * what a constructor, `reconfigure` or `checkHealth` throws.
 */
export async function runLocal<T>(
  application: Application<T>,
  options: LocalOptions = {},
): Promise<LocalApplication<T>> {
  if (!hasBrand(application, APPLICATION)) {
    throw new TypeError(
      "runLocal() needs an application: deployment(...).bind(...), or what a builder function returns",
    );
  }
  refuseUnknown("runLocal()", options, ["name", "userConfig", "onError"]);
  const local = new Local(application, options);
  running.add(local);
  try {
    await local.start();
  } catch (error) {
    await local.stop();
    throw error;
  }
  const onError = options.onError ?? ((error) => console.error(error));
  return {
    name: local.name,
    handle: local.handle<T>(local.ingress),
    async fetch(input, init) {
      const request = new Request(typeof input === "string" ? new URL(input, "http://localhost") : input, init);
      const { signal } = request;
      signal.throwIfAborted();
      const left = Promise.withResolvers<never>();
      signal.addEventListener("abort", () => left.reject(signal.reason), { once: true });
      return await Promise.race([answer(await local.target(local.ingress), request, onError), left.promise]);
    },
    deployment<D>(name: string) {
      local.check(name);
      return local.handle<D>(name);
    },
    reconfigure: (deployment, userConfig) => local.reconfigure(deployment, userConfig),
    metrics: local.metrics,
    stop: () => local.stop(),
    [Symbol.asyncDispose]: () => local.stop(),
  };
}

class Local {
  readonly name: string;
  readonly ingress: string;
  readonly #nodes: ReadonlyMap<string, GraphNode>;
  readonly #nameOf: (application: Application) => string;
  readonly #userConfig: Readonly<Record<string, unknown>>;
  readonly #targets = new Map<string, Promise<LocalTarget>>();
  readonly #router: CallRouter;
  readonly #counted = new Map<string, MetricSet>();
  readonly metrics: LocalMetrics = localMetrics(this.#counted);
  #stopped: Promise<void> | undefined;

  constructor(application: Application, { name = "default", userConfig = {} }: LocalOptions) {
    const graph = walkGraph(application, "app");
    this.name = name;
    this.ingress = graph.ingress;
    this.#nameOf = graph.nameOf;
    this.#nodes = new Map(graph.nodes.map((node) => [node.name, node]));
    this.#userConfig = userConfig;
    for (const deployment of Object.keys(userConfig)) this.check(deployment);
    this.#router = {
      unary: async (call) => callUnary(await this.#targetOf(call), call),
      stream: async function* (this: Local, call: HandleCall) {
        yield* callStream(await this.#targetOf(call), call);
      }.bind(this),
    };
  }

  async start(): Promise<void> {
    for (const node of this.#nodes.values()) {
      const target = this.#start(node);
      // All failures but the first one are nobody's news.
      target.catch(() => {});
      this.#targets.set(node.name, target);
    }
    await Promise.all(this.#targets.values());
  }

  handle<D>(deployment: string): DeploymentHandle<D> {
    return makeHandle(this.name, deployment, {}, () => this.#router);
  }

  /** Throws where there is no such deployment. */
  check(deployment: string): GraphNode {
    const node = this.#nodes.get(deployment);
    if (node !== undefined) return node;
    const names = [...this.#nodes.keys()];
    const near = suggest(deployment, names);
    const hint = near === undefined ? `: there are ${names.join(", ")}` : `: did you mean "${near}"?`;
    throw new RangeError(`application "${this.name}" has no deployment "${deployment}"${hint}`);
  }

  /** The deployment, once it is constructed. */
  async target(deployment: string): Promise<LocalTarget> {
    const target = this.#targets.get(deployment);
    if (target === undefined || this.#stopped !== undefined) {
      throw new DeploymentUnavailableError(`application "${this.name}" was stopped`);
    }
    return await target;
  }

  async reconfigure(deployment: string, userConfig: unknown): Promise<void> {
    this.check(deployment);
    await configure(await this.target(deployment), deployment, userConfig);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #targetOf(call: HandleCall): Promise<LocalTarget> {
    const other = call.application === this.name ? this : newest(call.application);
    const deployment = call.deployment === "" ? (other?.ingress ?? "") : call.deployment;
    if (other === undefined || !other.#nodes.has(deployment)) throw failureError({ kind: "absent" }, call);
    return other.target(deployment);
  }

  async #start(node: GraphNode): Promise<LocalTarget> {
    // Handles may be called by constructors: nothing is constructed before all deployments are known.
    await undefined;
    const replica: { -readonly [K in keyof ReplicaContext]: ReplicaContext[K] } = {
      appName: this.name,
      deployment: node.name,
      replicaId: randomUUID(),
      servableObject: null,
    };
    const metrics = new MetricSet();
    this.#counted.set(node.name, metrics);
    const place: Place = { replica, router: this.#router, metrics };
    const args = withHandles(node.args, (bound) => this.handle(this.#nameOf(bound)));
    const servable = runtime().places.run(place, () => makeServable(node.spec, args));
    replica.servableObject = servable.object;
    const target: LocalTarget = { servable, place, clock: runtime().clock };
    const userConfig = this.#userConfig[node.name] ?? node.spec.options.user_config ?? null;
    if (userConfig !== null) await configure(target, node.name, userConfig);
    await outsideRequests(target, async () => servable.checkHealth?.());
    return target;
  }

  async #stop(): Promise<void> {
    running.delete(this);
    for (const started of this.#targets.values()) {
      const target = await started.catch(() => undefined);
      if (target !== undefined) await outsideRequests(target, async () => target.servable.dispose?.());
    }
    if (running.size > 0) return;
    // Which application a model belongs to is not known: the last one takes all with it.
    const { caches } = runtime().models;
    const all = [...caches];
    caches.clear();
    await Promise.all(all.map((cache) => cache.close()));
  }
}

function newest(name: string): Local | undefined {
  return [...running].findLast((each) => each.name === name);
}

async function configure(target: LocalTarget, deployment: string, userConfig: unknown): Promise<void> {
  const { reconfigure }: Servable = target.servable;
  if (reconfigure === null) {
    throw new TypeError(`user_config is set, but ${deployment} has no method reconfigure(userConfig): add it`);
  }
  await outsideRequests(target, async () => reconfigure(travelled(userConfig, `user_config of ${deployment}`)));
}

function outsideRequests<R>(target: LocalTarget, work: () => R): R {
  return runtime().requests.exit(() => runtime().places.run(target.place, work));
}
