import { create } from "@bufbuild/protobuf";
import { ReportLoadRequestSchema } from "../../gen/windlass/runtime/v1/controller_runtime_service_pb.ts";
import type { RoutingTable } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import { routerLoad } from "../../src/api/load-message.ts";
import type { RoutingTableData } from "../../src/controller/controller.ts";
import type { Random } from "../../src/core/random.ts";
import { silentLogger } from "../../src/observability/logger.ts";
import type { ChannelReceiver, ReplicaChannel } from "../../src/routing/channel.ts";
import { LoadReporter } from "../../src/routing/load-reporter.ts";
import { Router, type RouterFailure } from "../../src/routing/router.ts";
import { get, head, post } from "./scripted-router.ts";
import type { SimulatedController } from "./simulated-controller.ts";

/** A request and what became of it; times are of the simulation's clock. */
export interface Sent {
  readonly atMs: number;
  endMs?: number;
  failure?: RouterFailure;
}

/** How simulated replicas serve; tests change it as they go. */
export interface Serving {
  /** Ms that a request takes. Keep it below the deployment's stopMs, as replicas finish what they have. */
  serviceMs: () => number;
  /** Whether a report of load is lost, on its way or with its answer. */
  lost: () => "on its way" | "with its answer" | undefined;
}

/** Real routers with real load reporters, as in proxies, before the replicas of a simulated controller. */
export class LiveRouters {
  readonly sent: Sent[] = [];
  readonly #simulation: SimulatedController;
  readonly #random: Random;
  readonly #serving: Serving;
  readonly #routers: { id: string; router: Router; load: LoadReporter }[];
  readonly #stopping = new Set<string>();
  readonly #ready = new Set<string>();
  #connection: AbortController | undefined;

  constructor(simulation: SimulatedController, random: Random, serving: Serving, count = 2) {
    this.#simulation = simulation;
    this.#random = random;
    this.#serving = serving;
    this.#routers = Array.from({ length: count }, (_, index) => this.#make(`proxy/${index}`));
    const { engine } = simulation;
    const stop = engine.stop.bind(engine);
    engine.stop = (id) => {
      this.#stopping.add(id);
      stop(id);
    };
    this.connect();
  }

  /** Follows the controller that there is now. */
  connect(): void {
    this.disconnect();
    this.#connection = new AbortController();
    for (const { id, router, load } of this.#routers) {
      load.connected();
      void this.#follow(id, router, load, this.#connection.signal);
    }
  }

  /** The controller is away: no tables, no reports. */
  disconnect(): void {
    this.#connection?.abort();
    this.#connection = undefined;
  }

  /** Sends a request through any router. */
  send(): Sent {
    const { clock } = this.#simulation;
    const sent: Sent = { atMs: clock.now() };
    this.sent.push(sent);
    const { router } = this.#routers[Math.floor(this.#random.next() * this.#routers.length)]!;
    const end = (): void => {
      sent.endMs = clock.now();
    };
    router.send(router.target("a", "D"), this.#random.next() < 0.5 ? get : post, {
      onHead() {},
      onData: () => true,
      onEnd: end,
      onFailed(failure) {
        sent.failure = failure;
        end();
      },
    });
    return sent;
  }

  async close(): Promise<void> {
    this.disconnect();
    for (const { router, load } of this.#routers) {
      load.apply({ deployments: [], routes: [] });
      await router.close();
    }
  }

  #make(id: string): { id: string; router: Router; load: LoadReporter } {
    const { clock } = this.#simulation;
    const load: LoadReporter = new LoadReporter({
      load: () => router.load(),
      send: async (report) => {
        const fate = this.#connection === undefined ? "on its way" : this.#serving.lost();
        if (fate === "on its way") throw new Error("lost");
        const message = create(ReportLoadRequestSchema, {
          routerId: id,
          timestampS: report.timestampS,
          deployments: [...report.deployments],
        });
        this.#simulation.routes.reportLoad(routerLoad(message, silentLogger));
        if (fate === "with its answer") throw new Error("lost");
      },
      clock,
      fronts: true,
    });
    const router = new Router({ channel: this.#channel(), clock, random: this.#random, watcher: load });
    return { id, router, load };
  }

  async #follow(id: string, router: Router, load: LoadReporter, signal: AbortSignal): Promise<void> {
    const { routes } = this.#simulation;
    for await (const { revision, table } of routes.watch(id, signal)) {
      if (signal.aborted) return;
      if (table === undefined) continue;
      const message = asMessage(table);
      for (const { replicas } of message.deployments) for (const replica of replicas) this.#ready.add(replica.id);
      router.apply(message);
      load.apply(message);
      routes.acknowledge(id, revision);
    }
  }

  #channel(): ReplicaChannel {
    const { clock, engine } = this.#simulation;
    const idAt = (address: string) => [...engine.running].find(([, { dataSocket }]) => dataSocket === address)?.[0];
    return {
      open: (address, _request, receiver) => {
        let over = false;
        const later = (ms: number, fn: (receiver: ChannelReceiver) => void): void => {
          clock.timer(ms, () => {
            if (!over) fn(receiver);
          });
        };
        // Long enough that a replica may have been told to stop meanwhile.
        later(1 + this.#random.next() * 30, () => {
          const id = idAt(address);
          if (id === undefined || !this.#ready.has(id)) {
            receiver.onFailed({ kind: "unreachable", gone: true, error: "ENOENT" });
          } else if (this.#stopping.has(id)) receiver.onFailed({ kind: "rejected", ongoing: 0 });
          else {
            later(this.#serving.serviceMs(), () => {
              if (idAt(address) === id) {
                receiver.onAccepted(head());
                receiver.onEnd();
              } else receiver.onFailed({ kind: "broken", responseStarted: false, error: "died" });
            });
          }
        });
        return {
          resume() {},
          upload() {},
          cancel() {
            over = true;
          },
        };
      },
      release() {},
      close: () => Promise.resolve(),
    };
  }
}

/** What the controller's runtime socket makes of a table, without the wire. */
function asMessage(table: RoutingTableData): RoutingTable {
  return {
    ...table,
    deployments: table.deployments.map(({ coldStart, ...rest }) => ({
      ...rest,
      coldStart: coldStart && { ...coldStart, timeoutS: coldStart.timeoutS ?? undefined },
    })),
  } as unknown as RoutingTable;
}
