const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/;
const INFINITY = /^\+?inf(inity)?$/;
const NEVER = /^(-inf(inity)?|[+-]?nan)$/;

/**
 * Seconds a request may take; 0: no limit. `header` is `x-request-timeout-seconds`: a positive number overrides the
 * configured one, zero or less, `nan` and `inf` mean no limit, and what is no number is as if absent.
 */
export function requestTimeoutS(header: string | undefined, configuredS: number): number {
  if (header === undefined) return configuredS;
  const text = header.trim().toLowerCase();
  if (INFINITY.test(text) || NEVER.test(text)) return 0;
  if (!NUMBER.test(text)) return configuredS;
  const seconds = Number(text);
  return seconds > 0 && seconds < Number.POSITIVE_INFINITY ? seconds : 0;
}

/** The text of a 408. Whole seconds are written "2.0", as the reference does. */
export function timeoutText(requestId: string, timeoutS: number): string {
  return `Request ${requestId} timed out after ${Number.isInteger(timeoutS) ? timeoutS.toFixed(1) : timeoutS}s.`;
}
