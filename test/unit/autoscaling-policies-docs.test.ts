import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { validateDeployConfig } from "../../src/config/check.ts";
import { readPrometheusKwargs, readScheduleKwargs } from "../../src/config/policy-kwargs.ts";
import { readQueueKwargs } from "../../src/config/queue-kwargs.ts";
import { POLICY_DEADLINE_MS } from "../../src/controller/policy-runner.ts";
import { MAX_OUTPUT_BYTES } from "../../src/policy-host/protocol.ts";
import { policyInputOf, startPolicies } from "../support/policies.ts";

const PAGE = readFileSync(join(resolve(import.meta.dirname, "../.."), "docs/autoscaling-policies.md"), "utf8");

const blocks = (language: string): string[] =>
  [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, text]) => text!);

/** First cells of the rows of the table under a heading. */
function rows(heading: string): string[][] {
  const section = PAGE.slice(PAGE.indexOf(`\n${heading}\n`)).split(/\n#+ /)[1]!;
  return section
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.split("|").map((cell) => cell.trim()));
}

describe("docs/autoscaling-policies.md", () => {
  it.each(blocks("yaml"))("shows configs that are taken without a warning: %#", (text) => {
    expect(validateDeployConfig(parse(text))).toMatchObject({ ok: true, warnings: [] });
  });

  it("shows policies that work", async () => {
    const [own, application] = blocks("ts");
    const { ask } = await startPolicies({ "policy.ts": own!, "application.ts": application! });
    expect(await ask("./policy.ts:byQueue", { kwargs: { perReplica: 4 } })).toMatchObject({ value: { desired: 2 } });
    const input = policyInputOf({ policyState: { level: 4 }, totalNumRequests: 14 });
    expect(await ask("./policy.ts:Smoothed", { kwargs: { weight: 0.5 }, input })).toMatchObject({
      value: { desired: 2.25, state: { level: 9 } },
    });
    const inputs = { a: policyInputOf({ totalNumRequests: 3 }), b: policyInputOf({ totalNumRequests: 10 }) };
    expect(await ask("./application.ts:alike", { deployment: null, input: inputs })).toMatchObject({
      value: { desired: { a: 5, b: 5 } },
    });
  });

  it("names the limits in force", () => {
    const limits = rows("### When it goes wrong").map(([, what, limit]) => `${what}: ${limit}`);
    expect(limits).toContain(`A call: ${POLICY_DEADLINE_MS / 1000} s`);
    expect(limits).toContain(`What it returns, as JSON: ${MAX_OUTPUT_BYTES / 1024} KiB`);
  });

  it("names the defaults in force", () => {
    const read = readPrometheusKwargs({ url: "http://localhost", query: "up", per_replica: 1 });
    const schedule = readScheduleKwargs({ windows: [{ cron: "* * * * *", replicas: 1 }] });
    if (!read.ok || !schedule.ok) throw new Error("the shortest arguments are refused");
    const documented = (heading: string) =>
      Object.fromEntries(
        rows(heading).map(([, key, , value]) => [key!.replaceAll("`", ""), value!.replaceAll("`", "")]),
      );
    const prometheus = documented("## By a Prometheus query");
    for (const key of ["freshness_s", "missing", "compose", "interval_s", "timeout_s"] as const) {
      expect(prometheus[key], key).toBe(String(read.kwargs[key]));
    }
    const times = documented("## By the time");
    expect([times["timezone"], times["compose"]]).toEqual([schedule.kwargs.timezone, schedule.kwargs.compose]);
    const queue = readQueueKwargs({ broker_url: "redis://h", queue_name: "q" });
    if (!queue.ok) throw new Error("the shortest arguments are refused");
    expect(documented("## By the length of a queue")["poll_interval_s"]).toBe(String(queue.kwargs.poll_interval_s));
  });
});
