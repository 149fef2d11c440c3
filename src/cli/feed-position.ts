import { toBinary } from "@bufbuild/protobuf";
import { type WatchInstanceResponse, WatchInstanceResponseSchema } from "../../gen/windlass/v1/instance_service_pb.ts";

/**
 * Where a reader of the feed stands, so that a cut stream is continued without a gap and without a repeat.
 * While the first snapshot comes in, `shown` holds what was handed on: a second attempt hands on differences only.
 * Later, `complete` is the last revision whose every event arrived, and `seen` names the events of the one after it.
 */
export type Position =
  | { readonly kind: "snapshot"; readonly shown: Map<string, string>; readonly present: Set<string> }
  | { readonly kind: "live"; complete: bigint; current: bigint; readonly seen: Set<string> };

/** Begins with the present state at `since` 0, else after that revision. */
export function startPosition(since: bigint): Position {
  return since === 0n
    ? { kind: "snapshot", shown: new Map(), present: new Set() }
    : { kind: "live", complete: since, current: since, seen: new Set() };
}

/** The `start_revision` to continue with. */
export function resumeRevision(position: Position): bigint {
  return position.kind === "live" ? position.complete : 0n;
}

/** To be called before each attempt. */
export function beginAttempt(position: Position): void {
  if (position.kind === "snapshot") position.present.clear();
}

/** Takes one message; returns the new position and what of it is news. */
export function advance(
  position: Position,
  message: WatchInstanceResponse,
): { position: Position; news: WatchInstanceResponse[] } {
  return position.kind === "snapshot" ? advanceSnapshot(position, message) : advanceLive(position, message);
}

function advanceSnapshot(position: Position & { kind: "snapshot" }, message: WatchInstanceResponse) {
  const { event, revision } = message;
  if (event.case === undefined) return { position, news: [] };
  if (event.case === "synced") {
    const gone = [...position.shown.keys()].filter((name) => !position.present.has(name));
    const news = gone.map((name): WatchInstanceResponse => ({ ...message, event: { case: "deleted", value: name } }));
    const live: Position = { kind: "live", complete: revision, current: revision, seen: new Set() };
    return { position: live, news: [...news, message] };
  }
  const name = eventName(message);
  const content = Buffer.from(toBinary(WatchInstanceResponseSchema, { ...message, revision: 0n })).toString("base64");
  position.present.add(name);
  if (position.shown.get(name) === content) return { position, news: [] };
  position.shown.set(name, content);
  return { position, news: [message] };
}

function advanceLive(position: Position & { kind: "live" }, message: WatchInstanceResponse) {
  const { event, revision } = message;
  if (revision > position.current) {
    position.complete = position.current;
    position.current = revision;
    position.seen.clear();
  }
  if (event.case === undefined || event.case === "synced") {
    // A watch that is resumed is first told the revision it was resumed from: that completes nothing.
    if (revision < position.current) return { position, news: [] };
    position.complete = position.current;
    position.seen.clear();
    return { position, news: [] };
  }
  const name = eventName(message);
  // At or below `complete` everything has been handed on already.
  if (revision <= position.complete || position.seen.has(name)) return { position, news: [] };
  position.seen.add(name);
  return { position, news: [message] };
}

/** The resource that a message is about; "instance" for the instance itself, "" for none. */
export function eventName(message: WatchInstanceResponse): string {
  const { event } = message;
  switch (event.case) {
    case "application":
    case "deployment":
    case "replica":
      return event.value.name;
    case "deleted":
      return event.value;
    case "instance":
      return "instance";
    default:
      return "";
  }
}
