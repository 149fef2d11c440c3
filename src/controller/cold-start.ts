/** What routers are told about a deployment of which no replica serves. Pure. */
import { DEFAULT_COLD_START_TIMEOUT_S } from "../config/defaults.ts";
import { isAutoscaled } from "./autoscale-inputs.ts";
import type { ApplicationRecord, DeploymentRecord, ReplicaRecord } from "./records.ts";
import { isRoutable } from "./replica-state.ts";

/** How long requests wait while no replica serves; windlass.runtime.v1.ColdStart as data. */
export interface ColdStart {
  /** Seconds; null: without end. */
  readonly timeoutS: number | null;
  /** Why none serves, as the end of a sentence; "" while one does. Says nothing of user code's errors: clients read it. */
  readonly reason: string;
  /** Whole seconds after which it is worth trying again; >= 1. */
  readonly retryAfterS: number;
}

/** Said to callers while it is not known how long a start takes. */
const RETRY_AFTER_S = 5;

/** `replicas` are all of the deployment; `timeoutS` is as configured, absent for the default. */
export function coldStart(
  application: ApplicationRecord,
  deployment: DeploymentRecord,
  replicas: readonly ReplicaRecord[],
  timeoutS: number | null | undefined,
): ColdStart {
  const { lastStartMs } = deployment;
  return {
    timeoutS: timeoutS === undefined ? DEFAULT_COLD_START_TIMEOUT_S : timeoutS,
    reason: whyNoneServes(application, deployment, replicas),
    retryAfterS: lastStartMs === undefined ? RETRY_AFTER_S : Math.max(1, Math.ceil(lastStartMs / 1_000)),
  };
}

function whyNoneServes(
  application: ApplicationRecord,
  deployment: DeploymentRecord,
  replicas: readonly ReplicaRecord[],
): string {
  if (replicas.some(({ state }) => isRoutable(state))) return "";
  if (deployment.target.replicas === 0) {
    if (isAutoscaled(application, deployment)) return "its autoscaler has it at zero and started none";
    return `its target is 0, set by ${setter(deployment)}`;
  }
  const has = (kind: string): boolean => replicas.some(({ state }) => state.kind === kind);
  if (deployment.failures > 0) return "its replicas fail to start and are tried again";
  if (has("starting") || has("recovering")) return "its replicas are starting";
  if (has("waiting")) return "its replicas wait for room on the node";
  return "its replicas are being replaced";
}

function setter({ target }: DeploymentRecord): string {
  switch (target.owner) {
    case "config":
      return "its config";
    case "manual":
      return "hand";
    case "autoscaler":
      return "its autoscaler before it was switched off";
    case "external":
      return target.by === undefined ? "an external scaler" : `the external scaler ${JSON.stringify(target.by)}`;
  }
}
