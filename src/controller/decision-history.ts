/**
 * Decisions as they are shown. What is recorded of a deployment is replayed once: a later reader pays for what was
 * recorded since the last one. A replay yields to the event loop each half millisecond, so that no reader delays a
 * turn.
 */
import { DecisionLog, type LoggedDecision } from "../autoscaling/decision-log.ts";
import { Replayer, type ReplayFound } from "../autoscaling/replay.ts";
import type { TraceEntry } from "../autoscaling/trace.ts";
import type { Clock } from "../core/clock.ts";
import type { Store } from "../store/store.ts";
import { decisionShown, joined, saysTheSameAs } from "./autoscale-decisions.ts";
import type { TraceChunk, TraceRange } from "./autoscale-record.ts";
import { tickAt } from "./autoscale-ticks.ts";
import type { ScalingDecision } from "./controller.ts";
import { keys } from "./records.ts";

/** Decisions that are shown at most. */
const MOST = 1_000;
/** Deployments whose replays are kept, those that were asked for last. */
const MOST_KEPT = 16;
/** How long a slice of a replay takes, give or take a chunk. */
const SLICE_MS = 0.5;
/** Chunks from which one replay can begin to where the next can. */
const CHUNKS_A_MARK = 32;

/** Whose decisions are asked for, and what is known of them. */
export interface DecisionSubject {
  readonly application: string;
  readonly deployment: string;
  readonly shadow: boolean;
  /** Those that this process made, oldest first. */
  log(): readonly LoggedDecision[];
  /** What was recorded and is not stored yet. */
  unstored(): readonly TraceEntry[];
  /** Which chunks are stored now. */
  range(): TraceRange;
}

export interface DecisionHistoryOptions {
  readonly store: Pick<Store, "get">;
  readonly clock: Pick<Clock, "now" | "monotonic">;
}

/** A place in what is recorded: so many entries of a chunk were taken. */
interface Position {
  readonly sequence: number;
  readonly taken: number;
}

/** A replay that goes on where it ended. */
interface Reading {
  at: Position;
  replayer: Replayer;
  /** Revision of the chunk that was taken whole last, to tell whether it is still the same recording. */
  known: { readonly sequence: number; readonly revision: number } | null;
}

interface Kept {
  readonly shown: Reading & { log: DecisionLog };
  readonly marked: Reading & {
    marks: { readonly sequence: number; readonly atS: number; readonly replayer: Replayer }[];
  };
}

export class DecisionHistory {
  readonly #o: DecisionHistoryOptions;
  readonly #kept = new Map<string, Kept>();
  /** Readers come one after the other: each holds the event loop for a while. */
  #turn: Promise<unknown> = Promise.resolve();
  #sliceEndMs = Number.NEGATIVE_INFINITY;

  constructor(options: DecisionHistoryOptions) {
    this.#o = options;
  }

  /** The decisions that differ from the one before them, newest first, at most 1,000. */
  list(subject: DecisionSubject): Promise<readonly ScalingDecision[]> {
    return this.#inTurn(subject, async (kept) => {
      const all = await this.#logged(subject, kept);
      return all.map((logged) => decisionShown(logged, subject.shadow)).reverse();
    });
  }

  /** What held at a moment, epoch seconds, with the load and the time left of then; undefined: nothing of then is kept. */
  at(subject: DecisionSubject, atS: number): Promise<ScalingDecision | undefined> {
    return this.#inTurn(subject, async (kept) => {
      const held = (await this.#logged(subject, kept)).findLast(({ first }) => first.atS <= atS);
      if (held === undefined) return undefined;
      const then = await this.#replayedTo(subject, kept, Math.min(atS, this.#o.clock.now() / 1_000));
      if (then === undefined || then.atS < held.first.atS) return decisionShown(held, subject.shadow);
      const first = saysTheSameAs(then, held.first) ? held.first : then;
      return decisionShown({ first, last: then, turns: first === then ? 1 : held.turns }, subject.shadow);
    });
  }

  /** The decisions of earlier controllers, and of this one before its log begins, joined with its log. */
  async #logged(subject: DecisionSubject, { shown }: Kept): Promise<readonly LoggedDecision[]> {
    const log = subject.log();
    const beganS = log[0]?.first.atS ?? Number.POSITIVE_INFINITY;
    const restart = (): void => {
      shown.log = new DecisionLog(MOST);
    };
    const found: ReplayFound = { decisions: [], differences: [] };
    await this.#read(subject, shown, restart, (entry) => {
      if (entry.atS >= beganS) return false;
      shown.replayer.take(entry, found);
      for (const decision of found.decisions.splice(0)) shown.log.add(decision);
      found.differences.length = 0;
      return true;
    });
    return joined(shown.log.list(), log).slice(-MOST);
  }

  /** The last decision that was made until then, or would have been made then. */
  async #replayedTo(subject: DecisionSubject, { marked }: Kept, atS: number) {
    const found: ReplayFound = { decisions: [], differences: [] };
    const restart = (): void => {
      marked.marks = [];
    };
    await this.#read(subject, marked, restart, (entry, { sequence, taken }) => {
      const due = (marked.marks.at(-1)?.sequence ?? Number.NEGATIVE_INFINITY) + CHUNKS_A_MARK <= sequence;
      if (taken === 0 && due) marked.marks.push({ sequence, atS: entry.atS, replayer: marked.replayer.copy() });
      marked.replayer.take(entry, found);
      found.decisions.length = found.differences.length = 0;
      return true;
    });
    const { first } = subject.range();
    marked.marks = marked.marks.filter(({ sequence }) => sequence >= first);
    const mark = marked.marks.findLast((one) => one.atS <= atS);
    if (mark === undefined) return undefined;
    const reading: Reading = { at: { sequence: mark.sequence, taken: 0 }, replayer: mark.replayer.copy(), known: null };
    let after: TraceEntry | undefined;
    const take = (entry: TraceEntry): boolean => {
      if (entry.atS > atS) after ??= entry;
      else reading.replayer.take(entry, found);
      return after === undefined;
    };
    await this.#read(subject, reading, () => {}, take);
    const readS = reading.replayer.last?.atS ?? Number.NEGATIVE_INFINITY;
    // Some of it may have been stored since, and read.
    for (const entry of subject.unstored()) if (entry.atS > readS && !take(entry)) break;
    // Where ticks were left out before the next entry, nothing was decided at them.
    const endMs = Math.min(atS, (after?.missedFromS ?? Number.POSITIVE_INFINITY) - 0.05) * 1_000;
    const tickS = tickAt(endMs) / 1_000;
    reading.replayer.run(tickS + 0.05, found, { timesS: [tickS], next: 0 });
    return reading.replayer.last;
  }

  /** Has `take` read what was not read yet, until it takes an entry no more. `restart`: what was read is of no use. */
  async #read(
    subject: DecisionSubject,
    reading: Reading,
    restart: () => void,
    take: (entry: TraceEntry, at: Position) => boolean,
  ): Promise<void> {
    const { application, deployment, shadow } = subject;
    const chunk = (sequence: number) => this.#o.store.get(keys.trace(application, deployment, sequence, shadow));
    const { known } = reading;
    const { first, next } = subject.range();
    const same = known === null || (known.sequence >= first && chunk(known.sequence)?.modRevision === known.revision);
    if (!same || reading.at.sequence < first || reading.at.sequence > next) {
      Object.assign(reading, { at: { sequence: first, taken: 0 }, replayer: new Replayer(), known: null });
      restart();
    }
    while (reading.at.sequence < subject.range().next) {
      const { sequence, taken } = reading.at;
      const stored = chunk(sequence);
      // The ring went on meanwhile: a replay begins anew at the next entry that tells all.
      if (stored === undefined) reading.replayer = new Replayer();
      const entries = stored === undefined ? [] : (JSON.parse(stored.value) as TraceChunk).entries;
      for (let at = taken; at < entries.length; at++) {
        if (!take(entries[at]!, { sequence, taken: at })) return;
        reading.at = { sequence, taken: at + 1 };
      }
      reading.at = { sequence: sequence + 1, taken: 0 };
      if (stored !== undefined) reading.known = { sequence, revision: stored.modRevision };
      await this.#yield();
    }
  }

  async #yield(): Promise<void> {
    const { clock } = this.#o;
    if (clock.monotonic() < this.#sliceEndMs) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#sliceEndMs = clock.monotonic() + SLICE_MS;
  }

  #inTurn<T>(subject: DecisionSubject, read: (kept: Kept) => Promise<T>): Promise<T> {
    const { application, deployment, shadow } = subject;
    const key = keys.scaling(application, deployment, shadow);
    const kept = this.#kept.get(key) ?? newKept();
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    const result = this.#turn.then(() => read(kept));
    this.#turn = result.catch(() => {});
    return result;
  }
}

function newKept(): Kept {
  const reading = (): Reading => ({ at: { sequence: 0, taken: 0 }, replayer: new Replayer(), known: null });
  return {
    shown: { ...reading(), log: new DecisionLog(MOST) },
    marked: { ...reading(), marks: [] },
  };
}
