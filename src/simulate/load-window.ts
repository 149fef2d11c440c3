/**
 * What one router has sampled of a deployment, and the load that its last report says. The reports' series are all
 * sampled at the same moments, so they are kept as a table: a row a sample, a column a replica. The load is the one of
 * `loadOf` over the same reports to the last bit, without making them (a test compares the two).
 */
import { type AggregationFunction, type LoadCurve, mergedCurve } from "../autoscaling/aggregate.ts";
import { NO_LOAD } from "../autoscaling/load.ts";
import { roundTo10Ms } from "../autoscaling/merge.ts";
import type { Series } from "../autoscaling/series.ts";

/** A router keeps no more samples, however short the intervals. */
const MAX_SAMPLES = 1_000;

/** A replica whose ongoing requests are sampled. */
export interface Sampled {
  readonly ongoing: number;
  /** The column of its samples, and the row of its first one; see {@link LoadWindow.track}. */
  column: number;
  sinceRow: number;
}

interface Merged {
  readonly timesS: number[];
  readonly values: number[];
}

export class LoadWindow {
  /** Epoch seconds. Rows are numbered from the first ever; `#base` is the number of the first that is kept. */
  #timesS: number[] = [];
  #queued: number[] = [];
  /** Of each column its values by row. */
  #columns: number[][] = [];
  #free: number[] = [];
  #base = 0;
  /** Rows of the last report: from, and up to but without. */
  #from = 0;
  #to = 0;
  #lastBusy = -1;
  /** Where the series of what waits begins. */
  #queuedSince = 0;

  /** Begins a series for a replica that runs now. */
  track(replica: Sampled): void {
    const rows = this.#timesS.length;
    replica.column = this.#free.pop() ?? this.#columns.push(new Array<number>(rows).fill(0)) - 1;
    replica.sinceRow = this.#base + rows;
  }

  /** Forgets the series of one that runs no longer: the controller does not count it. */
  drop(replica: Sampled): void {
    this.#free.push(replica.column);
  }

  /** Adds a sample of all series at `timeS`, epoch seconds. */
  sample(timeS: number, queued: number, running: readonly Sampled[]): void {
    let busy = queued;
    for (const column of this.#columns) column.push(0);
    const row = this.#timesS.push(timeS) - 1;
    this.#queued.push(queued);
    for (const replica of running) {
      busy += replica.ongoing;
      this.#columns[replica.column]![row] = replica.ongoing;
    }
    if (busy > 0) this.#lastBusy = this.#base + row;
  }

  /** If nothing waited at last, what waits is counted from now on only: idle time before says nothing. */
  forgetIdle(): void {
    if (!this.#queued.at(-1)) this.#queuedSince = this.#base + this.#timesS.length;
  }

  /** Makes the present samples the last report, of which those up to `startS`, epoch seconds, are pruned. */
  report(startS: number): void {
    let count = 0;
    while (count < this.#timesS.length && this.#timesS[count]! <= startS) count += 1;
    count = Math.max(count, this.#timesS.length - MAX_SAMPLES);
    if (count > 0) {
      this.#timesS.splice(0, count);
      this.#queued.splice(0, count);
      for (const column of this.#columns) column.splice(0, count);
      this.#base += count;
    }
    this.#from = this.#base;
    this.#to = this.#base + this.#timesS.length;
  }

  /** Whether the last report says that nothing waited or was worked on; then its load is that of no report. */
  get quiet(): boolean {
    return this.#lastBusy < this.#from;
  }

  /** What waited, as the last report says. */
  get queued(): Series {
    const [from, to] = [Math.max(0, this.#queuedSince - this.#base), this.#to - this.#base];
    return { timesS: this.#timesS.slice(from, to), values: this.#queued.slice(from, to) };
  }

  /** The load that the last report says, if `running` are the replicas that run now. */
  load(running: readonly Sampled[], by: AggregationFunction): LoadCurve {
    if (this.quiet) return NO_LOAD.total;
    const counted = running.filter(({ sinceRow }) => sinceRow < this.#to);
    const rows = this.#to - this.#base;
    const queuedBegin = Math.max(0, this.#queuedSince - this.#base);
    if (counted.length === 0) {
      return mergedCurve(this.queued, null, by);
    }
    const begins = counted.map(({ sinceRow }) => Math.max(0, sinceRow - this.#base));
    const aligned = begins.reduce((latest, begin) => Math.max(latest, begin), queuedBegin);
    return mergedCurve(this.#merged(counted, begins, queuedBegin, rows), this.#timesS[aligned]!, by);
  }

  #merged(counted: readonly Sampled[], begins: readonly number[], queuedBegin: number, rows: number): Merged {
    const timesS: number[] = [];
    const values: number[] = [];
    const columns = counted.map(({ column }) => this.#columns[column]!);
    let lastS = Number.NaN;
    let queuedBefore = 0;
    for (let row = 0; row < rows; row++) {
      let total = row < queuedBegin ? 0 : this.#queued[row]!;
      let changed = total !== queuedBefore;
      queuedBefore = total;
      for (let i = 0; i < columns.length; i++) {
        if (row < begins[i]!) continue;
        const level = columns[i]![row]!;
        if (level !== (row === begins[i]! ? 0 : columns[i]![row - 1]!)) changed = true;
        total += level;
      }
      if (!changed) continue;
      const timeS = roundTo10Ms(this.#timesS[row]!);
      if (timeS === lastS) values[values.length - 1] = total;
      else {
        timesS.push(timeS);
        values.push(total);
        lastS = timeS;
      }
    }
    return { timesS, values };
  }
}
