import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import type { ReplicaLoad as ReplicaLoadMessage } from "../../../gen/windlass/runtime/v1/load_pb.ts";
import type { BuilderOutcome, BuilderRequest } from "../../builder/protocol.ts";
import type { ProcessIdentity, ReplicaRecord } from "../../controller/records.ts";
import type { Clock, Timer } from "../../core/clock.ts";
import { errorText } from "../../core/errors.ts";
import { replicaLogName } from "../../core/names.ts";
import { unpackSeries } from "../../core/series-table.ts";
import { readMetrics } from "../../observability/metric-message.ts";
import { probePort } from "../../supervisor/ports.ts";
import { signalSame, stillRuns } from "../../supervisor/process-identity.ts";
import type {
  BuildRequest,
  CommandSpec,
  Engine,
  EngineEvent,
  ReplicaLoad,
  ReplicaLoadSink,
  ReplicaName,
  ReplicaSettings,
  ReplicaWordSink,
  StartRequest,
} from "../engine.ts";
import { CommandLink } from "./command-link.ts";
import type { Link } from "./link.ts";
import { ReplicaLink } from "./replica-link.ts";
import type { SparePool } from "./spare-pool.ts";
import type { ChildEvent, SupervisorClient } from "./supervisor-client.ts";

export interface LocalEngineOptions {
  readonly supervisor: SupervisorClient;
  readonly clock: Clock;
  /** Private folder for sockets and build requests. */
  readonly runDir: string;
  /** Holds `bundles/` and `logs/`. */
  readonly stateDir: string;
  readonly controllerSocket: string;
  /** Seconds a replica serves on without a controller. */
  readonly orphanTtlS: number;
  /** Hears what replicas measure of themselves. Default: nobody. */
  readonly load?: ReplicaLoadSink;
  /** Hears what else they tell. Default: nobody. */
  readonly words?: ReplicaWordSink;
  /** Processes that wait to become replicas. Default: there are none. */
  readonly spares?: SparePool;
}

interface Running {
  readonly request: StartRequest;
  readonly link: Link;
  process: ProcessIdentity | undefined;
  /** Whether the supervisor that runs now is its parent and will report its exit. */
  supervised: boolean;
  exited: boolean;
  failed: boolean;
  ready: boolean;
  following: Promise<void>;
}

/** A builder that takes longer is ended: a module may block the event loop for ever. */
const BUILD_TIMEOUT_MS = 120_000;
/** How long the last words of a replica that ended while starting may take to arrive. */
const LAST_WORDS_MS = 300;
/** How much of a log is read for the last line in it. */
const LOG_TAIL_BYTES = 8_192;
/** A line of a replica's access log, as text or JSON. */
const ACCESS_LINE = /^\S+Z info \S+ .* [\d.]+ms request_id=|"latency_ms":[\d.]+,/;
/** Between looks at an adopted replica whose stream is lost. */
const LOST_POLL_MS = 100;

/** The engine of one machine: replicas and builders are processes under the supervisor. */
export function createLocalEngine(options: LocalEngineOptions): Engine {
  return new LocalEngine(options);
}

class LocalEngine implements Engine {
  readonly #o: LocalEngineOptions;
  readonly #replicas = new Map<string, Running>();
  /** Programs that are given a port first: no process of theirs runs yet. */
  readonly #beforeSpawn = new Set<string>();
  readonly #builds = new Map<string, { readonly resultPath: string; readonly deadline: Timer }>();
  #emit: (event: EngineEvent) => void = () => {};

  constructor(options: LocalEngineOptions) {
    this.#o = options;
    mkdirSync(join(options.runDir, "b"), { recursive: true, mode: 0o700 });
    options.spares?.onlyWhile(
      () => this.#builds.size === 0 && ![...this.#replicas.values()].some(({ ready, failed }) => !ready && !failed),
    );
    options.supervisor.listen("replica/", (event) => this.#onReplica(event));
    options.supervisor.listen("build/", (event) => this.#onBuild(event));
  }

  onEvent(listener: (event: EngineEvent) => void): void {
    this.#emit = listener;
  }

  build(request: BuildRequest): void {
    const requestPath = join(this.#o.runDir, "b", `${request.buildId}.json`);
    const resultPath = join(this.#o.runDir, "b", `${request.buildId}.result.json`);
    const order: BuilderRequest = {
      importPath: request.importPath,
      baseDir: request.baseDir,
      args: request.args,
      bundlesDir: join(this.#o.stateDir, "bundles"),
      resultPath,
      policies: request.policies,
      shadowPolicies: request.shadowPolicies,
      routers: request.routers ?? [],
      ...(request.workingDirs.length === 0
        ? {}
        : {
            workingDirs: {
              uris: request.workingDirs,
              code: request.codeDir,
              folder: join(this.#o.stateDir, "working-dirs"),
            },
          }),
    };
    try {
      writeFileSync(requestPath, JSON.stringify(order), { mode: 0o600 });
    } catch (error) {
      this.#later({ kind: "build-failed", buildId: request.buildId, error: errorText(error) });
      return;
    }
    const deadline = this.#o.clock.timer(BUILD_TIMEOUT_MS, () => this.#overdue(request.buildId), { unref: true });
    this.#builds.set(request.buildId, { resultPath, deadline });
    this.#o.spares?.busy();
    this.#o.supervisor.spawn(`build/${request.buildId}`, {
      role: "builder",
      args: [requestPath],
      env: {},
      cwd: this.#o.stateDir,
      logFile: join(this.#o.stateDir, "logs", "builder.log"),
      restart: false,
      ipc: false,
    });
  }

  cancelBuild(buildId: string): void {
    const build = this.#builds.get(buildId);
    if (!build) return;
    build.deadline.cancel();
    this.#builds.delete(buildId);
    this.#o.supervisor.send({ kind: "signal", id: `build/${buildId}`, signal: "SIGKILL" });
  }

  hasBundle(bundlePath: string): boolean {
    return existsSync(bundlePath);
  }

  start(request: StartRequest): void {
    if (request.command) return void this.#startCommand(request, request.command);
    const running = this.#track(request, new ReplicaLink(request.controlSocket, this.#o.clock));
    running.supervised = true;
    const spare = this.#o.spares?.take(request.env);
    this.#o.supervisor.spawn(`replica/${request.id}`, {
      role: "replica",
      ...(spare === undefined ? {} : { spare }),
      args: ["--control-socket", request.controlSocket],
      env: { ...request.env },
      cwd: request.baseDir,
      logFile: this.#logFile(request),
      restart: false,
      ipc: false,
    });
  }

  adopt(record: ReplicaRecord, request: StartRequest): void {
    const child = this.#o.supervisor.children.find(({ id }) => id === `replica/${record.id}`);
    const { clock } = this.#o;
    // Which port a program was given is known once it was ready; one that was starting is started again.
    const link = request.command
      ? new CommandLink(request.command, record.address === "" ? [] : [record.address.replace(/^plain:/, "")], clock)
      : new ReplicaLink(request.controlSocket, clock);
    const running = this.#track(request, link);
    running.supervised = child !== undefined;
    running.process = child?.process ?? record.process ?? undefined;
    if (!running.process || !stillRuns(running.process)) {
      this.#gone(request.id, "did not run any more when the controller came back");
      return;
    }
    this.#later({ kind: "spawned", id: request.id, process: running.process });
    if (request.command && record.address === "") this.#signal(running, "SIGKILL");
    this.#follow(running);
  }

  reconfigure(id: string, version: { readonly settings: string }, settings: ReplicaSettings): void {
    const { settings: settingsVersion } = version;
    this.#replicas
      .get(id)
      ?.link.reconfigure(settingsVersion, settings)
      .then(
        () => this.#emit({ kind: "reconfigured", id, settings: settingsVersion }),
        (error: unknown) => this.#emit({ kind: "reconfigure-failed", id, error: errorText(error) }),
      );
  }

  checkHealth(id: string, timeoutMs: number): void {
    this.#replicas
      .get(id)
      ?.link.checkHealth(timeoutMs)
      .then(
        () => this.#emit({ kind: "health", id, error: null }),
        (error: unknown) => this.#emit({ kind: "health", id, error: errorText(error) }),
      );
  }

  stop(id: string, timeoutMs: number): void {
    const running = this.#replicas.get(id);
    if (!running) {
      this.#notRunning(id);
      return;
    }
    // A replica that cannot be told drains on SIGTERM just as well.
    running.link.stop(timeoutMs).catch(() => this.#signal(running, "SIGTERM"));
  }

  kill(id: string): void {
    const running = this.#replicas.get(id);
    if (running) this.#signal(running, "SIGKILL");
    else this.#notRunning(id);
  }

  #notRunning(id: string): void {
    this.#beforeSpawn.delete(id);
    this.#later({ kind: "exited", id, detail: "was not running" });
  }

  async #startCommand(request: StartRequest, command: CommandSpec): Promise<void> {
    const { clock, supervisor } = this.#o;
    this.#beforeSpawn.add(request.id);
    try {
      const port = await probePort("127.0.0.1", 0, "");
      // Killed meanwhile: its end is reported, and a process started now would be nobody's.
      if (!this.#beforeSpawn.delete(request.id)) return;
      const link = new CommandLink(command, [request.dataSocket, `127.0.0.1:${port}`], clock);
      this.#track(request, link).supervised = true;
      supervisor.spawn(`replica/${request.id}`, {
        role: "command",
        args: command.argv,
        env: { ...request.env, ...command.env, PORT: String(port), WINDLASS_SOCKET: request.dataSocket },
        cwd: resolve(request.baseDir, command.workingDir),
        logFile: this.#logFile(request),
        restart: false,
        ipc: false,
      });
    } catch (error) {
      this.#emit({ kind: "exited", id: request.id, detail: `could not be started: ${errorText(error)}` });
    }
  }

  #track(request: StartRequest, link: Link): Running {
    const running: Running = {
      request,
      link,
      process: undefined,
      supervised: false,
      exited: false,
      failed: false,
      ready: false,
      following: Promise.resolve(),
    };
    this.#replicas.set(request.id, running);
    return running;
  }

  #follow(running: Running): void {
    const { id } = running.request;
    const alive = (): boolean => !running.exited && running.process !== undefined && stillRuns(running.process);
    running.following = running.link.follow(running.request, this.#o, alive, (event) => {
      if (event.kind === "ready") {
        if (!running.ready) this.#emit({ kind: "ready", id, address: event.address });
        this.#o.spares?.busy();
        running.ready = true;
      } else if (event.kind === "load") {
        const load = readLoad(running.request, event.load);
        if (load !== undefined) this.#o.load?.replicaReported(load);
      } else if (event.kind === "models") {
        this.#o.words?.modelsTold(nameOf(running.request), event.modelIds);
      } else if (event.kind === "routing-stats") {
        this.#o.words?.routingStatsTold(nameOf(running.request), event.json);
      } else if (event.kind === "metrics") {
        this.#o.words?.metricsTold(nameOf(running.request), readMetrics(event.metrics));
      } else if (event.kind === "failed") {
        running.failed = true;
        const lastWords = running.request.command ? lastLogLine(this.#logFile(running.request)) : "";
        this.#emit({ kind: "start-failed", id, error: `${event.error}${lastWords}` });
      } else if (!running.exited) void this.#lost(running);
    });
  }

  /** The stream ended. A supervised process's exit is reported; of an adopted one we find out ourselves. */
  async #lost(running: Running): Promise<void> {
    const { clock } = this.#o;
    for (let looks = 0; !running.exited; looks++) {
      if (!running.process || !stillRuns(running.process)) {
        if (!running.supervised) this.#gone(running.request.id, "ended");
        return;
      }
      // It lives: most likely it is ending. One that stays is attached to again.
      if (looks >= 20 && !running.failed) return this.#follow(running);
      await clock.sleep(LOST_POLL_MS);
    }
  }

  #onReplica(event: ChildEvent): void {
    this.#o.spares?.busy();
    const id = event.id.slice("replica/".length);
    const running = this.#replicas.get(id);
    if (!running) return;
    if (event.kind === "spawned") {
      running.process = event.process;
      this.#emit({ kind: "spawned", id, process: event.process });
      this.#follow(running);
    } else if (event.kind === "spawn-failed") this.#gone(id, `could not be started: ${event.error}`);
    else if (event.kind === "exited") void this.#ended(running, event.detail);
  }

  async #ended(running: Running, detail: string): Promise<void> {
    running.exited = true;
    if (!running.ready && !running.failed) {
      await Promise.race([running.following, this.#o.clock.sleep(LAST_WORDS_MS)]);
    }
    this.#gone(
      running.request.id,
      `the process ${detail}${running.failed ? "" : lastLogLine(this.#logFile(running.request))}`,
    );
  }

  #gone(id: string, detail: string): void {
    const running = this.#replicas.get(id);
    if (!running) return;
    running.exited = true;
    running.link.close();
    this.#replicas.delete(id);
    for (const path of [running.request.dataSocket, running.request.controlSocket]) rmSync(path, { force: true });
    this.#o.load?.replicaGone(running.request.application, running.request.deployment, id);
    this.#o.words?.replicaGone(nameOf(running.request));
    this.#later({ kind: "exited", id, detail });
  }

  #onBuild(event: ChildEvent): void {
    this.#o.spares?.busy();
    const buildId = event.id.slice("build/".length);
    const build = this.#builds.get(buildId);
    if (event.kind !== "exited" && event.kind !== "spawn-failed") return;
    rmSync(join(this.#o.runDir, "b", `${buildId}.json`), { force: true });
    if (build === undefined) return;
    build.deadline.cancel();
    this.#builds.delete(buildId);
    this.#emit(readOutcome(buildId, build.resultPath, event.kind === "exited" ? event.detail : event.error));
    rmSync(build.resultPath, { force: true });
  }

  #overdue(buildId: string): void {
    this.cancelBuild(buildId);
    const error = `building the application took longer than ${BUILD_TIMEOUT_MS / 1000} s; does its module block or wait for ever?`;
    this.#emit({ kind: "build-failed", buildId, error });
  }

  #signal(running: Running, signal: NodeJS.Signals): void {
    const { id } = running.request;
    if (running.supervised) this.#o.supervisor.send({ kind: "signal", id: `replica/${id}`, signal });
    else if (running.process) signalSame(running.process, signal);
  }

  /** Events never come while a command is being given. */
  #later(event: EngineEvent): void {
    setImmediate(() => this.#emit(event));
  }

  #logFile({ application, deployment, id }: StartRequest): string {
    return join(this.#o.stateDir, "logs", replicaLogName(application, deployment, id));
  }
}

function nameOf({ application, deployment, id }: StartRequest): ReplicaName {
  return { application, deployment, id };
}

/** Undefined: it makes no sense, and the last good report stays. */
function readLoad({ application, deployment, id }: StartRequest, message: ReplicaLoadMessage): ReplicaLoad | undefined {
  try {
    const { timestampS, series, calls } = message;
    const metrics = series === undefined ? null : unpackSeries(series);
    const load = { application, deployment, id, timestampS, metrics };
    if (calls === undefined) return load;
    const failures = new Map(calls.failures.map(({ exceptionName, count }) => [exceptionName, count] as const));
    return { ...load, calls: { latencyMs: calls.latencyMs, failures } };
  } catch {
    return undefined;
  }
}

function readOutcome(buildId: string, resultPath: string, detail: string): EngineEvent {
  try {
    const outcome = JSON.parse(readFileSync(resultPath, "utf8")) as BuilderOutcome;
    if (outcome.ok) return { kind: "built", buildId, result: outcome.result };
    return { kind: "build-failed", buildId, error: outcome.error };
  } catch {
    return { kind: "build-failed", buildId, error: `the builder process ${detail} without a result; see builder.log` };
  }
}

/** The last line a process wrote before it ended, for its failure's message. */
function lastLogLine(path: string): string {
  try {
    // Requests that were answered say nothing about the end.
    const lines = logTail(path).trimEnd().split("\n");
    const line = lines.findLast((each) => !ACCESS_LINE.test(each))?.trim() ?? "";
    // Our own log lines hold a stack trace as escaped lines: that is for the log, not for a status.
    const last = line.replace(/\\n +at .*/, "");
    return last === "" ? "" : `; it last said: ${last.slice(0, 300)}`;
  } catch {
    return "";
  }
}

/** The end of a log, which may be of any size. */
function logTail(path: string): string {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const tail = Buffer.alloc(Math.min(size, LOG_TAIL_BYTES));
    return tail.toString("utf8", 0, readSync(fd, tail, 0, tail.length, size - tail.length));
  } finally {
    closeSync(fd);
  }
}
