import { describe, expect, it } from "vitest";
import { DEPLOYMENT } from "../../src/sdk/brands.ts";
import { type DeploymentOptions, deployment } from "../../src/sdk/index.ts";

class Model {
  fetch() {
    return new Response();
  }
}
const stored = (options: object) => deployment(Model, options as DeploymentOptions)[DEPLOYMENT].options;

describe("options", () => {
  it.each([
    ["keeps only what was supplied", {}, {}],
    ["drops undefined", { numReplicas: undefined, maxQueuedRequests: 3 }, { max_queued_requests: 3 }],
    [
      "turns names into the reference's, in depth",
      { rayActorOptions: { numCpus: 2 } },
      { ray_actor_options: { num_cpus: 2 } },
    ],
    [
      "accepts the reference's names",
      { num_replicas: 2, autoscaling_config: null },
      { num_replicas: 2, autoscaling_config: null },
    ],
    ["leaves the names in userConfig alone", { userConfig: { maxTokens: 1 } }, { user_config: { maxTokens: 1 } }],
    ["accepts auto", { numReplicas: "auto" }, { num_replicas: "auto" }],
    ["keeps an explicit null", { userConfig: null }, { user_config: null }],
    [
      "converts a policy within autoscaling",
      { autoscalingConfig: { minReplicas: 0, policy: { policyFunction: "m:f" } } },
      { autoscaling_config: { min_replicas: 0, policy: { policy_function: "m:f" } } },
    ],
  ])("%s", (_name, options, expected) => {
    expect(stored(options)).toEqual(expected);
  });

  it.each([
    [
      "an unknown option with a suggestion",
      { numReplica: 2 },
      'unknown deployment option "numReplica": did you mean "numReplicas"?',
    ],
    ["an unknown option like no other", { zzz: 2 }, 'unknown deployment option "zzz"'],
    [
      "an unknown nested option",
      { autoscalingConfig: { minReplica: 1 } },
      'unknown deployment option "autoscalingConfig.minReplica": did you mean "minReplicas"?',
    ],
    ["zero replicas", { numReplicas: 0 }, 'numReplicas must be an integer of at least 1, or "auto", not 0'],
    ["a name with #", { name: "a#b" }, 'name "a#b" must not contain "#"'],
    ["an empty name", { name: "" }, 'name must be a non-empty string, not ""'],
    [
      "a value that is not JSON",
      { userConfig: { when: new Date(0) } },
      'deployment option "userConfig.when" must be JSON, not a Date',
    ],
    ["a function", { userConfig: [() => 1] }, 'deployment option "userConfig[0]" must be JSON, not a function'],
    [
      "a number JSON cannot hold",
      { maxOngoingRequests: Number.NaN },
      'deployment option "maxOngoingRequests" must be JSON, not NaN',
    ],
    [
      "a fixed count beside autoscaling",
      { numReplicas: 2, autoscalingConfig: {} },
      "numReplicas 2 and autoscalingConfig exclude each other: leave one out",
    ],
  ])("refuses %s", (_name, options, message) => {
    expect(() => stored(options)).toThrow(new TypeError(message));
  });

  it("lets later options win and leaves the deployment as it was", () => {
    const first = deployment(Model, { numReplicas: 2, maxOngoingRequests: 7 });
    const second = first.options({ numReplicas: 3, name: "other" });
    expect(second[DEPLOYMENT].options).toEqual({ num_replicas: 3, max_ongoing_requests: 7, name: "other" });
    expect([first.name, second.name, first[DEPLOYMENT].options.num_replicas]).toEqual(["Model", "other", 2]);
  });

  it("lets autoscaling replace a fixed count", () => {
    const options = deployment(Model, { numReplicas: 2 }).options({ autoscalingConfig: { maxReplicas: 4 } })[DEPLOYMENT]
      .options;
    expect(options).toEqual({ autoscaling_config: { max_replicas: 4 } });
  });

  it("refuses what cannot be deployed", () => {
    expect(() => deployment({} as never)).toThrow(/needs a class, a function or an object with fetch/);
  });
});
