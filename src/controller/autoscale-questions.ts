/** Questions to policies that run outside of the controller. Pure. */
import { shownTarget } from "../autoscaling/decide.ts";
import { type PolicyFacts, type PolicyInput, policyInput } from "../autoscaling/policy.ts";
import { emptyReports, type Reports } from "../autoscaling/reports.ts";
import { replicaEnv, workingDirIn } from "../config/runtime-env.ts";
import type { Autoscaled } from "./autoscale-inputs.ts";
import type { Scaler, Seen } from "./autoscale-scaler.ts";
import type { HostedPolicy, PolicyCode, PolicyQuestion } from "./policy-runner.ts";
import type { ApplicationRecord } from "./records.ts";

/** A deployment with all that its policy may be told. */
export interface Asked {
  readonly deployment: Autoscaled;
  readonly scaler: Scaler;
  readonly seen: Pick<Seen, "rules" | "running" | "target" | "load">;
  readonly reports: Reports | undefined;
}

/** What one deployment's own policy is asked. */
export function deploymentQuestion(
  id: string,
  application: ApplicationRecord,
  asked: Asked,
  policy: HostedPolicy,
  nowS: number,
): PolicyQuestion {
  const { deployment, scaler, seen } = asked;
  return {
    id,
    application: application.name,
    deployment: deployment.name,
    policy,
    input: inputOf(asked, shownTarget(seen.rules, seen.target), nowS),
    code: codeOf(application, policy, deploymentGeneration(scaler)),
    ...(scaler.shadowTarget === null ? {} : { shadow: true }),
  };
}

/** Of a deployment's own policy: changes with each deploy that changed something about the deployment, or built anew. */
export function deploymentGeneration({ registration, build }: Pick<Scaler, "registration" | "build">): string {
  return `${registration}/${build}`;
}

/** Of an application's policy: changes where the policy did, or the application was built anew. */
export function applicationGeneration({ uid }: ApplicationRecord, build: string, policy: HostedPolicy): string {
  return `${uid}/${build}/${JSON.stringify(policy)}`;
}

/** What the policy of an application, or of its shadow, is asked about all deployments that it decides for. */
export function applicationQuestion(
  id: string,
  application: ApplicationRecord,
  members: readonly Asked[],
  policy: HostedPolicy,
  nowS: number,
): PolicyQuestion {
  const input: Record<string, PolicyInput> = Object.create(null);
  for (const asked of members) input[asked.deployment.name] = inputOf(asked, asked.seen.target, nowS);
  const generation = applicationGeneration(application, members[0]?.scaler.build ?? "", policy);
  return {
    id,
    application: application.name,
    deployment: null,
    policy,
    input,
    code: codeOf(application, policy, generation),
    ...(members.some(({ scaler }) => scaler.shadowTarget !== null) ? { shadow: true } : {}),
  };
}

function inputOf({ deployment, scaler, seen, reports }: Asked, target: number, nowS: number): PolicyInput {
  const facts: PolicyFacts = {
    application: deployment.application,
    deployment: deployment.name,
    config: deployment.config.autoscaling_config,
    rules: seen.rules,
    runningReplicas: seen.running,
    target,
    reports: reports ?? emptyReports(),
    load: seen.load,
    state: scaler.state,
  };
  return policyInput(facts, nowS);
}

function codeOf(
  { config, baseDir, built }: ApplicationRecord,
  { policy_function }: HostedPolicy,
  generation: string,
): PolicyCode {
  const uri = workingDirIn(config.runtime_env);
  return {
    baseDir,
    workingDir: (uri === undefined ? undefined : built?.workingDirs?.[uri]?.path) ?? null,
    env: replicaEnv({ runtime_env: config.runtime_env }),
    built: built?.policies?.[policy_function] ?? null,
    generation,
  };
}
