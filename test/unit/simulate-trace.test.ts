import { describe, expect, it } from "vitest";
import { validateDeployConfig } from "../../src/config/check.ts";
import { assign, nameOf } from "../../src/simulate/assign.ts";
import { generator } from "../../src/simulate/generator.ts";
import { simulate } from "../../src/simulate/run.ts";
import { ownPolicyOf, type Subject, subjectsOf } from "../../src/simulate/subject.ts";
import { parseTrace, type Trace } from "../../src/simulate/trace.ts";
import { arrivalsOf } from "../../src/simulate/traffic.ts";

function traceOf(text: string): Trace {
  const result = parseTrace(text, "t.csv");
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.trace;
}

function subjects(config: object): Subject[] {
  const checked = validateDeployConfig(config);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const found = subjectsOf(checked.config);
  if (!found.ok) throw new Error(JSON.stringify(found.problems));
  return [...found.subjects];
}

const app = (name: string, ...deployments: object[]): object => ({
  name,
  route_prefix: `/${name}`,
  import_path: "./a.ts:app",
  deployments,
});

describe("a trace", () => {
  it("lists requests, in whatever order, by either of their names", () => {
    const { startS, lengthS, traffic } = traceOf("# a comment\narrival_s, duration_s\n3,0.5\n\n1.25,2\r\n");
    expect({ startS, lengthS }).toEqual({ startS: null, lengthS: 3 });
    expect(traffic.get("")).toEqual({
      kind: "requests",
      timesS: Float64Array.of(1.25, 3),
      servicesS: Float64Array.of(2, 0.5),
    });
  });

  it("in epoch seconds begins with the second of its first request", () => {
    const { startS, traffic } = traceOf('service_s,timestamp_s,deployment\n1,1790000002.5,"a/D"\n1,1790000001.75,E\n');
    expect(startS).toBe(1_790_000_001);
    expect([...traffic.keys()]).toEqual(["a/D", "E"]);
    expect(traffic.get("E")).toMatchObject({ timesS: Float64Array.of(0.75) });
  });

  it("gives rates, row after row of each deployment", () => {
    const { lengthS, traffic } = traceOf("start_s,end_s,rps,service_s\n60,120,0,1\n0,60,2.5,0.2\n");
    expect(lengthS).toBe(120);
    expect(traffic.get("")).toEqual({
      kind: "rates",
      rows: [
        { startS: 0, endS: 60, rps: 2.5, serviceS: 0.2 },
        { startS: 60, endS: 120, rps: 0, serviceS: 1 },
      ],
    });
  });

  const bad: { name: string; text: string; says: string }[] = [
    { name: "without a line", text: "\n", says: "t.csv: is empty; its head line is timestamp_s,service_s" },
    { name: "of other columns", text: "when,what\n", says: "t.csv:1: the columns are when,what; write timestamp_s," },
    { name: "with a column too many", text: "timestamp_s,service_s,x\n", says: "t.csv:1: the columns are" },
    { name: "with a head line alone", text: "arrival_s,service_s\n", says: "t.csv: has no line below" },
    {
      name: "with a word for a number",
      text: "arrival_s,service_s\n1,2\n2,soon\n",
      says: 't.csv:3: service_s is "soon"; write',
    },
    { name: "with a hexadecimal number", text: "arrival_s,service_s\n0x1,2\n", says: 't.csv:2: arrival_s is "0x1"' },
    { name: "with a number below 0", text: "arrival_s,service_s\n-1,2\n", says: 't.csv:2: arrival_s is "-1"' },
    { name: "with a short line", text: "arrival_s,service_s\n1\n", says: "t.csv:2: has 1 fields; the head line has 2" },
    {
      name: "with a row that ends first",
      text: "start_s,end_s,rps,service_s\n9,9,1,1\n",
      says: "t.csv:2: end_s 9 is not after",
    },
    {
      name: "with rows over each other",
      text: "start_s,end_s,rps,service_s\n0,9,1,1\n8,10,1,1\n",
      says: "t.csv:3: start_s 8 lies within",
    },
    {
      name: "of too many",
      text: "start_s,end_s,rps,service_s\n0,3600,1e9,1\n",
      says: "t.csv: makes 3.6e+12 requests; at most",
    },
    { name: "in milliseconds", text: "arrival_s,service_s\n0,1\n86400000000,1\n", says: "t.csv: covers 86400000000 s" },
  ];
  it.each(bad)("$name is refused in one line", ({ text, says }) => {
    const result = parseTrace(text, "t.csv");
    expect(result.ok).toBe(false);
    const problems = result.ok ? [] : result.problems;
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(says);
  });

  it("of many mistakes tells the first ten", () => {
    const result = parseTrace(`arrival_s,service_s\n${"x,y\n".repeat(50)}`, "t.csv");
    expect(result.ok ? [] : result.problems).toHaveLength(10);
  });
});

describe("requests drawn from rates", () => {
  it("come as often as the rates say, within their rows", () => {
    const rows = [
      { startS: 10, endS: 1010, rps: 5, serviceS: 1 },
      { startS: 1010, endS: 2010, rps: 0, serviceS: 1 },
      { startS: 3000, endS: 3100, rps: 20, serviceS: 2 },
    ];
    const arrivals = arrivalsOf({ kind: "rates", rows }, generator(7));
    const counts = [0, 0, 0];
    let beforeS = 0;
    for (; arrivals.nextS < Number.POSITIVE_INFINITY; arrivals.advance()) {
      const row = rows.findIndex(({ startS, endS }) => arrivals.nextS >= startS && arrivals.nextS < endS);
      counts[row]! += 1;
      expect(arrivals.serviceS).toBe(rows[row]!.serviceS);
      expect(arrivals.nextS).toBeGreaterThanOrEqual(beforeS);
      beforeS = arrivals.nextS;
    }
    // Five standard deviations.
    expect(Math.abs(counts[0]! - 5000)).toBeLessThan(5 * Math.sqrt(5000));
    expect(counts[1]).toBe(0);
    expect(Math.abs(counts[2]! - 2000)).toBeLessThan(5 * Math.sqrt(2000));
  });

  it("are the same for each config, whatever it calls the deployment and how it scales it", () => {
    const { traffic, lengthS } = traceOf("start_s,end_s,rps,service_s\n0,600,3,0.4\n");
    const [one] = subjects({ applications: [app("a", { name: "D", num_replicas: 4 })] });
    const [other] = subjects({ applications: [app("b", { name: "E", num_replicas: "auto" })] });
    const options = { replicaStartS: 1, seed: 3, epochS: 1_790_000_000, horizonS: lengthS };
    const [first, second] = [one!, other!].map(
      (subject) => simulate([{ key: "", subject, traffic: traffic.get("")! }], options)[0]!,
    );
    expect(second!.requests.arrived).toBe(first!.requests.arrived);
    expect(second!.workedSeconds).toBeCloseTo(first!.workedSeconds, 6);
  });
});

describe("the deployments of a config", () => {
  it("have the settings in force: limits, timeouts, bounds at the target capacity, replicas to begin with", () => {
    const [auto, fixed] = subjects({
      target_capacity: 50,
      http_options: { request_timeout_s: 9 },
      applications: [
        app(
          "a",
          {
            name: "Auto",
            max_ongoing_requests: 7,
            max_queued_requests: 3,
            request_timeout_s: 4,
            autoscaling_config: { min_replicas: 2, initial_replicas: 4, max_replicas: 20 },
          },
          { name: "Fixed", num_replicas: 6, graceful_shutdown_timeout_s: 5 },
        ),
      ],
    });
    expect(auto).toMatchObject({
      maxOngoingRequests: 7,
      maxQueuedRequests: 3,
      requestTimeoutS: 4,
      initialReplicas: 4,
      autoscaling: { rules: { lower: 2, upper: 10, gangSize: 1 } },
    });
    expect(fixed).toMatchObject({
      requestTimeoutS: 9,
      gracefulShutdownTimeoutS: 5,
      initialReplicas: 3,
      autoscaling: null,
    });
  });

  it.each([
    {
      name: "an application in a zip",
      scaling: {},
      more: {
        autoscaling_policy: { policy_function: "./policy.ts:mine" },
        runtime_env: { working_dir: "https://127.0.0.1/a.zip" },
      },
      path: "applications[0].autoscaling_policy",
      says: "./policy.ts:mine is not simulated: its code lies in the zip",
    },
    {
      name: "a server",
      scaling: { policy: { policy_function: "windlass:prometheus", policy_kwargs: PROMETHEUS } },
      more: {},
      path: "applications[0].deployments[0].autoscaling_config.policy.policy_function",
      says: "windlass:prometheus is not simulated",
    },
  ])("with a policy of $name are refused", ({ scaling, more, path, says }) => {
    const one = { ...app("a", { name: "D", autoscaling_config: { max_replicas: 3, ...scaling } }), ...more };
    const checked = validateDeployConfig({ applications: [one] });
    const found = checked.ok ? subjectsOf(checked.config) : undefined;
    expect(found).toEqual({ ok: false, problems: [{ path, message: expect.stringContaining(says) }] });
  });

  it("are refused where one alone is wanted of those for which the policy of an application decides", () => {
    const scaling = { autoscaling_config: { max_replicas: 3 } };
    const together = { autoscaling_policy: { policy_function: "./policy.ts:mine" } };
    const checked = validateDeployConfig({
      applications: [
        { ...app("a", { name: "D", ...scaling }, { name: "E", ...scaling }), ...together },
        app("b", { name: "F" }),
      ],
    });
    const problemsOf = (wanted?: string): number => {
      const found = checked.ok ? subjectsOf(checked.config, wanted) : undefined;
      return found?.ok ? 0 : found!.problems.length;
    };
    expect([undefined, "a/D", "E", "b/F", "F"].map(problemsOf)).toEqual([0, 1, 1, 0, 0]);
  });

  it("with a policy of one's own say that it is to be asked", () => {
    const policy = { policy_function: "./policy.ts:mine" };
    const one = app("a", { name: "D", autoscaling_config: { max_replicas: 3, policy } }, { name: "E" });
    expect(subjects({ applications: [one] }).map(ownPolicyOf)).toEqual([expect.objectContaining(policy), undefined]);
  });
});

const PROMETHEUS = { url: "http://127.0.0.1:9090", query: "x", target_value: 1 };

describe("traffic finds its deployment", () => {
  const two = subjects({
    applications: [app("a", { name: "D", num_replicas: "auto" }, { name: "E" }), app("b", { name: "D" })],
  });
  const files = { trace: "t.csv", config: "c.yaml" };
  const unnamed = traceOf("arrival_s,service_s\n0,1\n");
  const named = (...names: string[]): Trace =>
    traceOf(`arrival_s,service_s,deployment\n${names.map((name) => `0,1,${name}\n`).join("")}`);
  const given = (trace: Trace, wanted?: string): string[] => {
    const result = assign(two, trace, wanted, files);
    return result.ok ? result.loads.map(({ subject }) => nameOf(subject)) : [...result.problems];
  };

  it.each([
    { name: "by its full name", trace: named("b/D", "E"), wanted: undefined, found: ["b/D", "a/E"] },
    { name: "as the only one that is autoscaled", trace: unnamed, wanted: undefined, found: ["a/D"] },
    { name: "as the wanted one", trace: unnamed, wanted: "b/D", found: ["b/D"] },
    { name: "and others are left out", trace: named("a/D", "E"), wanted: "E", found: ["a/E"] },
    {
      name: "unless its name is not unique",
      trace: named("D"),
      wanted: undefined,
      found: ["t.csv: deployment D: could be a/D, b/D; name the application too in c.yaml"],
    },
    {
      name: "unless there is none of its name",
      trace: named("a/X"),
      wanted: undefined,
      found: ["t.csv: deployment a/X: is not among a/D, a/E, b/D in c.yaml"],
    },
    {
      name: "unless the wanted one is not there",
      trace: unnamed,
      wanted: "a/X",
      found: ["--deployment a/X: is not among a/D, a/E, b/D in c.yaml"],
    },
    {
      name: "unless the wanted one has no traffic",
      trace: named("E"),
      wanted: "a/D",
      found: ["t.csv: has no line for deployment a/D"],
    },
    {
      name: "unless it has several names",
      trace: named("E", "a/E"),
      wanted: undefined,
      found: ["t.csv: calls a/E by several names; use one"],
    },
  ])("$name", ({ trace, wanted, found }) => {
    expect(given(trace, wanted)).toEqual(found);
  });

  it("unless it is not said which", () => {
    const result = assign(
      two.filter(({ autoscaling }) => !autoscaling),
      unnamed,
      undefined,
      files,
    );
    expect(result).toEqual({
      ok: false,
      problems: ["t.csv: has no column deployment: say with --deployment which of a/E, b/D it is for in c.yaml"],
    });
    expect(assign([], unnamed, undefined, files)).toMatchObject({ ok: false });
  });
});
