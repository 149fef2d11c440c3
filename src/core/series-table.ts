/** Several series over one column of times, as they travel (windlass.runtime.v1.SeriesTable). */

/** A step function in columns: `values[i]` holds from `timesS[i]`, epoch seconds, on until the next point. */
export interface SeriesColumns {
  readonly timesS: readonly number[];
  readonly values: readonly number[];
}

/** The packed form. */
export interface SeriesTable {
  readonly timesS: number[];
  readonly columns: { readonly name: string; readonly values: number[]; readonly rows: number[] }[];
}

/** The packed form as read; its arrays are not trusted to fit together. */
interface UncheckedTable {
  readonly timesS: readonly number[];
  readonly columns: readonly {
    readonly name: string;
    readonly values: readonly number[];
    readonly rows: readonly number[];
  }[];
}

/** Packs series by name. Those sampled together share their times, so a point costs little more than its value. */
export function packSeries(all: Iterable<readonly [name: string, series: SeriesColumns]>): SeriesTable {
  const series = [...all];
  const timesS = commonTimes(series.map(([, each]) => each.timesS));
  return {
    timesS,
    columns: series.map(([name, each]) => ({ name, values: [...each.values], rows: rowsOf(each.timesS, timesS) })),
  };
}

/** All times, each once, in order. */
function commonTimes(columns: readonly (readonly number[])[]): number[] {
  const longest = columns.reduce((best, column) => (column.length > best.length ? column : best), []);
  // Nearly always the longest series was sampled whenever the others were.
  const times = new Set(longest);
  const size = times.size;
  for (const column of columns) for (const timeS of column) times.add(timeS);
  const all = [...times];
  return times.size === size ? all : all.sort((a, b) => a - b);
}

/** Where the times of a series are in the common column; empty where they are its end. */
function rowsOf(own: readonly number[], common: readonly number[]): number[] {
  const skipped = common.length - own.length;
  if (skipped >= 0 && own.every((timeS, index) => timeS === common[skipped + index])) return [];
  const rows: number[] = [];
  let row = 0;
  for (const timeS of own) {
    while (common[row]! < timeS) row += 1;
    rows.push(row);
  }
  return rows;
}

/** Unpacks series by name. Throws one line where columns do not fit, times go back, or a number is not finite. */
export function unpackSeries({ timesS, columns }: UncheckedTable): Map<string, SeriesColumns> {
  for (const [index, timeS] of timesS.entries()) {
    if (!Number.isFinite(timeS)) throw new Error(`time ${index} is ${timeS}: it must be a finite number`);
    if (index > 0 && timeS < timesS[index - 1]!) throw new Error(`time ${index} is earlier than the one before it`);
  }
  return new Map(columns.map((column) => [column.name, unpackColumn(column, timesS)]));
}

function unpackColumn(
  { name, values, rows }: UncheckedTable["columns"][number],
  timesS: readonly number[],
): SeriesColumns {
  const bad = values.find((value) => !Number.isFinite(value));
  if (bad !== undefined) throw new Error(`a value of "${name}" is ${bad}: it must be a finite number`);
  if (rows.length === 0) {
    if (values.length > timesS.length)
      throw new Error(`"${name}" has ${values.length} values for ${timesS.length} times`);
    return { timesS: timesS.slice(timesS.length - values.length), values };
  }
  if (rows.length !== values.length) throw new Error(`"${name}" has ${values.length} values for ${rows.length} rows`);
  const own = rows.map((row, index) => {
    const timeS = timesS[row];
    if (timeS === undefined) throw new Error(`"${name}" has row ${row} of ${timesS.length}`);
    if (index > 0 && row < rows[index - 1]!) throw new Error(`the rows of "${name}" go back`);
    return timeS;
  });
  return { timesS: own, values };
}
