import { assertNever } from "../core/assert-never.ts";
import type { ProcessIdentity, ReplicaRecord, ReplicaState } from "./records.ts";

/** What can happen to a replica. */
export type ReplicaEvent =
  | { readonly kind: "spawned"; readonly process: ProcessIdentity }
  | { readonly kind: "ready"; readonly address: string }
  | { readonly kind: "start-failed"; readonly error: string }
  | { readonly kind: "reconfigured"; readonly settings: string }
  | { readonly kind: "reconfigure-failed"; readonly error: string }
  | { readonly kind: "exited"; readonly detail: string }
  /** The deployment wants it gone. `timeoutMs` 0 is at once, without grace. */
  | { readonly kind: "stop"; readonly timeoutMs: number }
  /** Every router has applied a table without it. */
  | { readonly kind: "unrouted" }
  /** Time passed; deadlines are looked at. */
  | { readonly kind: "tick" };

/** What the engine is to do for a replica. */
export type ReplicaAction =
  | { readonly kind: "stop"; readonly id: string; readonly timeoutMs: number }
  | { readonly kind: "kill"; readonly id: string };

/** What the deployment has to know about a step of one of its replicas. */
export type ReplicaFact =
  | { readonly kind: "started" }
  | { readonly kind: "start-failed"; readonly error: string }
  | { readonly kind: "died"; readonly error: string }
  | { readonly kind: "reconfigured" };

export interface ReplicaStep {
  /** null: gone. */
  readonly replica: ReplicaRecord | null;
  readonly fact: ReplicaFact | null;
  readonly actions: readonly ReplicaAction[];
}

/** How long a replica that a restarted controller looks for may stay silent; the reference's limit. */
export const RECOVERY_TIMEOUT_MS = 30_000;

/** Whether routers may send requests to it. */
export function isRoutable(state: ReplicaState): boolean {
  return (
    state.kind === "running" || state.kind === "updating" || (state.kind === "recovering" && state.was !== "starting")
  );
}

/**
 * One step of a replica's life.
 *
 * ```
 * state \ event        | ready    | start-failed / reconfigure-failed | exited            | stop (graceful / at once)
 * waiting              | -        | -                                 | -                 | gone
 * starting             | running  | stopping(killed), start-failed    | gone, start-failed| stopping(killed)
 * recovering(starting) | running  | stopping(killed), start-failed    | gone (not counted)| stopping(killed)
 * recovering(serving)  | running  | -                                 | gone, died        | stopping(unrouting / killed)
 * running, updating    | -        | updating: stopping, start-failed  | gone, died        | stopping(unrouting / killed)
 * stopping             | -        | -                                 | gone              | killed, if at once
 * ```
 * waiting becomes starting when the node has room (deployment-state.ts, waiting.ts).
 * stopping: unrouting → (unrouted) draining → (exited) gone; past the deadline it is killed.
 */
export function stepReplica(replica: ReplicaRecord, event: ReplicaEvent, now: number): ReplicaStep {
  const { state } = replica;
  const same: ReplicaStep = { replica, fact: null, actions: [] };
  const into = (next: ReplicaState, fact: ReplicaFact | null = null, actions: ReplicaAction[] = []): ReplicaStep => ({
    replica: { ...replica, state: next, updatedAt: now },
    fact,
    actions,
  });
  const killed = (): ReplicaState => ({ kind: "stopping", since: now, stage: "killed", deadline: now });
  const kill: ReplicaAction = { kind: "kill", id: replica.id };
  const serving = isRoutable(state);

  switch (event.kind) {
    case "spawned":
      return { ...same, replica: { ...replica, process: event.process, updatedAt: now } };
    case "ready": {
      const first = state.kind === "starting" || (state.kind === "recovering" && state.was === "starting");
      if (!first && state.kind !== "recovering") return same;
      const step = into({ kind: "running", since: now }, first ? { kind: "started" } : null);
      return { ...step, replica: { ...step.replica!, address: event.address } };
    }
    case "start-failed":
      if (state.kind !== "starting" && !(state.kind === "recovering" && state.was === "starting")) return same;
      return into(killed(), { kind: "start-failed", error: event.error }, [kill]);
    case "reconfigured":
      if (state.kind !== "updating" || state.to.settings !== event.settings) return same;
      return {
        replica: { ...replica, version: state.to, state: { kind: "running", since: now }, updatedAt: now },
        fact: { kind: "reconfigured" },
        actions: [],
      };
    case "reconfigure-failed": {
      if (state.kind !== "updating") return same;
      const stopping: ReplicaState = { kind: "stopping", since: now, stage: "unrouting", deadline: now + 20_000 };
      return into(stopping, { kind: "start-failed", error: event.error });
    }
    case "exited": {
      // No process of its own can have ended.
      if (state.kind === "waiting") return same;
      const gone = { replica: null, actions: [] };
      if (state.kind === "starting") return { ...gone, fact: { kind: "start-failed", error: event.detail } };
      if (serving) return { ...gone, fact: { kind: "died", error: event.detail } };
      return { ...gone, fact: null };
    }
    case "stop":
      if (state.kind === "waiting") return { replica: null, fact: null, actions: [] };
      if (state.kind === "stopping") {
        return event.timeoutMs === 0 && state.stage !== "killed" ? into(killed(), null, [kill]) : same;
      }
      if (!serving || event.timeoutMs === 0) return into(killed(), null, [kill]);
      return into({ kind: "stopping", since: now, stage: "unrouting", deadline: now + event.timeoutMs });
    case "unrouted":
      if (state.kind !== "stopping" || state.stage !== "unrouting") return same;
      return into({ ...state, stage: "draining" }, null, [
        { kind: "stop", id: replica.id, timeoutMs: Math.max(0, state.deadline - now) },
      ]);
    case "tick":
      if (state.kind === "stopping" && state.stage !== "killed" && now >= state.deadline) {
        return into({ ...state, stage: "killed" }, null, [kill]);
      }
      if (state.kind === "recovering" && now - state.since >= RECOVERY_TIMEOUT_MS) {
        const fact: ReplicaFact | null =
          state.was === "starting" ? null : { kind: "died", error: "did not answer after the controller's restart" };
        return into(killed(), fact, [kill]);
      }
      return same;
    default:
      return assertNever(event);
  }
}

/** When a replica next needs a tick; Infinity when it does not. */
export function replicaDeadline(replica: ReplicaRecord): number {
  const { state } = replica;
  if (state.kind === "stopping") return state.stage === "killed" ? Infinity : state.deadline;
  if (state.kind === "recovering") return state.since + RECOVERY_TIMEOUT_MS;
  return Infinity;
}

/** A replica as a restarted controller takes it up: what serves goes on serving, what stopped is stopped again. */
export function recoverReplica(replica: ReplicaRecord, now: number): ReplicaRecord {
  const { state } = replica;
  if (state.kind === "waiting") return replica;
  if (state.kind === "stopping") return { ...replica, state: { ...state, stage: "unrouting" } };
  const was = state.kind === "recovering" ? state.was : state.kind;
  return { ...replica, state: { kind: "recovering", since: now, was } };
}
