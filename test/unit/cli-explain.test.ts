import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { Deployment_TargetOwner } from "../../gen/windlass/v1/deployment_pb.ts";
import { decisionView } from "../../src/api/decision-view.ts";
import { type Decision, decide } from "../../src/autoscaling/decide.ts";
import { scalingRules } from "../../src/autoscaling/rules.ts";
import { NEW_SCALING_STATE } from "../../src/autoscaling/state.ts";
import { AUTOSCALING_DEFAULTS } from "../../src/config/defaults.ts";
import { decisionShown } from "../../src/controller/autoscale-decisions.ts";
import { type FakeAnswers, fakeApi } from "../support/fake-api.ts";
import { runCli } from "../support/run-cli.ts";

const AT_S = 1_700_000_000;

const rules = scalingRules({ ...AUTOSCALING_DEFAULTS, min_replicas: 1, max_replicas: 4, upscaling_factor: 2 });
const source = { runningFrom: "handles", series: 3, oldestS: AT_S - 9, newestS: AT_S - 0.2 } as const;
const delay = { kind: "up", sinceS: AT_S - 12, turns: 120 } as const;
const { decision } = decide(
  { rules, running: 2, target: 2, total: 7.5, source },
  { ...NEW_SCALING_STATE, delay },
  AT_S,
);

const answers = (decisions: boolean, config: object = {}, whole: object = {}): FakeAnswers => ({
  applications: { getApplication: () => ({ application: { name: "applications/a", config: whole } }) },
  deployments: {
    getDeployment: () => ({
      deployment: {
        name: "applications/a/deployments/d",
        config,
        targetNumReplicas: 2,
        targetOwner: Deployment_TargetOwner.AUTOSCALER,
        targetReason: "4 requests on 1 running: the policy wants 2",
        targetTime: timestampFromMs((AT_S - 60) * 1_000),
      },
    }),
    listScalingDecisions: ({ atTime, shadow }: { atTime?: unknown; shadow?: boolean }) => ({
      decisions:
        decisions && atTime === undefined
          ? [
              decisionView(
                decisionShown({ first: { ...decision, atS: AT_S - 12 }, last: decision, turns: 121 }, shadow),
              ),
            ]
          : [],
    }),
  },
});

async function run(decisions: boolean, ...argv: string[]) {
  const api = await fakeApi(answers(decisions));
  return runCli(["explain", "a", "d", ...argv], { env: { WINDLASS_ADDRESS: api.address } });
}

describe("windlass explain", () => {
  it("tells inputs, the policy's wish, each step in order, and what it would be without delays", async () => {
    const { code, out } = await run(true);
    expect(code).toBe(0);
    expect(out).toBe(
      [
        "a/d is to have 2 replicas, set by the autoscaler at 2023-11-14T22:12:20.000Z: 4 requests on 1 running: the policy wants 2",
        "",
        "Decided at 2023-11-14T22:13:20.000Z, as at 121 moments since 2023-11-14T22:13:08.000Z, by the built-in policy:",
        "  load              7.5 requests counted at routers (3 series), reported 0.2 s to 9 s before",
        "  replicas          2 running, 2 wanted",
        "  the policy wants  3.75",
        "  factor 2          3.75 → 6",
        "  upscale delay     6 → 2, 18 s left of 30 s",
        "  result            2 replicas",
        "  without delays    4 replicas",
        "",
      ].join("\n"),
    );
  });

  it("tells that a delay leads nowhere beyond the bounds", async () => {
    const bounded = decide(
      { rules: scalingRules({ ...AUTOSCALING_DEFAULTS, min_replicas: 2 }), running: 2, target: 2, total: 0, source },
      { ...NEW_SCALING_STATE, delay: { kind: "down", sinceS: AT_S - 1, turns: 2 } },
      AT_S,
    ).decision;
    const { deployments } = answers(true);
    const decisions = [decisionView(decisionShown({ first: bounded, last: bounded, turns: 1 }))];
    const api = await fakeApi({ deployments: { ...deployments!, listScalingDecisions: () => ({ decisions }) } });
    const { out } = await runCli(["explain", "a", "d"], { env: { WINDLASS_ADDRESS: api.address } });
    expect(out).toContain("downscale delay   1 → 2, 599 s left of 600 s");
    expect(out).toContain("without delays    2 replicas");
  });

  it.each([
    {
      when: "as it stood then, where that is known",
      laterS: 0.15,
      head: "Held at 2023-11-14T22:13:20.150Z, decided first at 2023-11-14T22:13:08.000Z, by the built-in policy; as it stood then:",
    },
    {
      when: "as it stood when it was made last, else",
      laterS: 60,
      head: "Held at 2023-11-14T22:14:20.000Z, decided first at 2023-11-14T22:13:08.000Z, by the built-in policy; as it stood at 2023-11-14T22:13:20.000Z, the last time it was made:",
    },
    {
      when: "of a policy that cannot be asked again, as it was recorded last",
      laterS: 60,
      policy: "user",
      head: "Held at 2023-11-14T22:14:20.000Z, decided first at 2023-11-14T22:13:08.000Z, by its policy_function; as it was recorded last, at 2023-11-14T22:13:20.000Z:",
    },
  ])("tells with --at what held then, $when", async ({ laterS, head, policy = "built-in" }) => {
    const made = { ...decision, policy } as Decision;
    const shown = decisionShown({ first: { ...made, atS: AT_S - 12 }, last: made, turns: 121 });
    const asked: unknown[] = [];
    const { deployments } = answers(true);
    const api = await fakeApi({
      deployments: {
        ...deployments!,
        listScalingDecisions: ({ atTime }: { atTime?: unknown }) => {
          asked.push(atTime);
          return { decisions: [decisionView(shown)] };
        },
      },
    });
    const at = new Date((AT_S + laterS) * 1_000).toISOString();
    const { out } = await runCli(["explain", "a", "d", "--at", at], { env: { WINDLASS_ADDRESS: api.address } });
    expect(asked).toEqual([timestampFromMs((AT_S + laterS) * 1_000)]);
    expect(out).toContain("a/d is to have 2 replicas now, set by the autoscaler");
    expect(out).toContain(`\n\n${head}\n  load `);
    expect(out).toContain("18 s left of 30 s");
  });

  it("prints the names of REST with -o", async () => {
    const { out } = await run(true, "-o", "json");
    expect(JSON.parse(out)).toMatchObject({
      target_num_replicas: 2,
      target_owner: "AUTOSCALER",
      decision: {
        since_s: AT_S - 12,
        total_requests: 7.5,
        adjustments: [
          { kind: "factor", from: 3.75, to: 6, factor: 2 },
          { kind: "delay", direction: "up", delay_s: 30, left_s: 18, from: 6, to: 2 },
        ],
        result: 2,
        without_delays: 4,
      },
    });
  });

  it("tells with --shadow what autoscaling_shadow would have done, or that there is none", async () => {
    const api = await fakeApi(answers(true, { autoscalingShadow: {} }));
    const argv = ["explain", "a", "d", "--shadow"];
    const { out } = await runCli(argv, { env: { WINDLASS_ADDRESS: api.address } });
    expect(out).toContain("Its autoscaling_shadow would have 2 replicas; nothing follows it.\nDecided at ");
    const json = await runCli([...argv, "-o", "json"], { env: { WINDLASS_ADDRESS: api.address } });
    expect(JSON.parse(json.out)).toMatchObject({ decision: { shadow: true, result: 2 } });
    expect((await run(true, "--shadow")).out).toContain("It has no autoscaling_shadow");
    expect((await run(true, "-o", "json")).out).toContain('"shadow": false');
  });

  it("tells with --shadow what the application's would have done with what is autoscaled, and with nothing else", async () => {
    const schedule = { policy: { policyFunction: "windlass:schedule", policyKwargs: { windows: [] } } };
    const explained = async (config: object): Promise<string> => {
      const whole = { autoscalingShadow: { policy_function: "./policy.ts:all" } };
      const api = await fakeApi(answers(true, config, whole));
      return (await runCli(["explain", "a", "d", "--shadow"], { env: { WINDLASS_ADDRESS: api.address } })).out;
    };
    for (const config of [{ autoscalingConfig: {} }, { autoscalingShadow: {} }, { autoscalingShadow: schedule }]) {
      const out = await explained(config);
      expect(out).toContain("The application's autoscaling_shadow would have 2 replicas; nothing follows it.\n");
      expect(out).not.toContain("schedule");
    }
    expect(await explained({})).toContain("It has no autoscaling_shadow");
  });

  it("tells which windows of a schedule were open", async () => {
    // Second AT_S is a Tuesday, 22:13 UTC.
    const windows = [
      { start: "0 20 * * *", end: "0 23 * * *", min_replicas: 3 },
      { cron: "* 22 * * TUE", replicas: 2 },
      { cron: "* 5 * * *", replicas: 9 },
    ];
    const scheduled = (policyKwargs: object) => ({
      autoscalingConfig: { policy: { policyFunction: "windlass:schedule", policyKwargs } },
    });
    const explained = async (config: object, ...argv: string[]): Promise<string> => {
      const api = await fakeApi(answers(true, config));
      return (await runCli(["explain", "a", "d", ...argv], { env: { WINDLASS_ADDRESS: api.address } })).out;
    };
    const open =
      "window 1 (0 20 * * * to 0 23 * * *: at least 3) and window 2 (* 22 * * TUE: exactly 2) are open, in UTC";
    expect(await explained(scheduled({ windows }))).toMatch(/\n\nBy its schedule as deployed now, .*\.\n$/);
    expect(await explained(scheduled({ windows }))).toContain(`now, ${open}.`);
    expect(JSON.parse(await explained(scheduled({ windows }), "-o", "json"))).toMatchObject({ schedule: open });
    const closed = scheduled({ windows: windows.slice(2), timezone: "Europe/Berlin" });
    expect(await explained(closed)).toContain("now, no window is open: requests decide.");
    expect(await explained({})).not.toContain("schedule");
    // That of the shadow where it is asked for, and what this version cannot read is left out.
    const shadow = { autoscalingShadow: scheduled({ windows }).autoscalingConfig };
    expect(await explained(shadow)).not.toContain("schedule");
    expect(await explained(shadow, "--shadow")).toContain("window 1");
    expect(await explained(scheduled({ windows: "?" }))).not.toContain("schedule");
  });

  it("says so where nothing was decided, or nothing of that time is kept", async () => {
    expect((await run(false)).out).toContain("The autoscaler has decided nothing on it.");
    expect((await run(true, "--at", "2020-01-01T00:00:00Z")).out).toContain("No decision of that time is kept.");
  });
});
