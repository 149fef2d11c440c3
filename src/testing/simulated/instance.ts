import { validateDeployConfig } from "../../config/check.ts";
import { readConfigDocument } from "../../config/document.ts";
import type { ParseOptions } from "../../config/parse.ts";
import type { ApplicationConfig, DeployConfig } from "../../config/types.ts";
import type { DeploymentRecord } from "../../controller/records.ts";
import type { Random } from "../../core/random.ts";
import { walkGraph } from "../../sdk/graph.ts";
import type { Application } from "../../sdk/types.ts";
import { type SimulatedController, simulate } from "./controller.ts";
import type { SimulatedDeployment } from "./engine.ts";
import { LoadSource, type OfferedLoad } from "./load.ts";
import { SimulatedRouter } from "./router.ts";
import { seededRandom } from "./seeded-random.ts";

/** What fails by chance, each on average once in so many seconds; absent: never. */
export interface Faults {
  /** A replica dies. */
  readonly replicaCrashEveryS?: number;
  /** The controller dies, and another takes over a second later. */
  readonly controllerCrashEveryS?: number;
}

/** What is simulated. */
export interface SimulationOptions {
  /** A config: the text of a YAML file, or the document that it holds. */
  readonly config: string | object;
  /**
   * The applications by their import path, for the names and options of deployments in code. Default: the deployments
   * that the config lists, of which the first is the ingress.
   */
  readonly code?: Readonly<Record<string, Application>>;
  /** Repeats a run. Default: a new one each time; a run that fails says which. */
  readonly seed?: number;
  readonly faults?: Faults;
}

/** How replicas of a deployment behave. */
export interface ReplicaBehaviour {
  /** Milliseconds until a replica is ready. Default 50. */
  readonly startMs?: number;
  /** Why replicas fail to start; null: they do not. */
  readonly startError?: string | null;
  /** Why health checks fail; null: they do not. */
  readonly healthError?: string | null;
  /** Milliseconds that a replica takes to stop. Default 10. */
  readonly stopMs?: number;
}

/** A simulated deployment. */
export interface SimulatedDeploymentView {
  /** Replicas that there shall be. */
  readonly target: number;
  /** Replicas that serve. */
  readonly running: number;
  /** HEALTHY, UPSCALING and the like. */
  readonly status: string;
  /** What brought it there. */
  readonly statusTrigger: string;
  readonly message: string;
  /** Requests that wait, and those that replicas work on. */
  readonly queued: number;
  readonly ongoing: number;
  /** From now on these requests come. */
  load(load: OfferedLoad): void;
  /** From now on replicas behave so; what is left out stays. */
  behave(behaviour: ReplicaBehaviour): void;
  /** Kills that many of its running replicas, as a crash would; default 1. */
  kill(count?: number): void;
}

/** An instance of Windlass on virtual time: the real controller and autoscaler, without processes. */
export interface SimulatedInstance {
  readonly seed: number;
  /** Seconds since the beginning. */
  readonly timeS: number;
  /** A deployment by names. Throws where there is none. */
  deployment(application: string, deployment: string): SimulatedDeploymentView;
  /** Lets so many seconds pass. */
  advance(seconds: number): Promise<void>;
  /** Lets time pass until `holds`; resolves with how many seconds that took. Rejects after `withinS`. */
  until(holds: () => boolean, withinS: number): Promise<number>;
  /** Applies another config as a deploy would. */
  apply(config: string | object): Promise<{ warnings: readonly string[] }>;
  /** Ends the controller and starts another one after a while; default 1 s. */
  restartController(awayS?: number): Promise<void>;
}

/** Load changes and chance are looked at this often. */
const STEP_MS = 50;
/** Away times of a controller that failed by chance. */
const AWAY_S = 1;

/** Makes an instance with a config deployed. Throws where the config has problems, a line for each. */
export async function makeInstance(options: SimulationOptions, seed: number): Promise<SimulatedInstance> {
  const controller = await simulate({ seed });
  const instance = new Instance(controller, options, seed);
  await instance.apply(options.config);
  return instance;
}

class Instance implements SimulatedInstance {
  readonly seed: number;
  readonly #simulation: SimulatedController;
  readonly #options: SimulationOptions;
  readonly #loads = new Map<string, LoadSource>();
  readonly #chance: Random;
  readonly #startedMs: number;

  constructor(simulation: SimulatedController, options: SimulationOptions, seed: number) {
    this.seed = seed;
    this.#simulation = simulation;
    this.#options = options;
    this.#chance = seededRandom(seed ^ 0x5eed);
    this.#startedMs = simulation.clock.now();
  }

  get timeS(): number {
    return (this.#simulation.clock.now() - this.#startedMs) / 1_000;
  }

  deployment(application: string, deployment: string): SimulatedDeploymentView {
    const simulation = this.#simulation;
    const key = `${application}/${deployment}`;
    const record = (): DeploymentRecord => {
      const found = simulation.controller.deployment(application, deployment);
      if (found !== undefined) return found;
      const { applications, deployments } = simulation.controller.snapshot();
      const there = deployments.map((each) => `${each.application}/${each.name}`).join(", ");
      const failed = applications.find(({ name }) => name === application)?.message;
      throw new RangeError(
        `there is no deployment ${key}${failed ? ` (${failed})` : ""}: there are ${there || "none"}`,
      );
    };
    record();
    const source = this.#loads.get(key) ?? this.#newLoad(key, application, deployment);
    return {
      get target() {
        return record().target.replicas;
      },
      get running() {
        return record().replicaCounts.RUNNING ?? 0;
      },
      get status() {
        return record().status;
      },
      get statusTrigger() {
        return record().trigger;
      },
      get message() {
        return record().message;
      },
      get queued() {
        return source.queued;
      },
      get ongoing() {
        return source.ongoing;
      },
      load: (load) => source.offer(load),
      behave(behaviour) {
        const { behaviour: all } = simulation.engine;
        all.set(key, { ...all.get(key), ...(behaviour as Partial<SimulatedDeployment>) });
      },
      kill: (count = 1) => this.#kill(count, key),
    };
  }

  async advance(seconds: number): Promise<void> {
    const end = this.#simulation.clock.now() + seconds * 1_000;
    await this.#runTo(end, () => false);
  }

  async until(holds: () => boolean, withinS: number): Promise<number> {
    const startedMs = this.#simulation.clock.now();
    await this.#runTo(startedMs + withinS * 1_000, holds);
    if (!holds()) throw new Error(`did not come to hold within ${withinS} s of virtual time${this.#present()}`);
    return (this.#simulation.clock.now() - startedMs) / 1_000;
  }

  async apply(config: string | object): Promise<{ warnings: readonly string[] }> {
    const { applications, target_capacity } = this.#read(config);
    for (const application of applications) this.#learn(application);
    const capacity = target_capacity === undefined ? {} : { target_capacity };
    const answer = await this.#simulation.put([...applications], capacity);
    // Builds end, so that deployments are there to be looked at.
    await this.advance(0.2);
    return answer;
  }

  async restartController(awayS = AWAY_S): Promise<void> {
    await this.#simulation.restart(awayS * 1_000);
  }

  #read(config: string | object): DeployConfig {
    let data: unknown = config;
    let options: ParseOptions = {};
    let describe = ({ path, message }: { path: string; message: string }): string => `${path} ${message}`;
    if (typeof config === "string") {
      const document = readConfigDocument(config, "config");
      if (!document.ok) throw new TypeError(document.problems.join("\n"));
      data = document.data;
      options = { floats: document.floats };
      describe = document.describe;
    }
    const result = validateDeployConfig(data, options);
    if (!result.ok) throw new TypeError(result.problems.map(describe).join("\n"));
    return result.config;
  }

  /** What the build of an application finds. */
  #learn(application: ApplicationConfig): void {
    const { import_path: path } = application;
    const { applications } = this.#simulation.engine;
    const code = this.#options.code?.[path];
    if (code !== undefined) {
      const { ingress, nodes } = walkGraph(code, path.slice(path.lastIndexOf(":") + 1));
      const deployments = nodes.map(({ name, spec, outbound }) => {
        const { name: _, ...options } = spec.options;
        return { name, options, outbound: [...outbound] };
      });
      applications.set(path, { deployments, ingress, hash: path });
      return;
    }
    const listed = (application.deployments ?? []).map(({ name }) => ({ name }));
    const deployments = listed.length > 0 ? listed : [{ name: application.name ?? "default" }];
    applications.set(path, { deployments, ingress: deployments[0]!.name, hash: path });
  }

  #newLoad(key: string, application: string, deployment: string): LoadSource {
    const router = new SimulatedRouter(this.#simulation, application, deployment, {
      perReplica: "max_ongoing_requests",
    });
    const source = new LoadSource(router);
    this.#loads.set(key, source);
    return source;
  }

  async #runTo(endMs: number, stop: () => boolean): Promise<void> {
    const { clock } = this.#simulation;
    while (clock.now() < endMs && !stop()) {
      for (const source of this.#loads.values()) source.beat(STEP_MS);
      await this.#fail();
      await clock.advance(Math.min(STEP_MS, Math.max(0, endMs - clock.now())));
    }
  }

  async #fail(): Promise<void> {
    const { replicaCrashEveryS, controllerCrashEveryS } = this.#options.faults ?? {};
    if (this.#happens(replicaCrashEveryS)) this.#kill(1, "");
    if (this.#happens(controllerCrashEveryS)) await this.restartController();
  }

  #happens(everyS: number | undefined): boolean {
    return everyS !== undefined && this.#chance.next() < STEP_MS / 1_000 / everyS;
  }

  #kill(count: number, key: string): void {
    const { engine } = this.#simulation;
    const ids = [...engine.running].flatMap(([id, { application, deployment }]) =>
      key === "" || key === `${application}/${deployment}` ? [id] : [],
    );
    for (let i = 0; i < count && ids.length > 0; i++) {
      const [id] = ids.splice(Math.floor(this.#chance.next() * ids.length), 1);
      engine.die(id!);
    }
  }

  #present(): string {
    const { deployments } = this.#simulation.controller.snapshot();
    const each = deployments.map((deployment) => {
      const { replicaCounts, target, status } = deployment;
      const counts = Object.entries(replicaCounts).map(([state, count]) => `${state} ${count}`);
      return `${deployment.application}/${deployment.name}: target ${target.replicas}, ${counts.join(" ") || "no replicas"}, ${status}`;
    });
    return `; at ${this.timeS} s ${each.join("; ") || "nothing is deployed"}`;
  }
}
