/** One instant query of a Prometheus server. */
import { readPrometheusResult } from "../autoscaling/prometheus.ts";
import type { PrometheusKwargs } from "../config/policy-kwargs.ts";
import type { Clock } from "../core/clock.ts";

/** A server's answer that is longer cannot be one number. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** The query's number, or why there is none, one line. Never throws. Samples older than `freshness_s` do not count. */
export async function queryPrometheus(
  kwargs: PrometheusKwargs,
  clock: Clock,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly value: number } | { readonly problem: string }> {
  const { bearer_token_env: tokenName, timeout_s: timeoutS, url } = kwargs;
  const token = tokenName === null ? "" : (env[tokenName] ?? "");
  if (tokenName !== null && token === "") {
    return { problem: `the environment variable ${tokenName} is empty; set it in runtime_env.env_vars` };
  }
  const abort = new AbortController();
  const timer = clock.timer(timeoutS * 1000, () => abort.abort());
  try {
    const response = await fetch(queryUrl(kwargs), {
      signal: abort.signal,
      headers: { accept: "application/json", ...(token === "" ? {} : { authorization: `Bearer ${token}` }) },
    });
    const body = json(await readBounded(response));
    // A server says what is wrong with a query in the body of a 4xx.
    if (body !== undefined) return readPrometheusResult(body);
    return { problem: `the server answered ${response.status}, and no JSON` };
  } catch (error) {
    if (abort.signal.aborted) return { problem: `the server did not answer within ${timeoutS} s` };
    return { problem: `${new URL(url).host} cannot be asked: ${why(error)}` };
  } finally {
    timer.cancel();
  }
}

function queryUrl({ url, query, freshness_s, timeout_s }: PrometheusKwargs): URL {
  const full = new URL(url);
  const path = full.pathname.replace(/\/+$/, "");
  full.pathname = path.endsWith("/api/v1/query") ? path : `${path}/api/v1/query`;
  full.searchParams.set("query", query);
  full.searchParams.set("timeout", `${timeout_s}s`);
  // Unless told, a server takes samples of up to five minutes ago for present ones.
  full.searchParams.set("lookback_delta", `${freshness_s}s`);
  return full;
}

async function readBounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > MAX_ANSWER_BYTES) throw new Error("its answer is larger than 1 MiB; aggregate in the query");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What lies behind fetch's "fetch failed". */
function why(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return "code" in cause && typeof cause.code === "string" ? cause.code : cause.message;
}
