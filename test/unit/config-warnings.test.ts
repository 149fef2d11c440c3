import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Application_State } from "../../gen/windlass/v1/application_pb.ts";
import { applicationView } from "../../src/api/views.ts";
import { ignoredCounts } from "../../src/config/effective.ts";
import type { DeploymentOverride } from "../../src/config/types.ts";
import type { ApplicationRecord } from "../../src/controller/records.ts";
import { fakeApi } from "../support/fake-api.ts";
import { applicationRecord } from "../support/fake-controller.ts";
import { runCli } from "../support/run-cli.ts";
import { tempDir } from "../support/temp-dir.ts";

const IGNORED =
  'deployments["D"].num_replicas: 3 is ignored because the code sets autoscaling; add autoscaling_config: null to make the count fixed';

describe("a fixed count that the code's autoscaling makes idle", () => {
  it.each<{ name: string; options: Record<string, unknown>; over: Partial<DeploymentOverride>; warns: boolean }>([
    { name: "beside autoscaling in code", options: { autoscaling_config: {} }, over: { num_replicas: 3 }, warns: true },
    { name: "beside auto in code", options: { num_replicas: "auto" }, over: { num_replicas: 3 }, warns: true },
    { name: "beside a fixed count in code", options: { num_replicas: 2 }, over: { num_replicas: 3 }, warns: false },
    {
      name: "beside auto in the config",
      options: { autoscaling_config: {} },
      over: { num_replicas: "auto" },
      warns: false,
    },
    {
      name: "with autoscaling switched off",
      options: { autoscaling_config: {} },
      over: { num_replicas: 3, autoscaling_config: null },
      warns: false,
    },
  ])("$name: warns $warns", ({ options, over, warns }) => {
    const deployments = [{ name: "D", ...over }];
    expect(ignoredCounts({ deployments }, [{ name: "D", options }])).toEqual(warns ? [IGNORED] : []);
  });

  it("stands with the application once it is built", () => {
    const record = {
      name: "a",
      source: "declarative",
      config: { import_path: "m:a", deployments: [{ name: "D", num_replicas: 3 }] },
      build: { kind: "done" },
      built: null,
      status: "RUNNING",
      message: "",
      routePrefix: null,
      generation: 1,
      observedGeneration: 1,
      lastDeployedAt: 0,
      createdAt: 0,
      updatedAt: 0,
    } as unknown as ApplicationRecord;
    const deployments = [{ name: "D", options: { num_replicas: "auto" }, outbound: [] }];
    const built = { ...record, built: { deployments, ingress: "D" } } as unknown as ApplicationRecord;
    expect(applicationView(record, true).warnings).toEqual([]);
    expect(applicationView(built, true).warnings).toEqual([IGNORED]);
  });

  it("stands beside settings of the code that work badly, until code or config change", () => {
    const deployments = [{ name: "D", options: { graceful_shutdown_timeout_s: 0 }, outbound: [] }];
    const plain = applicationRecord("a", { config: { import_path: "m:a" } });
    const record: ApplicationRecord = { ...plain, built: { ...plain.built!, deployments } };
    const config = { import_path: "m:a", deployments: [{ name: "D", graceful_shutdown_timeout_s: 10 }] };
    const mended = { ...record, config } as ApplicationRecord;
    const warning = expect.stringMatching(/^deployments\["D"\]\.graceful_shutdown_timeout_s: 0 kills replicas/);
    const told = [record, mended, record, mended].map((each) => applicationView(each, true).warnings);
    expect(told).toEqual([[warning], [], [warning], []]);
  });

  it("is told once by deploy --wait", async () => {
    const application = (revision: bigint, state: Application_State, warnings: string[]) =>
      ({
        revision,
        event: {
          case: "application",
          value: { name: "applications/a", state, generation: 1n, observedGeneration: 1n, warnings },
        },
      }) as const;
    const api = await fakeApi({
      instance: {
        applyConfig: () => ({ revision: 10n, warnings: [] }),
      },
      feed: [
        {
          end: "hold",
          send: [
            application(10n, Application_State.DEPLOYING, []),
            { revision: 10n, event: { case: "synced", value: true } },
            application(11n, Application_State.DEPLOYING, [IGNORED]),
            application(12n, Application_State.RUNNING, [IGNORED]),
          ],
        },
      ],
    });
    const cwd = tempDir();
    writeFileSync(join(cwd, "app.yaml"), "applications:\n  - name: a\n    import_path: ./a.ts:app\n");
    const { code, err } = await runCli(["deploy", "app.yaml", "--wait"], {
      env: { WINDLASS_ADDRESS: api.address },
      cwd,
    });
    expect(code).toBe(0);
    expect(err.split("\n").filter((line) => line.startsWith("warning: "))).toEqual([`warning: a: ${IGNORED}`]);
  });
});
