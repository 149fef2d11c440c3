/**
 * Brings each revision to all watchers that have caught up: looked at once, encoded once for each way to send it, and
 * handed to their sockets as the same bytes.
 *
 *   | A watcher is | Event                               | Becomes                                          |
 *   | live         | news, its socket takes more         | live, the news written                           |
 *   | live         | news, its socket is full            | waiting after the news                           |
 *   | waiting      | its socket takes more, news is kept | live, the news written                           |
 *   | waiting      | its socket takes more, news is gone | behind: it reads on from the store's history     |
 *   | waiting      | the history it needs is compacted   | ended with CompactedError                        |
 *   | any          | its client leaves, the feed closes  | ended                                            |
 *
 * Nothing is queued for a watcher: it has a position, and news of its topic that it has not reached is kept once for
 * all, within bounds. Writers are answered first, and no turn of the event loop is spent on watchers alone for long.
 */
import type { Clock, Timer } from "../core/clock.ts";
import { WindlassError } from "../core/errors.ts";
import { type ChangeBatch, CompactedError, type Store } from "../store/store.ts";
import { batchOf, type FeedBatch } from "./feed-encoding.ts";
import type { ResourceEvent } from "./feed-event.ts";
import type { WatchMessage } from "./feed-loop.ts";
import { type FeedScope, inScope, resourceOf } from "./feed-scope.ts";
import { isNews, type Shown, type View, type Views } from "./feed-views.ts";

/** Where a watch's messages go. */
export interface FeedSink {
  /** Takes a batch at once. False: it holds enough now, and must be given no more before `whenReady` calls back. */
  write(batch: FeedBatch): boolean;
  /** Calls back once, when it takes more; never where the client has left. */
  whenReady(go: () => void): void;
}

/** How a live watch went on: it fell behind what is kept, or its client left. */
export type FanOutEnd = { readonly kind: "behind"; readonly position: number } | { readonly kind: "left" };

/** What to bring to whom. */
export interface FanOutMember {
  /** Everything up to this revision has been sent. */
  readonly position: number;
  readonly sink: FeedSink;
  readonly progressIntervalMs: number;
  /** Aborts when the client leaves. */
  readonly left: AbortSignal;
}

/** A scope that is being followed. */
export interface Topic {
  /** Whether a watch that has sent everything up to `position` can be served from here on. */
  holds(position: number): boolean;
  /** Serves a watch. Rejects with CompactedError and INSTANCE_UNAVAILABLE. */
  follow(member: FanOutMember): Promise<FanOutEnd>;
  /** Resolves when a full sink takes more or its client has left. Rejects as {@link follow}. */
  ready(sink: FeedSink, position: number, left: AbortSignal): Promise<void>;
  close(): void;
}

/** Bounds. */
export interface FanOutLimits {
  /** Revisions that are kept for watchers whose sockets are full. Default 4,096. */
  readonly keptRevisions: number;
  /** Characters of stored values in these. Default 4,194,304. */
  readonly keptChars: number;
  /** How long watchers are written to before others have a turn of the event loop, milliseconds. Default 4. */
  readonly sliceMs: number;
}

/** What holds where nothing else is said. */
export const DEFAULT_LIMITS: FanOutLimits = { keptRevisions: 4_096, keptChars: 4 << 20, sliceMs: 4 };

/** All topics of a server. */
export interface FanOut {
  open(scope: FeedScope, revealEnv: boolean): Topic;
  /** Ends every watch with INSTANCE_UNAVAILABLE. */
  close(): void;
}

/** News of one topic. */
interface News extends FeedBatch {
  readonly revision: number;
}

interface TopicState {
  readonly scope: FeedScope;
  readonly revealEnv: boolean;
  users: number;
  readonly members: Set<Member>;
  /** News that is kept, oldest first. */
  news: News[];
  /** News up to and including this revision is not kept. */
  droppedRevision: number;
  /** Members that are still to be written to in this round. */
  round: Iterator<Member> | undefined;
}

interface Member {
  readonly sink: FeedSink;
  readonly progressIntervalMs: number;
  position: number;
  /** Its sink is full. */
  waiting: Waiting | undefined;
  saidMs: number;
  timer: Timer | undefined;
  end(outcome: FanOutEnd | { readonly kind: "failed"; readonly error: Error }): void;
}

/** What a full sink waits with. */
interface Waiting {
  /** The history after it is still needed. */
  position(): number;
  fail(error: Error): void;
}

/** Members that are written to before the time is looked at. */
const BETWEEN_LOOKS = 8;

/** Makes a {@link FanOut}. */
export function createFanOut(
  store: Store,
  clock: Clock,
  views: { readonly hidden: Views; readonly revealed: Views },
  limits: Partial<FanOutLimits> = {},
): FanOut {
  const { keptRevisions, keptChars, sliceMs } = { ...DEFAULT_LIMITS, ...limits };
  const topics = new Map<string, TopicState>();
  /** Topics by the application that they are about; "" for those about all. */
  const byApplication = new Map<string, Set<TopicState>>();
  const shown: { readonly hidden: Shown; readonly revealed: Shown } = { hidden: new Map(), revealed: new Map() };
  /** Committed, and not yet looked at. */
  let inbox: ChangeBatch[] = [];
  /** What is kept, oldest first, and whose news it is. */
  let kept: { readonly revision: number; readonly chars: number; readonly topics: readonly TopicState[] }[] = [];
  let chars = 0;
  const rounds = new Set<TopicState>();
  const waiting = new Set<Waiting>();
  let compactedRevision = 0;
  let scheduled = false;
  let untap: (() => void) | undefined;
  let closed = false;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      absorb();
      deliver();
    });
  }

  /** Takes in what was committed. Afterwards everything that is kept is as new as the store. */
  function absorb(): void {
    const batches = inbox;
    inbox = [];
    for (const batch of batches) takeIn(batch);
    if (store.compactedRevision !== compactedRevision) {
      compactedRevision = store.compactedRevision;
      cutCompacted();
    }
  }

  function takeIn({ revision, changes }: ChangeBatch): void {
    const news = new Map<TopicState, ResourceEvent[]>();
    let weight = 0;
    for (const { key, value } of changes) {
      weight += value?.length ?? 0;
      for (const kind of ["hidden", "revealed"] as const) {
        const about = topicsAbout(key, kind === "revealed");
        // What nobody follows is no longer known to be shown as it is.
        if (about.length === 0) forget(shown[kind], key);
        else {
          const view = views[kind].viewOf(key, value);
          if (view === undefined || !isNews(shown[kind], view)) continue;
          for (const topic of about) addNews(news, topic, view);
        }
      }
    }
    if (news.size === 0) return;
    for (const [topic, events] of news) {
      const last = events.length - 1;
      const items = events.map((event, i): WatchMessage<ResourceEvent> => ({ revision, complete: i === last, event }));
      topic.news.push({ ...batchOf(items), revision });
      if (topic.members.size > 0) rounds.add(topic);
    }
    kept.push({ revision, chars: weight, topics: [...news.keys()] });
    chars += weight;
    drop();
  }

  /** Topics that a key may be news to. */
  function topicsAbout(key: string, revealEnv: boolean): TopicState[] {
    const application = applicationOfKey(key);
    if (application === undefined) return [];
    const found: TopicState[] = [];
    for (const name of application === "" ? [""] : ["", application]) {
      for (const topic of byApplication.get(name) ?? []) if (topic.revealEnv === revealEnv) found.push(topic);
    }
    return found;
  }

  function drop(): void {
    let count = 0;
    while (kept.length - count > keptRevisions || (chars > keptChars && kept.length - count > 1)) {
      const oldest = kept[count++]!;
      chars -= oldest.chars;
      for (const topic of oldest.topics) {
        if (topic.news[0]?.revision !== oldest.revision) continue;
        topic.news.shift();
        topic.droppedRevision = oldest.revision;
      }
    }
    if (count > 0) kept = kept.slice(count);
  }

  /** Writes to those that have news, for a while. */
  function deliver(): void {
    const endMs = clock.monotonic() + sliceMs;
    let written = 0;
    for (const topic of rounds) {
      rounds.delete(topic);
      const round = topic.round ?? topic.members.values();
      topic.round = undefined;
      for (let next = round.next(); !next.done; next = round.next()) {
        const member = next.value;
        if (member.waiting) continue;
        bring(topic, member);
        written += 1;
        if (written % BETWEEN_LOOKS !== 0 || clock.monotonic() < endMs) continue;
        topic.round = round;
        // What came meanwhile is in line behind those that wait longer; this one goes on where it is.
        rounds.add(topic);
        schedule();
        return;
      }
      // Those at the beginning of the round may not have what came in the middle of it.
      const newest = topic.news.at(-1)?.revision ?? 0;
      for (const member of topic.members) {
        if (member.waiting || member.position >= newest) continue;
        rounds.add(topic);
        break;
      }
    }
  }

  /** Writes the news that a member has not had. */
  function bring(topic: TopicState, member: Member): void {
    if (member.position < topic.droppedRevision) {
      member.end({ kind: "behind", position: member.position });
      return;
    }
    let at = topic.news.length;
    while (at > 0 && topic.news[at - 1]!.revision > member.position) at--;
    if (at === topic.news.length) return;
    member.saidMs = clock.monotonic();
    while (at < topic.news.length) {
      const news = topic.news[at++]!;
      member.position = news.revision;
      if (!member.sink.write(news)) {
        wait(topic, member);
        return;
      }
    }
  }

  function wait(topic: TopicState, member: Member): void {
    const entry: Waiting = {
      // What is kept here needs no history.
      position: () => (member.position < topic.droppedRevision ? member.position : store.revision),
      fail: (error) => member.end({ kind: "failed", error }),
    };
    member.waiting = entry;
    waiting.add(entry);
    member.sink.whenReady(() => {
      waiting.delete(entry);
      if (!topic.members.has(member)) return;
      member.waiting = undefined;
      member.saidMs = clock.monotonic();
      bring(topic, member);
    });
  }

  /** Ends those whose next revision is gone from here and from the store: they would get it only by waiting for ever. */
  function cutCompacted(): void {
    for (const one of [...waiting]) {
      if (one.position() >= compactedRevision) continue;
      waiting.delete(one);
      one.fail(new CompactedError(compactedRevision));
    }
  }

  function armProgress(topic: TopicState, member: Member): void {
    // Who is full is told no progress; when it takes more, the silence begins anew.
    const fromMs = member.waiting === undefined ? member.saidMs : clock.monotonic();
    const waitMs = Math.max(0, fromMs + member.progressIntervalMs - clock.monotonic());
    member.timer = clock.timer(
      waitMs,
      () => {
        if (!member.waiting) sayProgress(topic, member);
        if (topic.members.has(member)) armProgress(topic, member);
      },
      { unref: true },
    );
  }

  function sayProgress(topic: TopicState, member: Member): void {
    absorb();
    deliverLater();
    bring(topic, member);
    if (member.waiting || !topic.members.has(member)) return;
    if (clock.monotonic() < member.saidMs + member.progressIntervalMs) return;
    member.saidMs = clock.monotonic();
    member.position = Math.max(member.position, store.revision);
    if (!member.sink.write(batchOf([{ revision: member.position, complete: true }]))) wait(topic, member);
  }

  function deliverLater(): void {
    if (rounds.size > 0) schedule();
  }

  function follow(topic: TopicState, { position, sink, progressIntervalMs, left }: FanOutMember): Promise<FanOutEnd> {
    const { promise, resolve, reject } = Promise.withResolvers<FanOutEnd>();
    const leave = (): void => member.end({ kind: "left" });
    const member: Member = {
      sink,
      progressIntervalMs,
      position,
      waiting: undefined,
      saidMs: clock.monotonic(),
      timer: undefined,
      end(outcome) {
        if (!topic.members.delete(member)) return;
        member.timer?.cancel();
        if (member.waiting !== undefined) waiting.delete(member.waiting);
        left.removeEventListener("abort", leave);
        if (outcome.kind === "failed") reject(outcome.error);
        else resolve(outcome);
      },
    };
    topic.members.add(member);
    if (closed) member.end({ kind: "failed", error: stopping() });
    else if (left.aborted) leave();
    else {
      left.addEventListener("abort", leave, { once: true });
      armProgress(topic, member);
      absorb();
      deliverLater();
      bring(topic, member);
    }
    return promise;
  }

  function ready(sink: FeedSink, position: number, left: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const entry: Waiting = { position: () => position, fail: reject };
    const done = (): void => {
      waiting.delete(entry);
      left.removeEventListener("abort", done);
      resolve();
    };
    if (left.aborted || closed) return Promise.resolve();
    waiting.add(entry);
    left.addEventListener("abort", done, { once: true });
    sink.whenReady(done);
    return promise;
  }

  function openTopic(scope: FeedScope, revealEnv: boolean): TopicState {
    untap ??= store.onCommit({
      committed(batch) {
        inbox.push(batch);
        schedule();
      },
      closed: close,
    });
    absorb();
    deliverLater();
    const key = topicKey(scope, revealEnv);
    const known = topics.get(key);
    if (known !== undefined) {
      known.users += 1;
      return known;
    }
    const topic: TopicState = {
      scope,
      revealEnv,
      users: 1,
      members: new Set(),
      news: [],
      droppedRevision: store.revision,
      round: undefined,
    };
    topics.set(key, topic);
    for (const application of applicationsOf(scope)) {
      const those = byApplication.get(application);
      if (those === undefined) byApplication.set(application, new Set([topic]));
      else those.add(topic);
    }
    // From here on it is known what is shown of all that the topic is about: now is as good as any.
    const kind = revealEnv ? "revealed" : "hidden";
    for (const { resource, bytes } of views[kind].snapshot(scope)) {
      if (!shown[kind].has(resource.name)) shown[kind].set(resource.name, bytes);
    }
    return topic;
  }

  function closeTopic(topic: TopicState): void {
    topic.users -= 1;
    if (topic.users > 0) return;
    topics.delete(topicKey(topic.scope, topic.revealEnv));
    rounds.delete(topic);
    for (const application of applicationsOf(topic.scope)) {
      const those = byApplication.get(application);
      those?.delete(topic);
      if (those?.size === 0) byApplication.delete(application);
    }
    if (topics.size > 0) return;
    // Nobody watches: writes cost nothing.
    untap?.();
    untap = undefined;
    inbox = [];
    kept = [];
    chars = 0;
    shown.hidden.clear();
    shown.revealed.clear();
  }

  function close(): void {
    closed = true;
    const error = stopping();
    for (const topic of topics.values()) for (const member of [...topic.members]) member.end({ kind: "failed", error });
    for (const one of [...waiting]) one.fail(error);
    waiting.clear();
  }

  return {
    open(scope, revealEnv) {
      const topic = openTopic(scope, revealEnv);
      let open = true;
      return {
        holds: (position) => position >= topic.droppedRevision,
        follow: (member) => follow(topic, member),
        ready,
        close() {
          if (open) closeTopic(topic);
          open = false;
        },
      };
    },
    close,
  };
}

function addNews(news: Map<TopicState, ResourceEvent[]>, topic: TopicState, { resource, event }: View): void {
  if (!inScope(topic.scope, resource)) return;
  const events = news.get(topic);
  if (events === undefined) news.set(topic, [event]);
  else events.push(event);
}

function stopping(): WindlassError {
  return new WindlassError("INSTANCE_UNAVAILABLE", "the controller is stopping: watch again");
}

/** The application of a public key; "" for the instance's, undefined for keys that are not public. */
function applicationOfKey(key: string): string | undefined {
  const [kind, application = ""] = key.split("/", 2);
  if (kind === "instance" || kind === "proxy") return "";
  return kind === "application" || kind === "deployment" || kind === "replica" ? application : undefined;
}

function forget(shown: Shown, key: string): void {
  if (shown.size === 0) return;
  const resource = resourceOf(key);
  if (resource !== undefined) shown.delete(resource.name);
}

function topicKey({ kinds, under }: FeedScope, revealEnv: boolean): string {
  return JSON.stringify([[...kinds].sort(), under ?? null, revealEnv]);
}

/** The applications that a scope is about, as keys write them; "" for all. */
function applicationsOf({ under }: FeedScope): readonly string[] {
  if (under === undefined) return [""];
  const names = typeof under === "string" ? [under] : under;
  return [...new Set(names.map((name) => name.split("/")[1] ?? ""))];
}
