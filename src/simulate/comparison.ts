/** One metric of two configs beside each other. */
import type { Metric, Summary } from "./summary.ts";

/** Head of the column that {@link difference} is for. */
export const DIFFERENCE = "DIFFERENCE";

/** "+12.5 %", or the numbers' own difference where the first is 0; "" where both are the same or one is not known. */
export function difference({ value, format }: Metric, before: Summary, after: Summary): string {
  const [from, to] = [value(before), value(after)];
  if (from === null || to === null || from === to) return "";
  const sign = to > from ? "+" : "-";
  if (from === 0) return `${sign}${format(Math.abs(to - from))}`;
  return `${sign}${((100 * Math.abs(to - from)) / from).toFixed(1)} %`;
}
