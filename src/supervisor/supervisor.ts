import { lookup } from "node:dns/promises";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { ProcessIdentity } from "../controller/records.ts";
import type { Clock } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import { logLimits } from "../observability/log-limits.ts";
import { Children } from "./children.ts";
import { type ControllerOptions, controllerArguments } from "./controller-options.ts";
import { Listeners } from "./listeners.ts";
import type { StartOptions } from "./options.ts";
import { probePort } from "./ports.ts";
import { identify } from "./process-identity.ts";
import type { FromSupervisor, ToSupervisor } from "./protocol.ts";
import { prepareRunDir, prepareStateDir, StartError } from "./run-dir.ts";
import { RunRecords } from "./run-records.ts";
import { lockStateDir } from "./start-lock.ts";
import { takeOver } from "./takeover.ts";

const CONTROLLER = "controller";

/** After a graceful stop was asked for; then what is left is killed. Longest drain of a proxy, and of a replica. */
const STOP_DEADLINE_MS = 90_000;
/** A stop that takes longer says so. */
const STOP_NOTICE_MS = 3_000;

/**
 * Runs `windlass start` until SIGINT, SIGTERM or `shutdown --process`: the supervisor spawns, restarts, signals and
 * reaps; it decides nothing. Resolves with the exit code. Throws {@link StartError}, whose message is for the user,
 * when it cannot start.
 */
export async function runSupervisor(options: StartOptions, clock: Clock): Promise<number> {
  // Read by now, and nothing for the processes that inherit the rest: users' code is among them.
  delete process.env["WINDLASS_TLS_KEY_PASSWORD"];
  prepareStateDir(options.stateDir);
  const self = identify(process.pid);
  if (!self) throw new StartError("cannot read this process's own identity; /proc or ps must work");
  const unlock = lockStateDir(options.stateDir, self);
  try {
    return await supervise(options, self, clock);
  } finally {
    unlock();
  }
}

async function supervise(options: StartOptions, self: ProcessIdentity, clock: Clock): Promise<number> {
  const runDir = prepareRunDir(options.stateDir, process.env);
  const records = new RunRecords(join(options.stateDir, "run.json"));
  await takeOver(records.readPrevious(), options.stateDir, clock);
  try {
    records.create({ id: "supervisor", role: "supervisor", process: self });
  } catch (error) {
    throw new StartError(
      `cannot write to the state dir ${options.stateDir}: ${errorText(error)}; free space on its disk`,
    );
  }
  try {
    const address = await resolveHost(options.host);
    const ports = await choosePorts(options);
    const { onReady: _, ...plain } = options;
    const controllerOptions: ControllerOptions = { ...plain, ...ports, runDir };
    const listeners = new Listeners(() => address);
    const code = await new Supervisor(options, controllerOptions, records, listeners, clock).run();
    // After an orderly end nobody listens there any more.
    rmSync(runDir, { recursive: true, force: true });
    return code;
  } finally {
    records.clear();
  }
}

/** Probes the ports that will be listened on, and picks those given as 0. Proxy ports only where there are proxies. */
async function choosePorts(
  options: StartOptions,
): Promise<Pick<StartOptions, "controlPorts" | "httpPort" | "grpcPort">> {
  const flags = new Map<number, string>();
  const choose = async (port: number, flag: string): Promise<number> => {
    for (;;) {
      const chosen = await probePort(options.host, port, flag);
      const other = flags.get(chosen);
      if (other === undefined) {
        flags.set(chosen, flag);
        return chosen;
      }
      // Proxies share ports, so two listeners on one would not be noticed.
      if (port !== 0) throw new StartError(`port ${port} is given to both ${other} and ${flag}: choose two ports`);
    }
  };
  const withProxies = options.proxyLocation !== "Disabled";
  const wanted = [
    ...options.controlPorts.map((port) => ({ port, flag: "--control-port" })),
    ...(withProxies ? [{ port: options.httpPort, flag: "--http-port" }] : []),
    ...(withProxies ? [{ port: options.grpcPort, flag: "--grpc-port" }] : []),
  ];
  const chosen = new Map<(typeof wanted)[number], number>();
  // Those that are named come first: any free port must not be one of them.
  for (const each of [...wanted.filter(({ port }) => port !== 0), ...wanted.filter(({ port }) => port === 0)]) {
    chosen.set(each, await choose(each.port, each.flag));
  }
  const ports = wanted.map((each) => chosen.get(each)!);
  const controlPorts = ports.slice(0, options.controlPorts.length);
  const [httpPort = options.httpPort, grpcPort = options.grpcPort] = ports.slice(controlPorts.length);
  return { controlPorts, httpPort, grpcPort };
}

/** The address that `--host` stands for. */
async function resolveHost(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch {
    throw new StartError(`--host ${host} is not known on this machine: give one of its addresses, such as 127.0.0.1`);
  }
}

class Supervisor {
  readonly #options: StartOptions;
  readonly #controllerOptions: ControllerOptions;
  readonly #clock: Clock;
  readonly #children: Children;
  #ready = false;
  #stopping = false;
  #startError: string | undefined;
  #told = "";
  #finish: (code: number) => void = () => {};

  constructor(
    options: StartOptions,
    controllerOptions: ControllerOptions,
    records: RunRecords,
    listeners: Listeners,
    clock: Clock,
  ) {
    this.#options = options;
    this.#controllerOptions = controllerOptions;
    this.#clock = clock;
    this.#children = new Children(clock, records, listeners, (event) => this.#onChild(event), logLimits(process.env));
  }

  async run(): Promise<number> {
    const { stateDir } = this.#options;
    const finished = new Promise<number>((resolve) => {
      this.#finish = resolve;
    });
    const onSignal = (): void => this.#stop();
    process.on("SIGINT", onSignal);
    process.on("SIGTERM", onSignal);
    process.on("SIGHUP", onSignal);
    this.#children.spawn(CONTROLLER, {
      role: "controller",
      ...controllerArguments(this.#controllerOptions),
      cwd: process.cwd(),
      logFile: join(stateDir, "logs", "controller.log"),
      restart: true,
      ipc: true,
    });
    const code = await finished;
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
    process.off("SIGHUP", onSignal);
    if (this.#startError !== undefined) throw new StartError(this.#startError);
    return code;
  }

  #onChild(event: FromSupervisor): void {
    if ("id" in event && event.id === CONTROLLER) {
      if (event.kind === "said") this.#onController(event.message as ToSupervisor);
      else if (event.kind === "exited" && !event.restarting) this.#controllerGone();
      else if (event.kind === "spawn-failed") this.#fail(`cannot start the controller: ${event.error}`);
      else if (event.kind === "exited" && !this.#ready) {
        this.#fail(
          `the controller ${event.detail} before it was ready; see ${join(this.#options.stateDir, "logs", "controller.log")}`,
        );
      }
      return;
    }
    this.#children.tell(CONTROLLER, event);
  }

  #onController(message: ToSupervisor): void {
    switch (message.kind) {
      case "hello":
        this.#children.tell(CONTROLLER, {
          kind: "children",
          children: this.#children.list().filter((child) => child.id !== CONTROLLER),
        });
        return;
      case "ready":
        this.#told = "";
        if (!this.#ready) void this.#announce(message.proxies, message.httpTls);
        return;
      case "failed":
        // What served goes on serving: a port that somebody took meanwhile must not end it.
        if (this.#ready) this.#tellOnce(`the controller cannot start again: ${message.error}; trying on`);
        else this.#fail(message.error);
        return;
      case "spawn":
        this.#children.spawn(message.id, message.spec);
        return;
      case "signal":
        this.#children.signal(message.id, message.signal);
        return;
      case "retire":
        this.#children.retire(message.id);
        return;
      case "end-process":
        this.#stop();
    }
  }

  async #announce(proxies: readonly number[], httpTls: boolean): Promise<void> {
    this.#ready = true;
    const { host, controlPorts, httpPort, grpcPort, stateDir, proxyLocation, tls } = this.#controllerOptions;
    const name = host.includes(":") ? `[${host}]` : host;
    const withProxies = proxyLocation !== "Disabled";
    await this.#options.onReady({
      control: `${tls.control === null ? "http" : "https"}://${name}:${controlPorts[0]}`,
      controlPorts,
      http: withProxies ? `${httpTls ? "https" : "http"}://${name}:${httpPort}` : null,
      grpc: withProxies ? `${name}:${grpcPort}` : null,
      tls: [
        ...(tls.control === null ? [] : ["control"]),
        ...(withProxies && httpTls ? ["http"] : []),
        ...(withProxies && tls.grpc !== null ? ["grpc"] : []),
      ],
      stateDir,
      pids: { supervisor: process.pid, controller: this.#children.pid(CONTROLLER) ?? 0, proxies },
    });
  }

  #tellOnce(text: string): void {
    if (text !== this.#told) process.stderr.write(`windlass: ${text}\n`);
    this.#told = text;
  }

  /** First call: graceful. Second: at once. */
  #stop(): void {
    if (this.#stopping) {
      this.#children.killAll();
      return;
    }
    this.#stopping = true;
    this.#children.stopRestarts();
    this.#clock.timer(
      STOP_NOTICE_MS,
      () => {
        const left = this.#children.list().filter(({ role }) => role !== "spare").length;
        if (left > 0)
          process.stderr.write(
            `windlass: stopping; ${left} processes finish what they have begun. Ctrl-C again ends them at once.\n`,
          );
      },
      { unref: true },
    );
    this.#clock.timer(STOP_DEADLINE_MS, () => this.#children.killAll(), { unref: true });
    if (this.#children.pid(CONTROLLER) === undefined) this.#controllerGone();
    else this.#children.tell(CONTROLLER, { kind: "stop" });
  }

  /** The controller ended for good: it stopped everything, or it was killed while stopping. */
  #controllerGone(): void {
    this.#children.killAll();
    void this.#whenEmpty();
  }

  #fail(error: string): void {
    this.#startError ??= error;
    this.#stopping = true;
    this.#children.stopRestarts();
    this.#children.killAll();
    void this.#whenEmpty();
  }

  async #whenEmpty(): Promise<void> {
    while (!this.#children.isEmpty()) await this.#clock.sleep(10);
    this.#finish(0);
  }
}
