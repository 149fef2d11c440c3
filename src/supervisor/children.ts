import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import type { Clock, Timer } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import type { LogLimits } from "../observability/log-limits.ts";
import { keepBounded, rotateClosed } from "../observability/rotate.ts";
import { saidBySpare, type TakeOver } from "../replica/spare-protocol.ts";
import type { Listeners } from "./listeners.ts";
import { identify } from "./process-identity.ts";
import { programPath } from "./programs.ts";
import type { Child, FromSupervisor, Role, SpawnSpec } from "./protocol.ts";
import type { RunRecords } from "./run-records.ts";

interface Entry {
  /** Both change when a spare becomes a replica. */
  id: string;
  spec: SpawnSpec;
  child: ChildProcess | undefined;
  info: Child | undefined;
  retired: boolean;
  /** Whether a process of it ever ran: a later failure to start is the machine's, and passes. */
  ran: boolean;
  /** Restarts since it last ran for long. */
  restarts: number;
  startedAt: number;
  timer: Timer | undefined;
  /** Of `spec.listen`; kept over restarts. */
  fds: readonly number[];
  /** Ends the keeping of its log; our own programs keep theirs. */
  stopKeeping: (() => void) | undefined;
  /** Runs from a spare's being told what to become until it says that it has. */
  handOver: Timer | undefined;
}

/** First restart at once, then 100 ms doubling; a run of this long resets the count. */
const RESTART_FIRST_MS = 100;
const RESTART_CAP_MS = 5_000;
const LONG_RUN_MS = 10_000;
/** A spare that takes longer to become a replica is killed, and a process started in its place. */
const HAND_OVER_MS = 5_000;

/** The supervisor's table of processes: spawns, reaps, restarts and reports them. */
export class Children {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  readonly #records: RunRecords;
  readonly #report: (event: FromSupervisor) => void;
  readonly #listeners: Listeners;
  readonly #logLimits: LogLimits;
  #stopping = false;

  constructor(
    clock: Clock,
    records: RunRecords,
    listeners: Listeners,
    report: (event: FromSupervisor) => void,
    logLimits: LogLimits = { maxBytes: 0, backups: 0 },
  ) {
    this.#clock = clock;
    this.#logLimits = logLimits;
    this.#listeners = listeners;
    this.#records = records;
    this.#report = report;
  }

  list(): Child[] {
    return [...this.#entries.values()].flatMap((entry) => (entry.info && entry.child ? [entry.info] : []));
  }

  pid(id: string): number | undefined {
    return this.#entries.get(id)?.child?.pid;
  }

  /** Sends a message to a child that has an IPC channel. */
  tell(id: string, message: FromSupervisor): void {
    const child = this.#entries.get(id)?.child;
    if (child?.connected) child.send(message, () => {});
  }

  spawn(id: string, spec: SpawnSpec): void {
    const present = this.#entries.get(id);
    if (present?.child) return;
    present?.timer?.cancel();
    if (this.#stopping) {
      this.#report({ kind: "spawn-failed", id, error: "windlass is stopping" });
      return;
    }
    // Node would say that there is no such program.
    if (!existsSync(spec.cwd)) {
      const error = `its folder ${spec.cwd} is not there any more: deploy it again from where it is now`;
      this.#report({ kind: "spawn-failed", id, error });
      return;
    }
    if (spec.spare !== undefined && this.#handOver(spec.spare, id, spec)) return;
    const entry: Entry = {
      id,
      spec,
      child: undefined,
      info: undefined,
      retired: false,
      ran: false,
      restarts: 0,
      startedAt: 0,
      timer: undefined,
      fds: [],
      stopKeeping: undefined,
      handOver: undefined,
    };
    try {
      entry.fds = this.#listeners.acquire(spec.listen ?? []);
    } catch (error) {
      this.#report({ kind: "spawn-failed", id, error: errorText(error) });
      return;
    }
    this.#entries.set(id, entry);
    this.#run(entry);
  }

  signal(id: string, signal: NodeJS.Signals): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    // A spare that ends because somebody wants it to is not made up for.
    if (entry.handOver) entry.retired = true;
    deliver(entry, signal);
  }

  retire(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.retired = true;
    entry.timer?.cancel();
    if (entry.child) entry.child.kill("SIGTERM");
    else this.#gone(entry, "was not running");
  }

  /** From now on nothing is started or restarted. */
  stopRestarts(): void {
    this.#stopping = true;
    for (const entry of this.#entries.values()) entry.timer?.cancel();
  }

  /** SIGKILL to all that is left. */
  killAll(): void {
    for (const entry of this.#entries.values()) deliver(entry, "SIGKILL");
  }

  isEmpty(): boolean {
    return this.list().length === 0;
  }

  #run(entry: Entry): void {
    const { id, spec } = entry;
    this.#records.set({ id, role: spec.role, process: null });
    let log: number | undefined;
    try {
      // Builders share a log: it moves on when none of them holds it.
      const shared = [...this.#entries.values()].some((other) => other.child && other.spec.logFile === spec.logFile);
      if (!shared) rotateClosed(spec.logFile, this.#logLimits);
      log = openSync(spec.logFile, "a", 0o600);
      const [program, args] =
        spec.role === "command"
          ? [spec.args[0]!, spec.args.slice(1)]
          : [process.execPath, [...(NODE_OPTIONS[spec.role] ?? []), programPath(spec.role), ...spec.args]];
      const child = spawn(program, args, {
        // Ctrl-C in the terminal reaches the whole process group: children must not be in ours.
        detached: true,
        cwd: spec.cwd,
        env: environmentOf(spec),
        stdio: spec.ipc ? ["ignore", log, log, "ipc", ...entry.fds] : ["ignore", log, log],
      });
      entry.child = child;
      entry.startedAt = this.#clock.monotonic();
      child.once("error", (error) => this.#failed(entry, errorText(error)));
      child.once("exit", (code, signal) => {
        this.#exited(entry, signal ? `was ended by ${signal}` : `exited with code ${code}`);
      });
      child.on("message", (message) => {
        if (entry.child === child) this.#said(entry, message);
      });
      const identity = child.pid === undefined ? undefined : identify(child.pid);
      if (!identity) return;
      entry.ran = true;
      if (spec.role === "command") {
        entry.stopKeeping = keepBounded(spec.logFile, this.#logLimits, this.#clock, (error) => {
          process.stderr.write(`windlass: the log ${spec.logFile} grows beyond its limit: ${error}\n`);
        }).stop;
      }
      entry.info = { id, role: spec.role, process: identity, said: null };
      this.#records.set({ id, role: spec.role, process: identity });
      this.#report({ kind: "spawned", id, process: identity });
    } catch (error) {
      this.#failed(entry, errorText(error));
    } finally {
      if (log !== undefined) closeSync(log);
    }
  }

  /** Whether the spare was there to be told. From here on it is the other child, whatever comes of it. */
  #handOver(spareId: string, id: string, spec: SpawnSpec): boolean {
    const entry = this.#entries.get(spareId);
    if (entry?.spec.role !== "spare" || spec.role !== "replica" || !entry.child?.connected || !entry.info) return false;
    try {
      // Its output goes to its file by an open descriptor, so the file becomes the replica's. Lines of an earlier
      // process with this log stay.
      if (existsSync(spec.logFile)) throw new Error("there is a log already");
      renameSync(entry.spec.logFile, spec.logFile);
    } catch {
      // Whoever gave it away counts on it no more.
      entry.child.kill("SIGKILL");
      return false;
    }
    const { child } = entry;
    const { process: identity } = entry.info;
    this.#entries.delete(spareId);
    this.#entries.set(id, entry);
    this.#records.rename(spareId, { id, role: spec.role, process: identity });
    Object.assign(entry, { id, spec, info: { id, role: spec.role, process: identity, said: null } });
    entry.handOver = this.#clock.timer(HAND_OVER_MS, () => child.kill("SIGKILL"), { unref: true });
    const order: TakeOver = { kind: "take-over", args: spec.args, env: environmentOf(spec), cwd: spec.cwd };
    child.send(order, () => {});
    this.#report({ kind: "exited", id: spareId, detail: `became ${id}`, restarting: false });
    return true;
  }

  #said(entry: Entry, message: unknown): void {
    const { id, info, handOver } = entry;
    if (!info) return;
    if (handOver === undefined) {
      entry.info = { ...info, said: message };
      this.#report({ kind: "said", id, message });
    } else if (saidBySpare(message, "taken")) {
      handOver.cancel();
      entry.handOver = undefined;
      this.#report({ kind: "spawned", id, process: info.process });
    }
  }

  #failed(entry: Entry, error: string): void {
    if (entry.child?.pid !== undefined) return;
    entry.child = undefined;
    if (entry.ran && this.#restarts(entry)) {
      this.#restart(entry, `could not be started again: ${error}`);
      return;
    }
    this.#forget(entry);
    this.#report({ kind: "spawn-failed", id: entry.id, error });
  }

  #exited(entry: Entry, detail: string): void {
    entry.child = undefined;
    entry.info = undefined;
    entry.stopKeeping?.();
    if (entry.handOver) {
      entry.handOver.cancel();
      entry.handOver = undefined;
      if (!entry.retired && !this.#stopping) {
        this.#run(entry);
        return;
      }
    }
    if (!this.#restarts(entry)) {
      this.#gone(entry, detail);
      return;
    }
    if (this.#clock.monotonic() - entry.startedAt >= LONG_RUN_MS) entry.restarts = 0;
    this.#restart(entry, detail);
  }

  #restarts({ spec, retired }: Entry): boolean {
    return spec.restart && !retired && !this.#stopping;
  }

  #restart(entry: Entry, detail: string): void {
    const delayMs = entry.restarts === 0 ? 0 : Math.min(RESTART_FIRST_MS * 2 ** (entry.restarts - 1), RESTART_CAP_MS);
    entry.restarts += 1;
    this.#report({ kind: "exited", id: entry.id, detail, restarting: true });
    entry.timer = this.#clock.timer(delayMs, () => this.#run(entry));
  }

  #gone(entry: Entry, detail: string): void {
    this.#forget(entry);
    this.#report({ kind: "exited", id: entry.id, detail, restarting: false });
  }

  #forget(entry: Entry): void {
    if (this.#entries.get(entry.id) !== entry) return;
    this.#entries.delete(entry.id);
    this.#records.delete(entry.id);
    this.#listeners.release(entry.spec.listen ?? []);
    if (entry.spec.role === "spare") removeEmpty(entry.spec.logFile);
  }
}

/** A spare says nothing unless something is wrong with it. */
function removeEmpty(path: string): void {
  try {
    if (statSync(path).size === 0) rmSync(path);
  } catch {
    // It is tidied up with the old logs.
  }
}

/** Options of Node that our programs run with. */
const NODE_OPTIONS: { readonly [R in Role]?: readonly string[] } = {};

function environmentOf({ env, logFile }: SpawnSpec): Record<string, string> {
  const all = { ...process.env, ...env, WINDLASS_LOG_FILE: logFile };
  return Object.fromEntries(Object.entries(all).filter((each): each is [string, string] => each[1] !== undefined));
}

/** A user's program may be a shell with children of its own: its whole group is meant. */
function deliver({ spec, child }: Entry, signal: NodeJS.Signals): void {
  if (spec.role !== "command" || child?.pid === undefined) {
    child?.kill(signal);
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    child.kill(signal);
  }
}
