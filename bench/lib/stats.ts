/** The value below which a share `q` (0 to 1) of `values` lies; NaN of none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  if (sorted.length % 2 === 1) return sorted[Math.floor(half)]!;
  return sorted.length === 0 ? Number.NaN : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** "12,345/s". */
export function perSecond(value: number): string {
  return `${Math.round(value).toLocaleString("en-US")}/s`;
}

/** "85 µs", "2.41 ms", "321 ms" or "4.02 s", as the size asks for. */
export function duration(ms: number): string {
  const size = Math.abs(ms);
  if (size < 1) return `${Math.round(ms * 1_000)} µs`;
  if (size < 10) return `${ms.toFixed(2)} ms`;
  return size < 10_000 ? `${Math.round(ms).toLocaleString("en-US")} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** "61 MB" (10^6 bytes). */
export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6).toLocaleString("en-US")} MB`;
}

/** "0.61×", "12.3×" or "140×"; "1/15" of what is less than a tenth. */
export function ratio(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value > 0 && value < 0.1) return `1/${(1 / value).toFixed(value < 0.01 ? 0 : 1)}`;
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)}×`;
}

/** "320 ms (290 ms to 410 ms, 5 runs)". */
export function spread(ms: readonly number[]): string {
  if (ms.length < 2) return duration(median(ms));
  return `${duration(median(ms))} (${duration(Math.min(...ms))} to ${duration(Math.max(...ms))}, ${ms.length} runs)`;
}
