import { type APPLICATION, DEPLOYMENT, hasBrand } from "./brands.ts";
import { makeHandle } from "./handle.ts";
import { runtime } from "./runtime.ts";
import type { Deployment, DeploymentHandle } from "./types.ts";

/** What handles to an application or deployment can call: of a class, a function, `typeof app` or the deployment itself. */
export type HandleTo<X> = X extends { readonly [APPLICATION]: unknown; readonly "~type"?: infer T }
  ? DeploymentHandle<T>
  : X extends { readonly [DEPLOYMENT]: unknown; readonly "~types"?: readonly [infer T, unknown] }
    ? DeploymentHandle<T>
    : DeploymentHandle<X>;

/**
 * A handle to a deployment by its name, of the application it is called in or of another one:
 *
 *     const back = getDeploymentHandle<Back>("Back");
 *     const words = getDeploymentHandle<Words>("Words", "dictionary");
 *
 * Say what it is by its type argument: without one nothing can be called. Nothing is looked up before the first call; a
 * call of what is not there throws DeploymentUnavailableError. Prefer `bind`, which the deploy checks.
 */
export function getDeploymentHandle<X>(deployment: string, application?: string): HandleTo<X>;
export function getDeploymentHandle<T, A extends unknown[]>(
  deployment: Deployment<T, A>,
  application?: string,
): DeploymentHandle<T>;
export function getDeploymentHandle(deployment: unknown, application?: string): DeploymentHandle<unknown> {
  const name = hasBrand(deployment, DEPLOYMENT) ? (deployment as Deployment).name : deployment;
  if (typeof name !== "string" || name === "") {
    throw new TypeError("getDeploymentHandle() needs the name of a deployment");
  }
  const own = application ?? replicaOf()?.appName;
  if (own === undefined) {
    throw new TypeError(`getDeploymentHandle("${name}") outside of a replica needs the name of the application, too`);
  }
  return handleOf(checked(own), name);
}

/**
 * A handle to the ingress of an application by its name: `getAppHandle<typeof app>("dictionary")`. See
 * {@link getDeploymentHandle}.
 */
export function getAppHandle<X>(application: string): HandleTo<X> {
  return handleOf(checked(application), "") as HandleTo<X>;
}

/** Its calls go where the code that asks for it belongs, whoever makes them. */
function handleOf(application: string, deployment: string): DeploymentHandle<unknown> {
  const place = runtime().places.getStore();
  return makeHandle(application, deployment, {}, place && (() => place.router));
}

function checked(application: unknown): string {
  if (typeof application === "string" && application !== "") return application;
  throw new TypeError("a handle needs the name of an application");
}

function replicaOf() {
  const { places, replica } = runtime();
  return places.getStore()?.replica ?? replica;
}
