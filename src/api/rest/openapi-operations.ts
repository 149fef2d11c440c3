/** What the OpenAPI document says of each route besides what the table of routes does. */

/** One operation. */
export interface Operation {
  readonly id: string;
  readonly summary: string;
  /** Names of {@link PARAMETERS}. */
  readonly parameters?: readonly (keyof typeof PARAMETERS)[];
  /** Media type and name of the schema. */
  readonly body?: readonly [type: string, schema: string];
  /** What a 200 brings: its media type, and for JSON the name of the schema. Default: no body. */
  readonly answers?: readonly [type: string, schema?: string];
  /** Failures whose body is as that of a 200. */
  readonly alike?: readonly (keyof typeof FAILURES)[];
  /** Names of {@link HEADERS} that a 200 may have. */
  readonly headers?: readonly (keyof typeof HEADERS)[];
  /** Failures besides 401 and 403. */
  readonly fails?: readonly (keyof typeof FAILURES)[];
}

const text = { type: "string" } as const;
const flag = { type: "boolean", default: false } as const;

/** Parameters outside of paths. */
export const PARAMETERS = {
  api_type: {
    in: "query",
    description: "Keeps to one kind.",
    schema: { type: "string", enum: ["declarative", "imperative"] },
  },
  "x-windlass-base-dir": {
    in: "header",
    description: "Absolute folder that relative import paths start from.",
    schema: text,
  },
  "If-Match": {
    in: "header",
    description: "Refuse with 409 unless the application still has this etag; `*`: it must be there.",
    schema: text,
  },
  "If-None-Match": {
    in: "header",
    description: "`*`: refuse with 409 where there is such an application already.",
    schema: { type: "string", const: "*" },
  },
  validate_only: { in: "query", description: "Checks everything and changes nothing.", schema: flag },
  only_listed: {
    in: "query",
    description: "Plans writes of the listed applications alone; the others are left as they are.",
    schema: flag,
  },
  deployment: { in: "query", description: "Only this deployment.", schema: text },
  at: { in: "query", description: "Only the one that held then: epoch seconds or ISO 8601.", schema: text },
  shadow: { in: "query", description: "Those of the deployment's autoscaling_shadow instead.", schema: flag },
  replica: { in: "query", description: "Only this replica.", schema: text },
  lines: { in: "query", description: "Of each replica, the last so many.", schema: { type: "integer", minimum: 0 } },
  follow: { in: "query", description: "Go on with what is written later.", schema: flag },
  name: { in: "query", description: "Only this resource and what lies below it.", schema: text },
  since: {
    in: "query",
    description: "The revision to resume after.",
    schema: { type: "integer", minimum: 0, default: 0 },
  },
  feed: {
    in: "query",
    description: "What is watched: resources, or what the autoscaler decides.",
    schema: { type: "string", enum: ["resources", "decisions"], default: "resources" },
  },
  progress_interval_s: {
    in: "query",
    description: "After how many seconds of silence progress is sent.",
    schema: { type: "number", minimum: 0.1, maximum: 20, default: 20 },
  },
  "Last-Event-ID": { in: "header", description: "As `since`, and beats it.", schema: text },
} as const;

/** Headers of answers. */
export const HEADERS = {
  ETag: { description: "The etag of the desired state.", schema: text },
  "x-windlass-warnings": {
    description: "A line for each thing that was accepted but is likely not meant.",
    schema: text,
  },
} as const;

/** Failures by their status. */
export const FAILURES = {
  400: "The request or the config breaks a rule: one line a problem.",
  401: "The bearer token is missing or unknown.",
  403: "The token's role does not allow this, or Host or Origin is outside the allow-list.",
  404: "There is no such application, deployment, replica or revision, or no canary.",
  409: "The etag or fence sent is not the present one, somebody else holds the lease, or the plan is out of date.",
  410: "The history to resume from is gone: begin anew.",
  412: "The application does not have external_scaler_enabled, the deployment is being deleted, or this cannot be done now.",
  413: "The body is too large.",
  415: "The Content-Type is another one.",
  429: "The token has as many streams open as it may have.",
  503: "No instance runs, it is ending, or the store did not accept the write.",
} as const;

const JSON_TYPE = "application/json";
const DEPLOY_FAILURES = [400, 413, 503] as const;

/** What the verbs of a canary have in common. */
const CANARY_CHANGE = {
  answers: [JSON_TYPE, "CanaryChanged"],
  headers: ["ETag"],
  fails: [400, 404, 412, 413, 503],
} as const;

/** By method and path. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  "GET /api/serve/applications/": {
    id: "getInstance",
    summary: "Everything that is.",
    parameters: ["api_type"],
    answers: [JSON_TYPE, "Instance"],
    fails: [400],
  },
  "PUT /api/serve/applications/": {
    id: "putConfig",
    summary: "Replaces the whole desired state. Answers once it is stored, not when replicas are up.",
    parameters: ["x-windlass-base-dir"],
    body: [JSON_TYPE, "Config"],
    headers: ["x-windlass-warnings"],
    fails: DEPLOY_FAILURES,
  },
  "DELETE /api/serve/applications/": {
    id: "endInstance",
    summary: "Ends the instance. Answers when it has ended, after 30 s at the latest.",
    fails: [503],
  },
  "GET /api/serve/deployments/": {
    id: "getConfigV1",
    summary: "The config of the one application there is, {} without one.",
    answers: [JSON_TYPE],
    fails: [400],
  },
  "PUT /api/serve/deployments/": {
    id: "putConfigV1",
    summary: "Replaces the whole desired state by one application.",
    parameters: ["x-windlass-base-dir"],
    body: [JSON_TYPE, "ApplicationConfigV1"],
    headers: ["x-windlass-warnings"],
    fails: DEPLOY_FAILURES,
  },
  "DELETE /api/serve/deployments/": {
    id: "endInstanceV1",
    summary: "Ends the instance. Answers when it has ended, after 30 s at the latest.",
    fails: [503],
  },
  "GET /api/serve/deployments/status": {
    id: "getStatusV1",
    summary: "The status of the one application and its deployments.",
    answers: [JSON_TYPE, "StatusV1"],
    fails: [400],
  },
  "GET /api/v1/applications/{application}": {
    id: "getApplication",
    summary: "One application.",
    answers: [JSON_TYPE, "Application"],
    headers: ["ETag"],
    fails: [404],
  },
  "PUT /api/v1/applications/{application}": {
    id: "putApplication",
    summary: "Makes an application or replaces its whole config; the others are left alone.",
    parameters: ["If-Match", "If-None-Match", "validate_only", "x-windlass-base-dir"],
    body: [JSON_TYPE, "ApplicationConfig"],
    answers: [JSON_TYPE, "ApplicationWritten"],
    headers: ["ETag", "x-windlass-warnings"],
    fails: [...DEPLOY_FAILURES, 404, 409],
  },
  "PATCH /api/v1/applications/{application}": {
    id: "patchApplication",
    summary: "Changes what the merge patch names in an application's config.",
    parameters: ["If-Match", "validate_only", "x-windlass-base-dir"],
    body: ["application/merge-patch+json", "ApplicationPatch"],
    answers: [JSON_TYPE, "ApplicationWritten"],
    headers: ["ETag", "x-windlass-warnings"],
    fails: [...DEPLOY_FAILURES, 404, 409, 415],
  },
  "DELETE /api/v1/applications/{application}": {
    id: "deleteApplication",
    summary: "Deletes an application; its replicas drain after the answer.",
    parameters: ["If-Match"],
    answers: [JSON_TYPE, "ApplicationDeleted"],
    fails: [400, 404, 409, 503],
  },
  "GET /api/v1/applications/{application}/revisions": {
    id: "listRevisions",
    summary: "The revisions that are kept, newest first.",
    answers: [JSON_TYPE, "Revisions"],
    fails: [404],
  },
  "GET /api/v1/applications/{application}/deployments/{deployment}/decisions": {
    id: "listScalingDecisions",
    summary: "The autoscaler's decisions that differ from the one before them, newest first.",
    parameters: ["at", "shadow"],
    answers: [JSON_TYPE, "ScalingDecisions"],
    fails: [400, 404],
  },
  "POST /api/v1/applications/{application}/rollback": {
    id: "rollbackApplication",
    summary: "Goes back to an earlier revision, its code included. Answers once it is stored.",
    parameters: ["If-Match"],
    body: [JSON_TYPE, "RollbackRequest"],
    answers: [JSON_TYPE, "RolledBack"],
    headers: ["ETag"],
    fails: [400, 404, 409, 412, 413, 503],
  },
  "POST /api/v1/applications/{application}/retry": {
    id: "retryApplication",
    summary: "Tries again what failed: the build, or starts that were given up or frozen.",
    answers: [JSON_TYPE, "Retried"],
    headers: ["ETag"],
    fails: [404, 503],
  },
  "GET /api/v1/applications/{application}/canary": {
    id: "getCanary",
    summary: "The canary that runs, and the requests of its present step.",
    answers: [JSON_TYPE, "Canary"],
    fails: [404],
  },
  "POST /api/v1/applications/{application}/canary/promote": {
    id: "promoteCanary",
    summary: "Goes on to the next step, or to the end with `full`.",
    body: [JSON_TYPE, "PromoteCanaryRequest"],
    ...CANARY_CHANGE,
  },
  "POST /api/v1/applications/{application}/canary/abort": {
    id: "abortCanary",
    summary: "Goes back to the stable revision.",
    body: [JSON_TYPE, "AbortCanaryRequest"],
    ...CANARY_CHANGE,
  },
  "POST /api/v1/applications/{application}/canary/pause": {
    id: "pauseCanary",
    summary: "Holds the canary at its present weight; its analysis goes on.",
    ...CANARY_CHANGE,
  },
  "POST /api/v1/applications/{application}/canary/resume": {
    id: "resumeCanary",
    summary: "Lets a held canary go on, its step from the beginning.",
    ...CANARY_CHANGE,
  },
  "POST /api/v1/applications/{application}/deployments/{deployment}/scale": {
    id: "scaleDeployment",
    summary: "Sets the wanted number of replicas. Answers once it is stored; also on the HTTP port.",
    body: [JSON_TYPE, "ScaleRequest"],
    answers: [JSON_TYPE, "Scaled"],
    fails: [400, 404, 409, 412, 413, 415, 503],
  },
  "GET /api/v1/applications/{application}/logs": {
    id: "getLogs",
    summary: "The last lines that replicas wrote.",
    parameters: ["deployment", "replica", "lines", "follow"],
    answers: ["text/plain"],
    fails: [400, 404, 429],
  },
  "POST /api/v1/plan": {
    id: "plan",
    summary: "What putting a config would do. Sources are built, nothing else is done.",
    parameters: ["only_listed", "x-windlass-base-dir"],
    body: [JSON_TYPE, "Config"],
    answers: [JSON_TYPE, "Plan"],
    fails: DEPLOY_FAILURES,
  },
  "POST /api/v1/plan/{token}/apply": {
    id: "applyPlan",
    summary: "Does exactly what the plan says, or is refused.",
    parameters: ["validate_only"],
    answers: [JSON_TYPE, "PlanApplied"],
    headers: ["x-windlass-warnings"],
    fails: [400, 409, 503],
  },
  "GET /api/v1/watch": {
    id: "watch",
    summary: "What is, and each change, as server-sent events.",
    parameters: ["name", "feed", "shadow", "since", "progress_interval_s", "Last-Event-ID"],
    answers: ["text/event-stream"],
    fails: [400, 410, 429],
  },
  "GET /metrics": { id: "getMetrics", summary: "Metrics for Prometheus.", answers: ["text/plain"] },
  "GET /openapi.json": { id: "getOpenApi", summary: "This document.", answers: [JSON_TYPE] },
  "GET /api/ray/version": { id: "getRayVersion", summary: "Versions.", answers: [JSON_TYPE, "Version"] },
  "GET /api/version": { id: "getVersion", summary: "Versions.", answers: [JSON_TYPE, "Version"] },
  "GET /-/healthz": { id: "getHealth", summary: "200 while the process lives.", answers: ["text/plain"] },
  "GET /-/readyz": {
    id: "getReady",
    summary: "200 once the API may be used, 503 with the same body before.",
    answers: [JSON_TYPE, "Ready"],
    alike: [503],
    fails: [503],
  },
};
