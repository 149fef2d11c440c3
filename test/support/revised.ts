/** The simulated controller as tests of revisions use it. */
import type { ApplicationConfig } from "../../src/config/types.ts";
import type { RetryRequest, RollbackRequest, RollbackResult } from "../../src/controller/controller.ts";
import { type SimulatedController, simulate } from "./simulated-controller.ts";

/** An instance whose import path `app` is code "v1" with one deployment, D. */
export async function startRevised(seed = 1): Promise<SimulatedController> {
  const simulation = await simulate({ seed });
  useCode(simulation, "v1");
  return simulation;
}

/** Edits the sources. `error`: why replicas of them fail to start; "": they hang. */
export function useCode({ engine }: SimulatedController, hash: string, error?: string): void {
  engine.applications.set("app", {
    ...engine.applications.get("app"),
    deployments: [{ name: "D" }],
    ingress: "D",
    hash,
  });
  if (error === undefined) engine.badBundles.delete(`/bundles/${hash}`);
  else engine.badBundles.set(`/bundles/${hash}`, error);
}

/** Makes one application the desired state and lets time go on. */
export async function putAndSettle(
  simulation: SimulatedController,
  config: ApplicationConfig,
  ms = 20_000,
): Promise<void> {
  await simulation.put([config]);
  await simulation.clock.advance(ms);
}

/** "2 sources failed", "3 rollback of 1 running", oldest first. */
export function history({ controller }: SimulatedController, application = "a"): string[] {
  return controller.revisions(application).map(({ number, cause, outcome }) => {
    const of = "of" in cause ? ` of ${cause.of}` : "";
    return `${number} ${cause.kind}${of} ${outcome}`;
  });
}

/** Goes back, or throws the refusal. */
export function rollback(
  simulation: SimulatedController,
  request: Partial<RollbackRequest> = {},
): Promise<RollbackResult> {
  return settled(
    simulation,
    simulation.controller.rollback({
      application: "a",
      toRevision: 0,
      etag: "",
      requestId: "",
      reason: "",
      validateOnly: false,
      actor: "test",
      ...request,
    }),
  );
}

/** Tries again, or throws the refusal. */
export function retry(
  simulation: SimulatedController,
  application: RetryRequest["application"] = "a",
): ReturnType<SimulatedController["controller"]["retry"]> {
  return settled(simulation, simulation.controller.retry({ application, actor: "test" }));
}

async function settled<T>({ clock }: SimulatedController, answer: Promise<T>): Promise<T> {
  // Handled at once, so that a refusal is not reported as unhandled while time goes on.
  const outcome = answer.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await clock.advance(0);
  const result = await outcome;
  if ("error" in result) throw result.error;
  return result.value;
}
