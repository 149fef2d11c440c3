/** The REST paths of the control port: method, path, who may, and what answers. */
import { deleteApplication, getApplication, patchApplication, putApplication } from "./application.ts";
import { deleteInstance, getApplications, putApplications } from "./applications.ts";
import { getCanary, postCanary } from "./canary.ts";
import { getDecisions } from "./decisions.ts";
import { getLogs } from "./logs.ts";
import { getMetrics } from "./metrics.ts";
import { openApiHandler } from "./openapi.ts";
import { applyPlan, postPlan } from "./plan.ts";
import { healthz, readyz, version } from "./probes.ts";
import { getRevisions, postRetry, postRollback } from "./revisions.ts";
import type { Route } from "./router.ts";
import { scale } from "./scale.ts";
import { getV1, getV1Status, putV1 } from "./v1.ts";
import { watch } from "./watch.ts";

/** The external scaling webhook; also mounted for the HTTP proxies. */
export const WEBHOOK_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/api/v1/applications/{application}/deployments/{deployment}/scale",
    errors: "json",
    permission: (params) => ({ kind: "scale", application: params.application! }),
    handle: scale,
  },
];

const ONE_APPLICATION = { path: "/api/v1/applications/{application}", errors: "json" } as const;

/** Every REST path. */
export const ROUTES: readonly Route[] = [
  { method: "GET", path: "/api/serve/applications/", permission: () => ({ kind: "read" }), handle: getApplications },
  { method: "PUT", path: "/api/serve/applications/", permission: () => ({ kind: "deploy" }), handle: putApplications },
  {
    method: "DELETE",
    path: "/api/serve/applications/",
    permission: () => ({ kind: "shutdown" }),
    handle: deleteInstance,
  },
  { method: "GET", path: "/api/serve/deployments/", permission: () => ({ kind: "read" }), handle: getV1 },
  { method: "PUT", path: "/api/serve/deployments/", permission: () => ({ kind: "deploy" }), handle: putV1 },
  {
    method: "DELETE",
    path: "/api/serve/deployments/",
    permission: () => ({ kind: "shutdown" }),
    handle: deleteInstance,
  },
  { method: "GET", path: "/api/serve/deployments/status", permission: () => ({ kind: "read" }), handle: getV1Status },
  {
    ...ONE_APPLICATION,
    method: "GET",
    permission: (params) => ({ kind: "read-application", application: params.application! }),
    handle: getApplication,
  },
  { ...ONE_APPLICATION, method: "PUT", permission: () => ({ kind: "deploy" }), handle: putApplication },
  { ...ONE_APPLICATION, method: "PATCH", permission: () => ({ kind: "deploy" }), handle: patchApplication },
  {
    ...ONE_APPLICATION,
    method: "DELETE",
    permission: () => ({ kind: "delete-application" }),
    handle: deleteApplication,
  },
  {
    method: "GET",
    path: "/api/v1/applications/{application}/revisions",
    errors: "json",
    permission: (params) => ({ kind: "read-application", application: params.application! }),
    handle: getRevisions,
  },
  {
    method: "GET",
    path: "/api/v1/applications/{application}/deployments/{deployment}/decisions",
    errors: "json",
    permission: (params) => ({ kind: "read-application", application: params.application! }),
    handle: getDecisions,
  },
  {
    method: "POST",
    path: "/api/v1/applications/{application}/rollback",
    errors: "json",
    permission: () => ({ kind: "deploy" }),
    handle: postRollback,
  },
  {
    method: "POST",
    path: "/api/v1/applications/{application}/retry",
    errors: "json",
    permission: () => ({ kind: "deploy" }),
    handle: postRetry,
  },
  {
    method: "GET",
    path: "/api/v1/applications/{application}/canary",
    errors: "json",
    permission: (params) => ({ kind: "read-application", application: params.application! }),
    handle: getCanary,
  },
  ...(["promote", "abort", "pause", "resume"] as const).map(
    (verb): Route => ({
      method: "POST",
      path: `/api/v1/applications/{application}/canary/${verb}`,
      errors: "json",
      permission: () => ({ kind: "deploy" }),
      handle: (request) => postCanary(request, verb),
    }),
  ),
  {
    method: "POST",
    path: "/api/v1/plan",
    errors: "json",
    permission: () => ({ kind: "deploy" }),
    handle: postPlan,
  },
  {
    method: "POST",
    path: "/api/v1/plan/{token}/apply",
    errors: "json",
    permission: () => ({ kind: "deploy" }),
    handle: applyPlan,
  },
  ...WEBHOOK_ROUTES,
  {
    method: "GET",
    path: "/api/v1/applications/{application}/logs",
    errors: "json",
    permission: () => ({ kind: "read" }),
    stream: true,
    handle: getLogs,
  },
  // Who may depends on the name asked for.
  { method: "GET", path: "/api/v1/watch", stream: true, handle: watch },
  { method: "GET", path: "/metrics", permission: () => ({ kind: "read" }), handle: getMetrics },
  // For every role.
  { method: "GET", path: "/openapi.json", handle: openApiHandler(() => ROUTES) },
  { method: "GET", path: "/api/ray/version", open: true, handle: version },
  { method: "GET", path: "/api/version", open: true, handle: version },
  { method: "GET", path: "/-/healthz", open: true, handle: healthz },
  { method: "GET", path: "/-/readyz", open: true, handle: readyz },
];
