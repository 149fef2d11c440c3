import type { ProcessIdentity } from "../controller/records.ts";
import type { ListenAddress } from "./listeners.ts";

/**
 * What the supervisor and the controller tell each other over the controller's IPC channel. The supervisor decides
 * nothing: it spawns, restarts, signals, reaps and reports.
 */
export type ToSupervisor =
  /** A controller is up and wants to know what runs: answered with `children`. */
  | { readonly kind: "hello" }
  /**
   * The control port answers, the state is recovered, and the proxies (if any) listen. `httpTls`: over TLS, which
   * stored options may say as well as flags.
   */
  | { readonly kind: "ready"; readonly proxies: readonly number[]; readonly httpTls: boolean }
  /** The controller cannot start; it exits next. One line for the user. */
  | { readonly kind: "failed"; readonly error: string }
  | { readonly kind: "spawn"; readonly id: string; readonly spec: SpawnSpec }
  | { readonly kind: "signal"; readonly id: string; readonly signal: NodeJS.Signals }
  /** SIGTERM, and no restart when it ends. */
  | { readonly kind: "retire"; readonly id: string }
  /** End `windlass start` as a whole, as SIGTERM would. */
  | { readonly kind: "end-process" };

/** See {@link ToSupervisor}. */
export type FromSupervisor =
  | { readonly kind: "children"; readonly children: readonly Child[] }
  | { readonly kind: "spawned"; readonly id: string; readonly process: ProcessIdentity }
  | { readonly kind: "spawn-failed"; readonly id: string; readonly error: string }
  /** `restarting`: it is being started again and `spawned` follows. */
  | { readonly kind: "exited"; readonly id: string; readonly detail: string; readonly restarting: boolean }
  /** A child with IPC said something. */
  | { readonly kind: "said"; readonly id: string; readonly message: unknown }
  /** Stop everything gracefully, keep the desired state, exit 0. */
  | { readonly kind: "stop" };

/**
 * Programs the supervisor runs: our own by role, or (`command`) one of the user's, named by `args[0]`. A `spare` is the
 * replica program, waiting to become a replica.
 */
export type Role = "controller" | "proxy" | "replica" | "spare" | "builder" | "policy-host" | "command";

export interface SpawnSpec {
  readonly role: Role;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Standard output and error are appended here: never a pipe, which would break with its reader. */
  readonly logFile: string;
  /** Start it again when it ends: at once, then with growing pauses. */
  readonly restart: boolean;
  /** Open an IPC channel (file descriptor 3), and pass on what the child says. */
  readonly ipc: boolean;
  /** Sockets to listen on, handed down as file descriptors 4, 5, …; they need `ipc`. Default: none. */
  readonly listen?: readonly ListenAddress[];
  /**
   * Id of a spare that is to become it: `exited` is reported of the spare and `spawned` of this. A process is started
   * where the spare cannot. Default: none.
   */
  readonly spare?: string;
}

export interface Child {
  readonly id: string;
  readonly role: Role;
  readonly process: ProcessIdentity;
  /** The last thing it said over IPC. */
  readonly said: unknown;
}
