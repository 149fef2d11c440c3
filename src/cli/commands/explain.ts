import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { type Deployment, Deployment_TargetOwnerSchema } from "../../../gen/windlass/v1/deployment_pb.ts";
import type { ScalingAdjustment, ScalingDecision } from "../../../gen/windlass/v1/scaling_pb.ts";
import { applicationName, deploymentName } from "../../core/names.ts";
import { scheduleLine } from "../../simulate/schedule-windows.ts";
import type { Target } from "../address.ts";
import { withApi } from "../api.ts";
import type { CliContext } from "../context.ts";
import { decisionDocument } from "../decision-document.ts";
import { oneLine } from "../exit.ts";
import { isoTime, label } from "../labels.ts";
import { type OutputFormat, printDocument } from "../output.ts";

/** Options of `windlass explain`. */
export interface ExplainOptions {
  /** Epoch milliseconds; absent: the newest decision. */
  readonly at?: number;
  /** What the deployment's autoscaling_shadow decided. Default: false. */
  readonly shadow?: boolean;
  /** Absent: text for a person. */
  readonly output?: OutputFormat;
}

/** `windlass explain`: why a deployment has its number of replicas. */
export async function explain(
  ctx: CliContext,
  target: Target,
  application: string,
  name: string,
  { at, shadow = false, output }: ExplainOptions,
): Promise<void> {
  const resource = deploymentName(application, name);
  const { deployment, decision, together } = await withApi(target, async (api) => {
    const { deployment: found } = await api.deployments.getDeployment({ name: resource });
    const { application: whole } = shadow
      ? await api.applications.getApplication({ name: applicationName(application) })
      : { application: undefined };
    const atTime = at === undefined ? {} : { atTime: timestampFromMs(at) };
    const { decisions } = await api.deployments.listScalingDecisions({
      name: resource,
      pageSize: 1,
      shadow,
      ...atTime,
    });
    return { deployment: found!, decision: decisions[0], together: whole?.config?.autoscalingShadow !== undefined };
  });
  const asked: Asked = { at, shadow, together };
  if (output !== undefined) return printDocument(ctx, documentOf(deployment, decision, asked), output);
  ctx.out(explanation(`${application}/${name}`, deployment, decision, asked));
}

/** What is to be explained. */
interface Asked {
  readonly at: number | undefined;
  readonly shadow: boolean;
  /** Whether a shadow of the whole application decides. */
  readonly together: boolean;
}

function explanation(
  name: string,
  deployment: Deployment,
  decision: ScalingDecision | undefined,
  { at, shadow, together }: Asked,
): string {
  const { targetNumReplicas: target, targetReason } = deployment;
  const reason = targetReason === "" ? "" : `: ${oneLine(targetReason)}`;
  const since = isoTime(deployment.targetTime);
  const head = `${name} is to have ${replicas(target)}${at === undefined ? "" : " now"}, set by ${ownerOf(deployment)}${since === null ? "" : ` at ${since}`}${reason}`;
  const lines = [head, ""];
  const { autoscalingShadow: own, autoscalingConfig: scaled } = deployment.config ?? {};
  const its = together ? "The application's autoscaling_shadow" : "Its autoscaling_shadow";
  if (shadow && (own ?? (together ? scaled : undefined)) === undefined) {
    lines.push("It has no autoscaling_shadow, so there is nothing that would decide otherwise.");
  } else if (decision === undefined) {
    const who = shadow ? its : "The autoscaler";
    lines.push(at === undefined ? `${who} has decided nothing on it.` : "No decision of that time is kept.");
  } else {
    if (shadow) lines.push(`${its} would have ${replicas(decision.result)}; nothing follows it.`);
    lines.push(headOf(decision, at), ...decisionLines(decision));
    const schedule = scheduleText(deployment, decision, { at, shadow, together });
    if (schedule !== null) lines.push("", `By its schedule as deployed now, ${schedule}.`);
  }
  return `${lines.join("\n")}\n`;
}

/** What the schedule that decides said at the time; null: none does. */
function scheduleText(
  { config }: Deployment,
  { time }: ScalingDecision,
  { at, shadow, together }: Asked,
): string | null {
  if (together) return null;
  const policy = (shadow ? config?.autoscalingShadow : config?.autoscalingConfig)?.policy;
  const ms = at ?? (time === undefined ? undefined : timestampMs(time));
  if (policy === undefined || ms === undefined) return null;
  const { policyFunction: policy_function, policyKwargs: policy_kwargs } = policy;
  return scheduleLine({ policy_function, policy_kwargs }, ms / 1_000) ?? null;
}

/** How far before the moment that is asked for a decision counts as made then, ms: decisions are made each 100 ms. */
const THEN_MS = 200;

/** When it was decided; `at`: the moment that was asked for, epoch ms. */
function headOf({ time, since, turns, policy }: ScalingDecision, at: number | undefined): string {
  const who = policy === "built-in" ? "the built-in policy" : "its policy_function";
  if (at === undefined) {
    const sinceText = turns > 1 ? `, as at ${turns} moments since ${isoTime(since)}` : "";
    return `Decided at ${isoTime(time)}${sinceText}, by ${who}:`;
  }
  const held = `Held at ${new Date(at).toISOString()}, decided first at ${isoTime(since)}, by ${who}`;
  const then = time !== undefined && at - timestampMs(time) <= THEN_MS;
  if (then) return `${held}; as it stood then:`;
  // Answers of policies are recorded where they say something new, and nobody can be asked again for those between.
  if (policy !== "built-in") return `${held}; as it was recorded last, at ${isoTime(time)}:`;
  return `${held}; as it stood at ${isoTime(time)}, the last time it was made:`;
}

function decisionLines(decision: ScalingDecision): string[] {
  const { runningReplicas, targetReplicas, totalRequests, series } = decision;
  const rows: [string, string][] = [
    ["load", `${plural(round(totalRequests), "request")}${sourceText(decision)}`],
    ["replicas", `${runningReplicas} running, ${targetReplicas} wanted`],
  ];
  if (series === 0) rows[0]![1] = "no reports";
  if (decision.keptBecause !== "") rows.push(["kept", oneLine(decision.keptBecause)]);
  if (decision.desired !== undefined) rows.push(["the policy wants", String(round(decision.desired))]);
  for (const adjustment of decision.adjustments)
    rows.push([nameOf(adjustment), `${round(adjustment.from)} → ${round(adjustment.to)}${detailOf(adjustment)}`]);
  rows.push(["result", replicas(decision.result)]);
  // Also where it is the same: a bound may hold a count that a delay seems to change.
  const delayed = decision.adjustments.some(({ kind }) => kind === "delay");
  if (delayed || decision.withoutDelays !== decision.result)
    rows.push(["without delays", replicas(decision.withoutDelays)]);
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

function sourceText({ runningFrom, series, oldestAgeS, newestAgeS }: ScalingDecision): string {
  const from =
    runningFrom === "none" ? "that wait" : `counted at ${runningFrom === "handles" ? "routers" : "replicas"}`;
  const ages =
    oldestAgeS === undefined || newestAgeS === undefined ? "" : `, reported ${agesText(newestAgeS, oldestAgeS)} before`;
  return ` ${from} (${plural(series, "series", "series")})${ages}`;
}

function agesText(newestS: number, oldestS: number): string {
  const [newest, oldest] = [seconds(newestS), seconds(oldestS)];
  return newest === oldest ? newest : `${newest} to ${oldest}`;
}

/** The names of steps as a person reads them. */
const STEPS: Readonly<Record<string, string>> = {
  "cold-start": "nothing runs",
  factor: "rounded up",
  "nothing-runs": "nothing runs",
  "not-negative": "not below 0",
  "through-one": "by way of 1",
  gang: "whole gangs",
  "lower-bound": "at least",
  "upper-bound": "at most",
};

function nameOf({ kind, direction, factor }: ScalingAdjustment): string {
  if (kind === "delay") return `${direction === "up" ? "upscale" : "downscale"} delay`;
  if (kind === "factor" && factor !== undefined && factor !== 1) return `factor ${round(factor)}`;
  return STEPS[kind] ?? kind;
}

function detailOf({ kind, delayS, leftS, gangSize }: ScalingAdjustment): string {
  if (kind === "delay") return `, ${seconds(leftS ?? 0)} left of ${seconds(delayS ?? 0)}`;
  return kind === "gang" ? ` in gangs of ${gangSize}` : "";
}

function ownerOf({ targetOwner }: Deployment): string {
  const owner = label(Deployment_TargetOwnerSchema, targetOwner).toLowerCase();
  const owners: Readonly<Record<string, string>> = {
    config: "the config",
    autoscaler: "the autoscaler",
    external: "an external scaler",
    manual: "hand",
  };
  return owners[owner] ?? owner;
}

/** With the names of REST. */
function documentOf(
  deployment: Deployment,
  decision: ScalingDecision | undefined,
  asked: Asked,
): Record<string, unknown> {
  return {
    name: deployment.name,
    target_num_replicas: deployment.targetNumReplicas,
    target_owner: label(Deployment_TargetOwnerSchema, deployment.targetOwner),
    target_reason: deployment.targetReason,
    target_time: isoTime(deployment.targetTime),
    decision: decision === undefined ? null : decisionDocument(decision),
    schedule: decision === undefined ? null : scheduleText(deployment, decision, asked),
  };
}

function replicas(count: number): string {
  return plural(count, "replica");
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function seconds(s: number): string {
  return `${Math.round(s * 10) / 10} s`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
