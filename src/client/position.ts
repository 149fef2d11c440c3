/** Where a reader of a feed stands, so that a cut stream is continued without a gap and without a repeat. Pure. */
import type { Step, WatchEvent } from "./events.ts";

/**
 * Before `synced` there is no complete revision: a cut begins anew. Later, `complete` is the last revision whose every
 * event arrived, `current` that of the last message, and `seen` counts how often each name of `current` was handed on,
 * `again` how often it came in this attempt: one revision may bring several scaling decisions on one deployment.
 */
export type Position =
  | { readonly kind: "snapshot"; resetTold: boolean }
  | {
      readonly kind: "live";
      complete: bigint;
      current: bigint;
      readonly seen: Map<string, number>;
      readonly again: Map<string, number>;
    };

/** Begins with the present state at `revision` 0, else after that revision. */
export function startPosition(revision: bigint): Position {
  return revision === 0n ? { kind: "snapshot", resetTold: false } : livePosition(revision);
}

function livePosition(revision: bigint): Position & { kind: "live" } {
  return { kind: "live", complete: revision, current: revision, seen: new Map(), again: new Map() };
}

/** The `start_revision` to continue with. */
export function resumeRevision(position: Position): bigint {
  return position.kind === "live" ? position.complete : 0n;
}

/** To be called before each attempt. */
export function beginAttempt(position: Position): void {
  if (position.kind === "live") position.again.clear();
  else position.resetTold = false;
}

/** Takes one message; returns the position after it and what of it is news. */
export function advance<R>(position: Position, step: Step<R>): { position: Position; news: WatchEvent<R>[] } {
  return position.kind === "snapshot" ? advanceSnapshot(position, step) : advanceLive(position, step);
}

function advanceSnapshot<R>(position: Position & { kind: "snapshot" }, { revision, event }: Step<R>) {
  if (event === undefined) return { position, news: [] };
  const news: WatchEvent<R>[] = position.resetTold ? [event] : [{ kind: "reset", revision }, event];
  position.resetTold = true;
  return { position: event.kind === "synced" ? livePosition(revision) : position, news };
}

function advanceLive<R>(position: Position & { kind: "live" }, { revision, event }: Step<R>) {
  const { seen, again } = position;
  if (revision > position.current) {
    position.complete = position.current;
    position.current = revision;
    seen.clear();
    again.clear();
  }
  if (event === undefined || event.kind === "synced") {
    // A watch that is resumed is first told the revision it was resumed from: that completes nothing.
    if (revision === position.current) {
      position.complete = revision;
      seen.clear();
      again.clear();
    }
    return { position, news: [] };
  }
  // At or below `complete` everything has been handed on already.
  if (revision <= position.complete) return { position, news: [] };
  const { name } = event;
  const times = (again.get(name) ?? 0) + 1;
  again.set(name, times);
  if (times <= (seen.get(name) ?? 0)) return { position, news: [] };
  seen.set(name, times);
  return { position, news: [event] };
}
