import type { ReplicaRecord } from "../../controller/records.ts";
import type { Clock } from "../../core/clock.ts";
import type { BuildRequest, BuildResult, Engine, EngineEvent, StartRequest } from "../../engine/engine.ts";
import type { ProxyEvent, ProxyFleet, ProxyOptions } from "../../engine/proxies.ts";

/** How a simulated application behaves; tests change it as they go. */
export interface SimulatedApplication {
  deployments: { name: string; options?: Record<string, unknown>; outbound?: string[] }[];
  ingress: string;
  hash: string;
  buildError?: string;
  /** What the build makes of its scaling policies. */
  policies?: NonNullable<BuildResult["policies"]>;
  /** What the build makes of its request routers. */
  routers?: NonNullable<BuildResult["routers"]>;
}

/** What a simulated deployment does when asked; keyed "application/deployment". */
export interface SimulatedDeployment {
  startMs: number;
  startError: string | null;
  reconfigureError: string | null;
  healthError: string | null;
  stopMs: number;
}

const DEFAULTS: SimulatedDeployment = {
  startMs: 50,
  startError: null,
  reconfigureError: null,
  healthError: null,
  stopMs: 10,
};

/** An engine without processes, on the test's clock: behaves as told and remembers every command. */
export class SimulatedEngine implements Engine {
  readonly #clock: Clock;
  #emit: (event: EngineEvent) => void = () => {};
  #nextPid = 1000;
  readonly applications = new Map<string, SimulatedApplication>();
  readonly behaviour = new Map<string, Partial<SimulatedDeployment>>();
  /** Replicas that run: id → request. */
  readonly running = new Map<string, StartRequest>();
  readonly commands: string[] = [];
  buildMs = 20;
  readonly lostBundles = new Set<string>();
  /** Why replicas of a bundle fail to start, by its path; "": they hang for ever. */
  readonly badBundles = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  onEvent(listener: (event: EngineEvent) => void): void {
    this.#emit = listener;
  }

  build(request: BuildRequest): void {
    this.commands.push(`build ${request.importPath}`);
    this.#after(this.buildMs, () => {
      const { buildId } = request;
      const application = this.applications.get(request.importPath);
      if (!application) return this.#emit({ kind: "build-failed", buildId, error: `no module ${request.importPath}` });
      if (application.buildError) return this.#emit({ kind: "build-failed", buildId, error: application.buildError });
      const result: BuildResult = {
        bundlePath: `/bundles/${application.hash}`,
        bundleHash: application.hash,
        exportName: "app",
        ingress: application.ingress,
        deployments: application.deployments.map(({ name, options, outbound }) => ({
          name,
          options: options ?? {},
          outbound: outbound ?? [],
        })),
        ...(application.policies ? { policies: application.policies } : {}),
        ...(application.routers ? { routers: application.routers } : {}),
      };
      this.#emit({ kind: "built", buildId, result });
    });
  }

  cancelBuild(buildId: string): void {
    this.commands.push(`cancel-build ${buildId}`);
  }

  hasBundle(bundlePath: string): boolean {
    return !this.lostBundles.has(bundlePath);
  }

  start(request: StartRequest): void {
    this.commands.push(`start ${request.id}`);
    const { startMs, startError } = this.#of(request);
    const process = { pid: this.#nextPid++, startTime: "1", bootId: "b" };
    this.running.set(request.id, request);
    this.#after(0, () => this.#emit({ kind: "spawned", id: request.id, process }));
    this.#after(startMs, () => {
      if (!this.running.has(request.id)) return;
      const bad = this.badBundles.get(request.version.bundlePath);
      if (bad === "") return;
      if (bad !== undefined) this.#emit({ kind: "start-failed", id: request.id, error: bad });
      else if (startError === null) this.#emit({ kind: "ready", id: request.id, address: request.dataSocket });
      else this.#emit({ kind: "start-failed", id: request.id, error: startError });
    });
  }

  adopt(record: ReplicaRecord, request: StartRequest): void {
    this.commands.push(`adopt ${record.id}`);
    this.#after(1, () => {
      if (this.running.has(record.id)) {
        this.running.set(record.id, request);
        this.#emit({ kind: "ready", id: record.id, address: record.dataSocket });
      } else this.#emit({ kind: "exited", id: record.id, detail: "did not run any more" });
    });
  }

  reconfigure(id: string, version: { readonly settings: string }): void {
    this.commands.push(`reconfigure ${id}`);
    const { reconfigureError } = this.#of(this.running.get(id)!);
    this.#after(5, () => {
      if (reconfigureError === null) this.#emit({ kind: "reconfigured", id, settings: version.settings });
      else this.#emit({ kind: "reconfigure-failed", id, error: reconfigureError });
    });
  }

  checkHealth(id: string): void {
    this.commands.push(`health ${id}`);
    const request = this.running.get(id);
    if (!request) return;
    this.#after(1, () => this.#emit({ kind: "health", id, error: this.#of(request).healthError }));
  }

  stop(id: string): void {
    this.commands.push(`stop ${id}`);
    const request = this.running.get(id);
    this.#after(request ? this.#of(request).stopMs : 0, () => this.die(id, "was stopped"));
  }

  kill(id: string): void {
    this.commands.push(`kill ${id}`);
    this.#after(1, () => this.die(id, "was ended by SIGKILL"));
  }

  /** Ends a replica's process, as a crash would. */
  die(id: string, detail = "exited with code 1"): void {
    this.running.delete(id);
    this.#emit({ kind: "exited", id, detail });
  }

  #of(request: StartRequest): SimulatedDeployment {
    return { ...DEFAULTS, ...this.behaviour.get(`${request.application}/${request.deployment}`) };
  }

  #after(delayMs: number, fn: () => void): void {
    this.#clock.timer(delayMs, fn);
  }
}

/** Proxies without processes: ready at once. */
export class SimulatedProxies implements ProxyFleet {
  #emit: (event: ProxyEvent) => void = () => {};
  #count = 0;
  readonly commands: string[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  onEvent(listener: (event: ProxyEvent) => void): void {
    this.#emit = listener;
  }

  start(options: ProxyOptions): void {
    this.commands.push(`start ${options.count}`);
    this.#count = options.count;
    for (let i = 0; i < options.count; i++) {
      this.#clock.timer(1, () => {
        this.#emit({ kind: "started", id: String(i), pid: 500 + i });
        this.#emit({ kind: "ready", id: String(i), pid: 500 + i });
      });
    }
  }

  stop(): void {
    this.commands.push("stop");
    for (let i = 0; i < this.#count; i++) this.#clock.timer(1, () => this.#emit({ kind: "ended", id: String(i) }));
    this.#count = 0;
  }
}
