/**
 * What the autoscaler did last, for Prometheus. At most nine gauges a deployment and a counter for each kind of failed
 * call, none of what is not autoscaled. Not written by the client library, which holds the event loop for half a second
 * with the series of 10,000 deployments.
 */

/** The newest decision on a deployment in numbers. */
export interface ScalingFigures {
  readonly application: string;
  readonly deployment: string;
  /** What is followed; undefined: only a shadow decides. */
  readonly followed?: FollowedFigures | undefined;
  /** Replicas that its autoscaling_shadow would have; absent without one. */
  readonly shadowReplicas?: number | undefined;
}

/** See {@link ScalingFigures}. */
export interface FollowedFigures {
  /** Replicas wished for, before gangs and bounds, and decided for. */
  readonly desired: number;
  readonly target: number;
  /** Requests that ran or waited, and how many a replica should have; null: that is not set. */
  readonly totalRequests: number;
  readonly targetOngoingRequests: number | null;
  /** Whose policy was asked last and how long it took; absent: none answered yet. */
  readonly policy?: { readonly scope: "deployment" | "application"; readonly tookMs: number } | undefined;
  /** How old the newest report of a router and of a replica was when it came; null: none came. */
  readonly handleDelayMs: number | null;
  readonly replicaDelayMs: number | null;
  /** Calls of users' recordAutoscalingStats: how long the last took, and how many failed by the name of the error. */
  readonly stats?: { readonly latencyMs: number | null; readonly failures: ReadonlyMap<string, number> } | undefined;
}

interface ScalingMetric {
  readonly name: string;
  readonly help: string;
  /** Labels of a value besides those of its deployment. */
  readonly more?: (figures: ScalingFigures) => string;
  readonly value: (figures: ScalingFigures) => number | null | undefined;
}

const METRICS: readonly ScalingMetric[] = [
  {
    name: "serve_autoscaling_desired_replicas",
    help: "Replicas that the newest decision wished for, before gangs and bounds.",
    value: ({ followed }) => followed?.desired,
  },
  {
    name: "serve_autoscaling_target_replicas",
    help: "Replicas that it led to.",
    value: ({ followed }) => followed?.target,
  },
  {
    name: "serve_autoscaling_total_requests",
    help: "Requests that ran or waited, aggregated over the window.",
    value: ({ followed }) => followed?.totalRequests,
  },
  {
    name: "serve_autoscaling_target_ongoing_requests",
    help: "Requests that one replica should have.",
    value: ({ followed }) => followed?.targetOngoingRequests,
  },
  {
    name: "serve_autoscaling_policy_execution_time_ms",
    help: "Time the policy took: the built-in one to decide, one outside the controller from question to answer.",
    more: ({ followed }) => `,policy_scope="${followed?.policy?.scope ?? ""}"`,
    value: ({ followed }) => followed?.policy?.tookMs,
  },
  {
    name: "serve_autoscaling_handle_metrics_delay_ms",
    help: "Age of the newest report of a router when it came.",
    value: ({ followed }) => followed?.handleDelayMs,
  },
  {
    name: "serve_autoscaling_replica_metrics_delay_ms",
    help: "Age of the newest report of a replica when it came.",
    value: ({ followed }) => followed?.replicaDelayMs,
  },
  {
    name: "serve_user_autoscaling_stats_latency_ms",
    help: "Time that the last call of recordAutoscalingStats took.",
    value: ({ followed }) => followed?.stats?.latencyMs,
  },
  {
    name: "windlass_autoscaling_shadow_replicas",
    help: "Replicas that autoscaling_shadow would have.",
    value: ({ shadowReplicas }) => shadowReplicas,
  },
];

/** The gauges in Prometheus's text format. */
export function scalingText(all: readonly ScalingFigures[]): string {
  const labels = all.map(
    ({ deployment, application }) => `deployment="${escaped(deployment)}",application="${escaped(application)}"`,
  );
  let text = "";
  for (const { name, help, more, value } of METRICS) {
    text += `\n# HELP ${name} ${help}\n# TYPE ${name} gauge\n`;
    for (let index = 0; index < all.length; index++) {
      const found = value(all[index]!) ?? null;
      if (found !== null) text += `${name}{${labels[index]}${more?.(all[index]!) ?? ""}} ${found}\n`;
    }
  }
  return text + failureText(all, labels);
}

/** The one counter: as many series of a deployment as its replicas tell errors apart. */
function failureText(all: readonly ScalingFigures[], labels: readonly string[]): string {
  const name = "serve_record_autoscaling_stats_failed";
  let text = `\n# HELP ${name} Calls of recordAutoscalingStats that failed.\n# TYPE ${name} counter\n`;
  all.forEach(({ followed }, index) => {
    for (const [error, count] of followed?.stats?.failures ?? []) {
      text += `${name}{${labels[index]},exception_name="${escaped(error)}"} ${count}\n`;
    }
  });
  return text;
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

function escaped(label: string): string {
  return label.replace(/[\\"\n]/g, (character) => ESCAPES[character]!);
}
