/** Users' request routers that fail: counted, and told of now and then. */
import type { Clock } from "../core/clock.ts";
import type { MetricDeclaration, MetricSet } from "./metric-set.ts";

/** A request router that failed a request, or threw in a hook. */
export interface RouterFault {
  readonly application: string;
  readonly deployment: string;
  /** `request_router_class`. */
  readonly router: string;
  /** Tells one version of its code and arguments from the next. */
  readonly version: string;
  readonly reason: string;
  /** One line. */
  readonly error: string;
}

/** Between two lines on the same thing. */
const LINE_EVERY_MS = 60_000;
/** Things that lines are spaced out for; names and versions come and go. */
const MAX_KEYS = 1_024;
/** Characters by which errors are told apart. */
const MAX_TEXT = 300;

const FAULTS: MetricDeclaration = {
  name: "windlass_request_router_faults_total",
  help: "Requests that a custom request router failed, so that the power of two choices placed them; reason hook: its hooks threw.",
  kind: "counter",
  labelNames: ["application", "deployment", "reason", "actor_id"],
  whole: true,
};

/**
 * What counts faults of the router in `actorId`, a proxy or a replica; `warn` gets one line a minute for each deployment
 * and reason. Another version of the router is told of at once: whoever mends one wants to know.
 */
export function routerFaults(
  metrics: MetricSet,
  clock: Clock,
  actorId: string,
  warn: (message: string, fields: Readonly<Record<string, unknown>>) => void,
): (fault: RouterFault) => void {
  const news = spacedOut(clock);
  return ({ application, deployment, router, version, reason, error }) => {
    metrics.meter(FAULTS, application, deployment, reason, actorId).add(1);
    const faults = news([application, deployment, reason, version].join("\0"));
    if (faults === undefined) return;
    const instead = reason === "hook" ? "its hook failed" : "the power of two choices stands in for it";
    warn(`the request router failed: ${instead}`, { application, deployment, router, reason, error, faults });
  };
}

/**
 * What takes errors that request routers throw outside of their methods, from a timer say. `error` gets one line a minute
 * for each of them: a router may throw one with every request.
 */
export function looseErrors(
  clock: Clock,
  error: (message: string, fields: Readonly<Record<string, unknown>>) => void,
): (thrown: unknown) => void {
  const news = spacedOut(clock);
  return (thrown) => {
    const text = textOf(thrown);
    const times = news(text);
    if (times === undefined) return;
    const shown = thrown instanceof Error ? thrown : text;
    error("uncaught error, most likely of a request router", { error: shown, times });
  };
}

/** Says how often something happened since it was last told of; undefined: that was a moment ago. */
function spacedOut(clock: Clock): (key: string) => number | undefined {
  const quietUntilMs = new Map<string, number>();
  const since = new Map<string, number>();
  return (key) => {
    const nowMs = clock.monotonic();
    const times = (since.get(key) ?? 0) + 1;
    since.set(key, times);
    if (nowMs < (quietUntilMs.get(key) ?? Number.NEGATIVE_INFINITY)) return undefined;
    if (quietUntilMs.size >= MAX_KEYS) {
      quietUntilMs.clear();
      since.clear();
    }
    quietUntilMs.set(key, nowMs + LINE_EVERY_MS);
    since.set(key, 0);
    return times;
  };
}

/** Anything may be thrown, even what cannot be looked at. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown).slice(0, MAX_TEXT);
  } catch {
    return "an error that cannot be shown";
  }
}
