import { join } from "node:path";
import type { Clock, Timer } from "../../core/clock.ts";
import { spareLogName } from "../../core/names.ts";
import { saidBySpare } from "../../replica/spare-protocol.ts";
import type { ChildEvent, SupervisorClient } from "./supervisor-client.ts";

/** Options of {@link SparePool}. */
export interface SparePoolOptions {
  readonly supervisor: SupervisorClient;
  readonly clock: Clock;
  /** Private folder for sockets: command lines of our processes name it. */
  readonly runDir: string;
  /** Holds `logs/`. */
  readonly stateDir: string;
  /** How many processes wait. 0: none, and nothing is done. */
  readonly size: number;
}

/** Nothing was started, built or ended for so long before a spare is: it must not compete with what is wanted now. */
const QUIET_MS = 2_000;
/** Between the first spare that is up and the next. */
const NEXT_MS = 100;
/** A spare that does not come up is tried again after this, then after twice as long, … */
const RETRY_FIRST_MS = 4_000;
const RETRY_CAP_MS = 300_000;
const PREFIX = "spare/";

/**
 * Replica processes that wait, loaded, to become replicas. They belong to the supervisor: another controller finds them
 * again. What is taken or dies is replaced, one after the other, when nothing else happens.
 */
export class SparePool {
  readonly #o: SparePoolOptions;
  /** By id, oldest first. */
  readonly #spares = new Map<string, "loading" | "idle">();
  #free: () => boolean = () => true;
  #last = 0;
  #timer: Timer | undefined;
  /** Spares in a row that did not come up. */
  #failures = 0;

  constructor(options: SparePoolOptions) {
    this.#o = options;
    const { supervisor } = options;
    supervisor.listen(PREFIX, (event) => this.#onSpare(event));
    for (const { id, said } of supervisor.children) {
      if (id.startsWith(PREFIX)) this.#spares.set(id, saidBySpare(said, "idle") ? "idle" : "loading");
    }
    this.#refillAfter(QUIET_MS);
  }

  /** Spares are started only while `free` says so, as long as that may take. */
  onlyWhile(free: () => boolean): void {
    this.#free = free;
  }

  /** Something is being started, built or ended: spares wait. */
  busy(): void {
    if (this.#failures === 0) this.#refillAfter(QUIET_MS);
  }

  /** How many are loaded and wait. */
  get idle(): number {
    return [...this.#spares.values()].filter((state) => state === "idle").length;
  }

  /** The id of a spare for a replica with this environment, which is the caller's from now on; undefined: there is none. */
  take(env: Readonly<Record<string, string>>): string | undefined {
    this.busy();
    if (this.#spares.size === 0 || !fitsSpare(env)) return undefined;
    const id = [...this.#spares].find(([, state]) => state === "idle")?.[0];
    if (id !== undefined) this.#spares.delete(id);
    return id;
  }

  #refillAfter(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const loading = [...this.#spares.values()].includes("loading");
    if (this.#spares.size >= this.#o.size || loading) return;
    this.#timer = this.#o.clock.timer(delayMs, () => this.#spawn(), { unref: true });
  }

  #spawn(): void {
    if (!this.#free()) {
      this.#refillAfter(QUIET_MS);
      return;
    }
    const { supervisor, clock, stateDir, runDir } = this.#o;
    // Eight letters or digits, and never the same again.
    this.#last = Math.max(this.#last + 1, Math.floor(clock.now()));
    const name = this.#last.toString(36).padStart(8, "0");
    const id = `${PREFIX}${name}`;
    this.#spares.set(id, "loading");
    supervisor.spawn(id, {
      role: "spare",
      // The path is never made. It shows whose process this is, and leaves room in the command line for the replica's.
      args: ["--spare", "--control-socket", join(runDir, "r", `spare-${name}.ctl`)],
      env: {},
      cwd: stateDir,
      logFile: join(stateDir, "logs", spareLogName(name)),
      restart: false,
      ipc: true,
    });
  }

  #onSpare(event: ChildEvent): void {
    const state = this.#spares.get(event.id);
    // Those that were taken are the engine's.
    if (state === undefined) return;
    if (event.kind === "said" && saidBySpare(event.message, "idle")) {
      this.#spares.set(event.id, "idle");
      this.#failures = 0;
      this.#refillAfter(NEXT_MS);
    } else if (event.kind === "exited" || event.kind === "spawn-failed") {
      this.#spares.delete(event.id);
      if (state === "idle") this.busy();
      else this.#refillAfter(Math.min(RETRY_FIRST_MS * 2 ** this.#failures++, RETRY_CAP_MS));
    }
  }
}

/**
 * What Node, V8, ICU, OpenSSL, the C library and the dynamic loader read once, when a process starts. NODE_ENV is read
 * by libraries only.
 */
const READ_AT_START =
  /^(NODE_(?!ENV$)|UV_|V8_|LD_|DYLD_|MALLOC_|GLIBC_|OPENSSL_|SSL_CERT_|ICU_|LC_|LANG$|LANGUAGE$|LOCPATH$|TZ$|TZDIR$)/;

/** Which devices a process has is looked up from outside, in what it was started with. */
const DEVICES = /^(CUDA|NVIDIA|HIP|ROCR)_/;

/** Whether a process that runs already can take over this environment in every way. */
export function fitsSpare(env: Readonly<Record<string, string>>): boolean {
  return !Object.keys(env).some((name) => READ_AT_START.test(name.toUpperCase()) || DEVICES.test(name));
}
