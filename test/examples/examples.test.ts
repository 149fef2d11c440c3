import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import {
  api,
  application,
  eventually,
  processesOf,
  ROOT,
  runningPids,
  startWindlass,
  waitForStatus,
} from "../support/windlass.ts";

const EXAMPLES = join(ROOT, "examples");

/** What each example's printed `curl` line must answer, and which deployment its webhook scales ("": none). */
const ANSWERS: Record<string, { deployment: string; answer: object }> = {
  "quickstart.yaml": {
    deployment: "Analyzer",
    answer: { sentences: 3, dates: ["3 March 2024"], amounts: ["$48,500"] },
  },
  "two-deployments.yaml": { deployment: "", answer: { greeting: "Hello, Ada!", letters: ["A", "d", "a"] } },
  "command-python.yaml": { deployment: "Greeter", answer: { text: "hello Ada" } },
  "command-go.yaml": { deployment: "Counter", answer: { name: "Ada", count: 1 } },
};

it("every example is tested here", () => {
  expect(
    readdirSync(EXAMPLES)
      .filter((name) => name.endsWith(".yaml"))
      .sort(),
  ).toEqual(Object.keys(ANSWERS).sort());
});

describe.each(Object.entries(ANSWERS))("%s", (file, expected) => {
  it("deploys, and its printed line works as pasted; scales by webhook; stops", async () => {
    const windlass = await startWindlass([join(EXAMPLES, file)]);
    const text = readFileSync(join(EXAMPLES, file), "utf8");
    const name = /- name: (\S+)/.exec(text)![1]!;
    await waitForStatus(windlass, name, "RUNNING", 150_000);
    const line = await eventually(() => /^curl .*$/m.exec(windlass.output().stdout)?.[0]);
    const { stdout } = await promisify(execFile)("bash", ["-c", line.replace("curl ", "curl -sf ")]);
    expect(JSON.parse(stdout)).toMatchObject(expected.answer);
    if (expected.deployment !== "") {
      const scale = await api(windlass, `/api/v1/applications/${name}/deployments/${expected.deployment}/scale`, {
        body: { target_num_replicas: 2 },
      });
      expect(scale.status).toBe(200);
      await eventually(
        async () => (await runningPids(windlass, name, expected.deployment)).length === 2,
        undefined,
        60_000,
      );
      expect((await application(windlass, name))?.status).toBe("RUNNING");
    }
    expect(await windlass.stop()).toBe(0);
    expect(processesOf(windlass.stateDir)).toEqual([]);
  });
});
