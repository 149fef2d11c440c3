/**
 * Compares what streams of the feed told with what was written, promise by promise (docs/feeds.md). Pure.
 *
 * Content is any text that stands for a resource's state: two states with the same text are the same to a reader.
 */

/** What docs/feeds.md promises of every stream. */
export type Promised = "ordered" | "unique" | "reliable" | "atomic" | "resumable" | "bookmarkable";

/** What one revision made of resources; undefined: it deleted them. */
export interface Written {
  readonly revision: number;
  readonly changes: ReadonlyMap<string, string | undefined>;
}

/** One message of a stream as its reader got it. */
export type Received =
  | { readonly kind: "event"; readonly revision: number; readonly name: string; readonly content: string | undefined }
  | { readonly kind: "synced"; readonly revision: number }
  | { readonly kind: "progress"; readonly revision: number };

/** One connection: where it began, and all that came before it was cut. */
export interface Segment {
  readonly startRevision: number;
  readonly messages: readonly Received[];
}

/** A reader with all its connections, in order. */
export interface StreamLog {
  readonly id: string;
  /** Resource names that the stream is about. Streams with the same `scope` are about the same ones. */
  readonly scope: string;
  covers(name: string): boolean;
  readonly segments: readonly Segment[];
  /** Whether the last connection was still open, and everything up to this revision must have come. Default: no. */
  readonly reachedRevision?: number;
}

/** A promise that was not kept. */
export interface Violation {
  readonly stream: string;
  readonly promise: Promised;
  readonly text: string;
}

/** What was written: the state before the first revision, and every revision after. */
export interface History {
  readonly before: ReadonlyMap<string, string>;
  readonly written: readonly Written[];
}

interface Change {
  readonly revision: number;
  readonly name: string;
  readonly content: string | undefined;
  /** Whether a reader sees a difference. One that sees none may be told or not. */
  readonly visible: boolean;
}

/** The last revision that is complete after a connection, as docs/feeds.md tells clients: what to resume after. */
export function completeRevision({ startRevision, messages }: Segment): number {
  let complete = startRevision;
  let current = startRevision;
  let synced = startRevision !== 0;
  for (const { kind, revision } of messages) {
    if (kind === "synced") synced = true;
    if (!synced) continue;
    complete = kind === "event" ? Math.max(complete, revision > current ? current : complete) : revision;
    current = revision;
  }
  return synced ? complete : 0;
}

/** Every promise that some stream broke; empty where all kept all. Reads each log once. */
export function checkHistory(history: History, streams: readonly StreamLog[]): Violation[] {
  const all = changesOf(history);
  const scopes = new Map<string, readonly Change[]>();
  return streams.flatMap((stream) => {
    let changes = scopes.get(stream.scope);
    if (changes === undefined) {
      changes = all.filter(({ name }) => stream.covers(name));
      scopes.set(stream.scope, changes);
    }
    const before = new Map([...history.before].filter(([name]) => stream.covers(name)));
    return checkStream(before, changes, stream);
  });
}

function changesOf({ before, written }: History): Change[] {
  const state = new Map<string, string | undefined>(before);
  return written.flatMap(({ revision, changes }) =>
    [...changes].map(([name, content]) => {
      const visible = state.get(name) !== content;
      state.set(name, content);
      return { revision, name, content, visible };
    }),
  );
}

function checkStream(before: ReadonlyMap<string, string>, changes: readonly Change[], stream: StreamLog): Violation[] {
  const found: Violation[] = [];
  const broken = (promise: Promised, text: string): void => void found.push({ stream: stream.id, promise, text });
  /** The last revision of which the reader has everything; undefined before the first `synced`. */
  let complete: number | undefined;
  for (const [number, segment] of stream.segments.entries()) {
    const { startRevision } = segment;
    if (startRevision > (complete ?? (number === 0 ? startRevision : 0))) {
      broken("resumable", `connection ${number} began at ${startRevision}, but only ${complete} was complete`);
    }
    const reached = checkSegment(before, changes, segment, broken);
    if (reached !== undefined) complete = Math.max(complete ?? 0, reached);
  }
  const until = stream.reachedRevision;
  if (until !== undefined && (complete === undefined || complete < until)) {
    const missing = changes.find(({ revision, visible }) => visible && revision > (complete ?? 0) && revision <= until);
    const last = stream.segments.at(-1)?.messages.at(-1);
    // The last revision of a live stream is whole although nothing has come after it to say so.
    const told = new Set(
      (stream.segments.at(-1)?.messages ?? []).flatMap((one) =>
        one.kind === "event" && one.revision === last?.revision ? [one.name] : [],
      ),
    );
    const rest = changes.filter(
      ({ revision, visible, name }) =>
        visible && revision > (complete ?? 0) && revision <= until && !(revision === last?.revision && told.has(name)),
    );
    if (missing !== undefined && rest.length > 0) {
      broken("reliable", `${rest.length} changes never came, the first is ${rest[0]!.name} at ${rest[0]!.revision}`);
    }
  }
  return found;
}

/** Returns the last revision that is complete; undefined where not even the snapshot was. */
function checkSegment(
  before: ReadonlyMap<string, string>,
  changes: readonly Change[],
  { startRevision, messages }: Segment,
  broken: (promise: Promised, text: string) => void,
): number | undefined {
  let first = 0;
  let complete = startRevision;
  if (startRevision === 0) {
    const end = messages.findIndex(({ kind }) => kind === "synced");
    if (end < 0) return undefined;
    complete = messages[end]!.revision;
    checkSnapshot(stateAt(before, changes, complete), messages.slice(0, end), complete, broken);
    first = end + 1;
  }
  /** The first change that was not yet required to have come. */
  let next = firstAfter(changes, complete);
  let current = complete;
  let bookmark = complete;
  let told = new Map<string, string | undefined>();
  /** All of `revision` and before must be there. */
  const finish = (revision: number): void => {
    for (; next < changes.length && changes[next]!.revision <= revision; next++) {
      const change = changes[next]!;
      if (!change.visible || (change.revision === current && told.has(change.name))) continue;
      const half = change.revision === current && told.size > 0;
      broken(half ? "atomic" : "reliable", `${change.name} at ${change.revision} never came`);
    }
    complete = Math.max(complete, revision);
  };
  for (const message of messages.slice(first)) {
    const { revision } = message;
    if (revision < current) {
      broken("ordered", `${revision} came after ${current}`);
      continue;
    }
    if (message.kind === "synced") {
      broken("unique", `synced came again at ${revision}`);
      continue;
    }
    if (message.kind === "progress") {
      finish(revision);
      current = revision;
      bookmark = revision;
      told = new Map();
      continue;
    }
    if (revision <= bookmark)
      broken("bookmarkable", `${message.name} at ${revision} came after ${bookmark} was said to be done`);
    if (revision > current) {
      finish(current);
      finish(revision - 1);
      current = revision;
      told = new Map();
    }
    if (told.has(message.name)) broken("unique", `${message.name} at ${revision} came twice`);
    told.set(message.name, message.content);
    const written = changeAt(changes, next, message.name, revision);
    if (written === undefined) broken("reliable", `${message.name} did not change at ${revision}`);
    else if (written.content !== message.content) {
      broken("atomic", `${message.name} at ${revision} is ${message.content}, not ${written.content}`);
    }
  }
  // The last revision may go on: nothing has come after it.
  return told.size > 0 ? complete : Math.max(complete, current);
}

function checkSnapshot(
  state: ReadonlyMap<string, string>,
  messages: readonly Received[],
  revision: number,
  broken: (promise: Promised, text: string) => void,
): void {
  const told = new Set<string>();
  for (const message of messages) {
    if (message.revision !== revision) broken("atomic", `a snapshot of ${revision} has ${message.revision} in it`);
    if (message.kind !== "event") continue;
    if (told.has(message.name)) broken("unique", `${message.name} is twice in the snapshot of ${revision}`);
    told.add(message.name);
    if (state.get(message.name) !== message.content) {
      broken(
        "atomic",
        `${message.name} is ${message.content} in the snapshot of ${revision}, not ${state.get(message.name)}`,
      );
    }
  }
  for (const name of state.keys()) {
    if (!told.has(name)) broken("reliable", `${name} is not in the snapshot of ${revision}`);
  }
}

function stateAt(
  before: ReadonlyMap<string, string>,
  changes: readonly Change[],
  revision: number,
): Map<string, string> {
  const state = new Map(before);
  for (const change of changes) {
    if (change.revision > revision) break;
    if (change.content === undefined) state.delete(change.name);
    else state.set(change.name, change.content);
  }
  return state;
}

function firstAfter(changes: readonly Change[], revision: number): number {
  let low = 0;
  for (let high = changes.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (changes[middle]!.revision > revision) high = middle;
    else low = middle + 1;
  }
  return low;
}

function changeAt(changes: readonly Change[], from: number, name: string, revision: number): Change | undefined {
  for (let at = from; at < changes.length && changes[at]!.revision <= revision; at++) {
    const change = changes[at]!;
    if (change.revision === revision && change.name === name) return change;
  }
  return undefined;
}
