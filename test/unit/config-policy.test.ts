import { describe, expect, it } from "vitest";
import { validateDeployConfig } from "../../src/config/check.ts";
import { effectiveDeployment } from "../../src/config/effective.ts";

/** The problems of a deployment's policy, `path: message`, paths from the policy. */
function problems(policy: object, max_replicas = 10): string[] {
  const result = validateDeployConfig({
    applications: [
      { import_path: "./app.ts:app", deployments: [{ name: "D", autoscaling_config: { max_replicas, policy } }] },
    ],
  });
  const prefix = "applications[0].deployments[0].autoscaling_config.policy.";
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path.replace(prefix, "")}: ${message}`);
}

const schedule = (kwargs: object) => ({ policy_function: "windlass:schedule", policy_kwargs: kwargs });
const prometheus = (kwargs: object) => ({
  policy_function: "windlass:prometheus",
  policy_kwargs: { url: "http://localhost:9090", query: "sum(up)", per_replica: 5, ...kwargs },
});
const queue = (kwargs: object) => ({
  policy_function: "windlass:queue",
  policy_kwargs: { broker_url: "redis://localhost:6379/0", queue_name: "mail", ...kwargs },
});
const NO_BROKER =
  "policy_kwargs.broker_url: must be the URL of a Redis or RabbitMQ broker with a host (redis://, rediss://, amqp://, amqps://, pyamqp://, pyamqps://); write /, #, ? and the like in a password as %2F, %23, %3F";
const day = { start: "0 8 * * MON-FRI", end: "0 18 * * *", replicas: 4 };

describe("the policy of a deployment", () => {
  it.each([
    ["a function of the user's", { policy_function: "./policy.ts:policy", policy_kwargs: { any: ["thing"] } }],
    [
      "the request-based one, with a colon",
      { policy_function: "ray.serve.autoscaling_policy:default_autoscaling_policy" },
    ],
    [
      "the request-based one, with a dot",
      { policy_function: "ray.serve.autoscaling_policy.default_autoscaling_policy" },
    ],
    ["a schedule", schedule({ timezone: "Europe/Berlin", windows: [day], else: { min_replicas: 0 }, compose: "max" })],
    ["a schedule of minutes", schedule({ windows: [{ cron: "*/5 * * * *", min_replicas: 2 }] })],
    [
      "a schedule of one time",
      schedule({ windows: [{ ...day, start: "2020-01-01T00:00:00", end: "2020-01-02T00:00:00" }] }),
    ],
    ["a query", prometheus({ freshness_s: 60, missing: "ignore", compose: "max", interval_s: 10, timeout_s: 2 })],
    ["a queue", queue({ poll_interval_s: 0.5 })],
    [
      "a queue by the reference's name",
      {
        ...queue({ rabbitmq_management_url: null }),
        policy_function: "ray.serve.async_inference_autoscaling_policy:AsyncInferenceAutoscalingPolicy",
      },
    ],
    [
      "a queue by the reference's name with a dot",
      {
        ...queue({ broker_url: "amqp://me:pw@h:5672//", rabbitmq_management_url: "http://me:pw@h:15672/api/" }),
        policy_function: "ray.serve.async_inference_autoscaling_policy.AsyncInferenceAutoscalingPolicy",
      },
    ],
  ])("may be %s", (_, policy) => {
    expect(problems(policy)).toEqual([]);
  });

  it.each([
    [
      'policy_function: must be MODULE:EXPORT with a colon, got "math.sqrt"; write e.g. ./policy.ts:policy',
      { policy_function: "math.sqrt" },
    ],
    [
      'policy_function: has "windlass:cron", which is not built in; use windlass:schedule, windlass:prometheus, windlass:queue or your own module',
      { policy_function: "windlass:cron" },
    ],
    [
      "policy_kwargs.by: must be a finite number, got Infinity",
      { policy_function: "./p.ts:p", policy_kwargs: { by: Infinity } },
    ],
    ["policy_kwargs.windows: is required: give a list", schedule({})],
    ["policy_kwargs.windows: must have at least one window, got []", schedule({ windows: [] })],
    [
      'policy_kwargs.timezone: is no known time zone, got "Berlin"; write an IANA name such as Europe/Berlin or UTC',
      schedule({ timezone: "Berlin", windows: [day] }),
    ],
    [
      "policy_kwargs.windows[0]: must have cron, or start and end",
      schedule({ windows: [{ start: "0 8 * * *", replicas: 1 }] }),
    ],
    [
      "policy_kwargs.windows[0]: must have replicas (exactly so many) or min_replicas (at least so many), not both",
      schedule({ windows: [{ ...day, min_replicas: 1 }] }),
    ],
    [
      'policy_kwargs.windows[0].start: is no cron pattern, got "61 8 * * *": Invalid value for minute: 61; write e.g. "0 8 * * MON-FRI"',
      schedule({ windows: [{ ...day, start: "61 8 * * *" }] }),
    ],
    [
      'policy_kwargs.windows[0].end: never comes, got "0 0 30 2 *"; write a cron pattern with a day that exists',
      schedule({ windows: [{ ...day, end: "0 0 30 2 *" }] }),
    ],
    [
      'policy_kwargs.windows[0].cron: must be a cron pattern, got the time "2026-01-01T00:00:00"; a time needs start and end',
      schedule({ windows: [{ cron: "2026-01-01T00:00:00", replicas: 1 }] }),
    ],
    [
      "policy_kwargs.windows[0].replicas: has 11, more than max_replicas 10; raise max_replicas or lower it",
      schedule({ windows: [{ ...day, replicas: 11 }] }),
    ],
    [
      "policy_kwargs.else.min_replicas: has 11, more than max_replicas 10; raise max_replicas or lower it",
      schedule({ windows: [day], else: { min_replicas: 11 } }),
    ],
    [
      "policy_kwargs.window: is not a key of windlass:schedule, remove it; known are timezone, windows, else, compose",
      schedule({ windows: [day], window: [] }),
    ],
    ["policy_kwargs: must have target_value or per_replica, not both", prometheus({ target_value: 1 })],
    ["policy_kwargs.per_replica: must be a finite number > 0, got 0", prometheus({ per_replica: 0 })],
    [
      'policy_kwargs.url: must be an http:// or https:// URL of a Prometheus server, got "localhost:9090"',
      prometheus({ url: "localhost:9090" }),
    ],
    [
      "policy_kwargs.url: must hold no user and password; use bearer_token_env",
      prometheus({ url: "http://me:secret@host" }),
    ],
    [
      "policy_kwargs.queue_name: is required: give text",
      { policy_function: "windlass:queue", policy_kwargs: { broker_url: "redis://h" } },
    ],
    [NO_BROKER, queue({ broker_url: "sqs://me:s3cret@host" })],
    [NO_BROKER, queue({ broker_url: "redis://:s3/cret@host" })],
    [NO_BROKER, queue({ broker_url: "redis://:s3\\cret@host" })],
    [
      "policy_kwargs.broker_url: holds a % in its user or password that stands for nothing; write it as %25",
      queue({ broker_url: "redis://:100%@host" }),
    ],
    [
      "policy_kwargs.broker_url: must end in the number of a database, such as redis://host:6379/0",
      queue({ broker_url: "redis://:pw@host/mail" }),
    ],
    [
      "policy_kwargs: must have rabbitmq_management_url for a RabbitMQ broker, as its management plugin tells the length; write e.g. http://localhost:15672",
      queue({ broker_url: "amqp://me:s3cret@host" }),
    ],
    ["policy_kwargs.poll_interval_s: must be a finite number > 0, got 0", queue({ poll_interval_s: 0 })],
    ['policy_kwargs.missing: must be hold or min or ignore, got "zero"', prometheus({ missing: "zero" })],
  ])("is refused: %s", (expected, policy) => {
    expect(problems(policy)).toEqual([expected]);
  });

  it("is checked in code as well", () => {
    const autoscaling_config = { max_replicas: 4, policy: schedule({ windows: [{ ...day, replicas: 5 }] }) };
    expect(effectiveDeployment({ autoscaling_config }, undefined, "D")).toMatchObject({
      ok: false,
      problems: [{ path: 'deployments["D"].autoscaling_config.policy.policy_kwargs.windows[0].replicas' }],
    });
  });
});

it("a built-in policy cannot be an application's", () => {
  const result = validateDeployConfig({
    applications: [{ import_path: "./app.ts:app", autoscaling_policy: schedule({ windows: [day] }) }],
  });
  expect(result).toMatchObject({
    ok: false,
    problems: [
      {
        path: "applications[0].autoscaling_policy.policy_function",
        message: 'has "windlass:schedule", which is for one deployment; set it in its autoscaling_config.policy',
      },
    ],
  });
});
