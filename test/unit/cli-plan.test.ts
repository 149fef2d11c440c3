import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { Application_Source, Application_State } from "../../gen/windlass/v1/application_pb.ts";
import type { ApplyConfigRequest } from "../../gen/windlass/v1/instance_service_pb.ts";
import { ApplicationPlan_Action as A, DeploymentPlan_Action as D } from "../../gen/windlass/v1/plan_pb.ts";
import { planText } from "../../src/cli/plan-lines.ts";
import { apiError, type FakeAnswers, fakeApi } from "../support/fake-api.ts";
import { runCli } from "../support/run-cli.ts";
import { tempDir } from "../support/temp-dir.ts";

const CONFIG = "applications:\n  - { name: shop, route_prefix: /, import_path: './a.ts:app' }\n";

const deployment = (name: string, action: D, from: number, to: number, more: object = {}) => ({
  name: `applications/shop/deployments/${name}`,
  action,
  targetNumReplicas: from,
  plannedTargetNumReplicas: to,
  ...more,
});

const PLAN = {
  token: "plan-abc",
  expireTime: { seconds: 1_700_000_000n, nanos: 0 },
  revision: 5n,
  warnings: ["something is odd"],
  applications: [
    {
      name: "applications/shop",
      action: A.UPDATE,
      codeChanged: true,
      canary: true,
      deployments: [
        deployment("Cart", D.RESTART, 3, 3, {
          changes: ["code"],
          peakMissingReplicas: 1,
          notes: ["a note\nof two lines"],
        }),
        deployment("Search", D.RECONFIGURE, 2, 4, { changes: "a b c d e f g h".split(" "), peakExtraReplicas: 2 }),
        deployment("Gone", D.DELETE, 1, 0),
        deployment("Same", D.NONE, 1, 1),
      ],
    },
    {
      name: "applications/old",
      action: A.DELETE,
      deployments: [{ name: "applications/old/deployments/Old", action: D.DELETE, targetNumReplicas: 2 }],
    },
    { name: "applications/rest", action: A.NONE, deployments: [] },
  ],
};
const HARMLESS = { ...PLAN, warnings: [], applications: [{ name: "applications/rest", action: A.NONE }] };
const BROKEN = {
  ...PLAN,
  token: "",
  applications: [{ name: "applications/shop", action: A.UPDATE, error: "no module ./a.ts" }],
};

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly cwd: string;
  readonly applied: ApplyConfigRequest[];
}

async function run(argv: readonly string[], plan: object = PLAN, answers: FakeAnswers["instance"] = {}): Promise<Run> {
  const applied: ApplyConfigRequest[] = [];
  const cwd = tempDir();
  writeFileSync(join(cwd, "app.yaml"), CONFIG);
  writeFileSync(join(cwd, "plan.json"), JSON.stringify({ token: "plan-abc" }));
  const api = await fakeApi({
    instance: {
      planConfig: () => ({ plan }),
      applyConfig(request) {
        applied.push(request);
        return { revision: 9n, warnings: [] };
      },
      getInstance: () => ({
        applications: [
          { name: "applications/shop", source: Application_Source.DECLARATIVE, state: Application_State.RUNNING },
        ],
      }),
      ...answers,
    },
  });
  const result = await runCli(argv, { env: { WINDLASS_ADDRESS: api.address }, cwd });
  return { ...result, cwd, applied };
}

describe("windlass deploy --dry-run", () => {
  it("prints what would be done, and does nothing", async () => {
    const { code, out, err, applied } = await run(["deploy", "app.yaml", "--dry-run"]);
    expect({ code, applied, err }).toEqual({ code: 0, applied: [], err: "warning: something is odd\n" });
    expect(out).toBe(`application shop: update, sources differ, begins as a canary
  ± Cart    restart      3 -> 3  code; 1 missing at most
      note: a note of two lines
  ~ Search  reconfigure  2 -> 4  a, b, c, d, e, f, 2 more; 2 extra at most
  - Gone    delete       1 -> 0
application old: delete
  - Old  delete       2 -> 0
application rest: no change
1 to restart, 1 to reconfigure, 2 to delete; 1 application to delete
`);
  });

  it("prints the document of the API with -o", async () => {
    const { out } = await run(["deploy", "app.yaml", "--dry-run", "-o", "json"]);
    expect(JSON.parse(out)).toMatchObject({
      token: "plan-abc",
      expire_time_s: 1_700_000_000,
      revision: 5,
      applications: [
        {
          name: "shop",
          action: "UPDATE",
          code_changed: true,
          deployments: [{ name: "Cart", action: "RESTART" }, {}, {}, {}],
        },
        { name: "old", action: "DELETE" },
        { name: "rest", action: "NONE" },
      ],
    });
    const yaml = await run(["deploy", "app.yaml", "--dry-run", "-o", "yaml"]);
    expect(yaml.out).toContain("planned_target_num_replicas: 4");
  });

  it("exits 1 where an application cannot be built", async () => {
    const { code, out, err } = await run(["deploy", "app.yaml", "--dry-run"], BROKEN);
    expect(code).toBe(1);
    expect(out).toContain("    error: no module ./a.ts\n1 application that cannot be deployed\n");
    expect(err).toContain("windlass: application shop cannot be deployed: no module ./a.ts\n");
  });

  it("ends in one line when it is stopped while the server plans", async () => {
    const cwd = tempDir();
    writeFileSync(join(cwd, "app.yaml"), CONFIG);
    const stop = new AbortController();
    const api = await fakeApi({
      instance: {
        planConfig: () => {
          stop.abort();
          return new Promise(() => {});
        },
      },
    });
    const result = await runCli(["plan", "app.yaml"], {
      env: { WINDLASS_ADDRESS: api.address },
      cwd,
      stop: stop.signal,
    });
    expect(result).toEqual({ code: 1, out: "", err: "windlass: stopped before the server answered\n" });
  });

  it("says that nothing would change, and colours on terminals alone", () => {
    const document = { token: "", expire_time_s: null, revision: 1, warnings: [], applications: [] };
    expect(planText(document, true)).toBe("nothing would change\n");
    const painted = {
      ...document,
      applications: [
        {
          name: "a",
          action: "UPDATE",
          error: "",
          code_changed: false,
          canary: false,
          deployments: [
            {
              name: "D",
              action: "DELETE",
              changes: [],
              target_num_replicas: 1,
              planned_target_num_replicas: 0,
              peak_extra_replicas: 0,
              peak_missing_replicas: 0,
              notes: [],
            },
          ],
        },
      ],
    };
    expect(planText(painted, true)).toContain("\u001b[31m-\u001b[0m D");
    expect(planText(painted, false)).not.toContain("\u001b");
  });
});

describe("--fail-on", () => {
  it.each([
    ["restart", "shop/Cart would restart, which --fail-on refuses"],
    ["delete", "shop/Gone, application old would be deleted, which --fail-on refuses"],
    ["delete,restart", "shop/Cart would restart and shop/Gone, application old would be deleted, which"],
  ])("%s: nothing is deployed, and one line says why", async (what, line) => {
    const { code, out, err, applied } = await run(["deploy", "app.yaml", "--fail-on", what]);
    expect({ code, out, applied }).toEqual({ code: 1, out: "", applied: [] });
    expect(err.split("\n").filter((each) => each.startsWith("windlass: "))).toEqual([expect.stringContaining(line)]);
  });

  it("may be given twice, prints the plan with --dry-run, and is checked for its words", async () => {
    const twice = await run(["deploy", "app.yaml", "--dry-run", "--fail-on", "restart", "--fail-on", "delete"]);
    expect([twice.code, twice.err.match(/would/g)?.length]).toEqual([1, 2]);
    expect(twice.out).toContain("application shop: update");
    const wrong = await run(["deploy", "app.yaml", "--fail-on", "scale"]);
    expect([wrong.code, wrong.applied.length]).toEqual([2, 0]);
    expect(wrong.err).toContain("restart, delete");
  });

  it("tells the notes of the plan that passed, which is not printed", async () => {
    const harmless = { ...PLAN.applications[0]!, deployments: [PLAN.applications[0]!.deployments[1]!] };
    const noted = { ...harmless.deployments[0]!, notes: ["a note\nof two lines"] };
    const passed = { ...PLAN, warnings: [], applications: [{ ...harmless, deployments: [noted] }] };
    const { code, err } = await run(["deploy", "app.yaml", "--fail-on", "restart"], passed);
    expect([code, err]).toEqual([0, "warning: shop/Search: a note of two lines\n"]);
  });

  it("deploys by the token of the plan that passed", async () => {
    const { code, out, applied } = await run(["deploy", "app.yaml", "--fail-on", "restart,delete"], HARMLESS);
    expect({ code, out: out.split("\n")[0] }).toEqual({ code: 0, out: "app.yaml: accepted at revision 9" });
    expect(applied.map(({ planToken, config }) => [planToken, config])).toEqual([["plan-abc", undefined]]);
  });
});

describe("windlass plan", () => {
  it("prints the plan and how to apply it", async () => {
    const { code, out, err } = await run(["plan", "app.yaml"]);
    expect(code).toBe(0);
    expect(out).toContain("1 to restart");
    expect(err).toContain("`windlass deploy --plan plan-abc` does exactly this");
  });

  it("keeps it in a file that deploy takes", async () => {
    const kept = await run(["plan", "app.yaml", "--out", "kept.json"]);
    expect(kept.err).toContain("`windlass deploy --plan kept.json`");
    expect(JSON.parse(readFileSync(join(kept.cwd, "kept.json"), "utf8"))).toMatchObject({ token: "plan-abc" });
    const unwritable = await run(["plan", "app.yaml", "--out", "no/such/folder"]);
    expect([unwritable.code, unwritable.err]).toEqual([1, expect.stringContaining("give another file with --out")]);
  });

  it("keeps nothing that --fail-on refuses", async () => {
    const { code, err } = await run(["plan", "app.yaml", "--out", "kept.json", "--fail-on", "delete"]);
    expect([code, err.includes("kept in")]).toEqual([1, false]);
  });
});

describe("windlass deploy --plan", () => {
  it.each([
    ["a file", "plan.json"],
    ["a token", "plan-abc"],
  ])("applies %s", async (_name, given) => {
    const { code, out, applied } = await run(["deploy", "--plan", given]);
    expect({ code, out: out.split("\n")[0] }).toEqual({ code: 0, out: `${given}: accepted at revision 9` });
    expect(applied.map(({ planToken }) => planToken)).toEqual(["plan-abc"]);
  });

  it("tells in one line why the plan is stale", async () => {
    const { code, err } = await run(["deploy", "--plan", "plan-abc"], PLAN, {
      applyConfig() {
        throw apiError(Code.Aborted, 'the plan is out of date: application "a" has changed; plan again', "STALE_PLAN");
      },
    });
    expect([code, err]).toEqual([1, 'windlass: the plan is out of date: application "a" has changed; plan again\n']);
  });

  it.each([
    [["--plan", "nope"], 1, "is no file and no token of a plan"],
    [["--plan", "app.yaml"], 1, "app.yaml holds no plan"],
    [[], 2, "give CONFIG_OR_IMPORT_PATH, a config file or an import path, or --plan"],
    [["app.yaml", "--plan", "plan-abc"], 2, "a plan has its config"],
    [["--plan", "plan-abc", "--dry-run"], 2, "a plan says already what it does"],
    [["app.yaml", "-o", "json"], 2, "-o is for the plan that --dry-run prints"],
    [["app.yaml", "--dry-run", "--wait"], 2, "--dry-run changes nothing to wait for"],
  ])("deploy %j exits %i", async (argv, exit, message) => {
    const { code, err, applied } = await run(["deploy", ...argv]);
    expect([code, applied.length]).toEqual([exit, 0]);
    expect(err).toMatch(/^windlass: [^\n]+\n$/);
    expect(err).toContain(message);
  });
});
