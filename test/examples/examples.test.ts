import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
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

/**
 * What each example's printed `curl` line must answer, which deployment its webhook scales ("": none), and what runs
 * beside it, as the example says.
 */
const ANSWERS: Record<string, { deployment: string; answer: object; first?: string }> = {
  "quickstart.yaml": {
    deployment: "Analyzer",
    answer: { sentences: 3, dates: ["3 March 2024"], amounts: ["$48,500"] },
  },
  "external-scaling.yaml": { deployment: "my-deployment", answer: { open: true } },
  "two-deployments.yaml": { deployment: "", answer: { greeting: "Hello, Ada!", letters: ["A", "d", "a"] } },
  "batching.yaml": {
    deployment: "",
    answer: [
      { score: 1, together: 2 },
      { score: -2, together: 2 },
    ],
  },
  "request-router.yaml": { deployment: "", answer: { notes: ["milk"] } },
  "multiplexing.yaml": { deployment: "", answer: { word: "fleuve" } },
  "grpc.yaml": { deployment: "", answer: { message: "Hello, Ada!" } },
  "hono.yaml": { deployment: "", answer: { fruit: "apple", cents: 30 } },
  "fastify.yaml": { deployment: "", answer: { fruit: "apple", cents: 30 } },
  "support-desk.yaml": {
    deployment: "",
    answer: { text: "My parcel is late and [e-mail] got no tracking link.", language: "en", topic: "delivery" },
  },
  "canary.yaml": { deployment: "", answer: { euros: 40, dollars: 50 } },
  "command-python.yaml": { deployment: "Greeter", answer: { text: "hello Ada" } },
  "scalers.yaml": { deployment: "Worker", answer: { accepted: 30 } },
  "text-ml.yaml": {
    deployment: "",
    answer: { summary: "le fleuve est lent." },
    first: "node examples/text-ml/serve-zip.mjs",
  },
  "command-go.yaml": { deployment: "Counter", answer: { name: "Ada", count: 1 } },
};

/** Starts a program that an example needs, and waits until it prints that it serves. */
async function runBeside(line: string, example: string): Promise<void> {
  expect(example).toContain(line);
  const [, ...args] = line.split(" ");
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill());
  const [printed] = (await once(child.stdout, "data")) as [Buffer];
  expect(String(printed)).toMatch(/^serving /);
}

it("every example is tested here", () => {
  expect(
    readdirSync(EXAMPLES)
      .filter((name) => name.endsWith(".yaml"))
      .sort(),
  ).toEqual(Object.keys(ANSWERS).sort());
});

describe.each(Object.entries(ANSWERS))("%s", (file, expected) => {
  it("deploys, and its printed line works as pasted; scales by webhook; stops", async () => {
    const text = readFileSync(join(EXAMPLES, file), "utf8");
    if (expected.first !== undefined) await runBeside(expected.first, text);
    const windlass = await startWindlass([join(EXAMPLES, file)]);
    const name = /- name: (\S+)/.exec(text)![1]!;
    await waitForStatus(windlass, name, "RUNNING", 150_000);
    const line = await eventually(() => /^curl .*$/m.exec(windlass.output().stdout)?.[0]);
    const { stdout } = await promisify(execFile)("bash", ["-c", line.replace("curl ", "curl -sf ")]);
    expect(JSON.parse(stdout)).toMatchObject(expected.answer);
    if (expected.deployment !== "") {
      await eventually(() => windlass.output().stdout.includes(`/deployments/${expected.deployment}/scale`));
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
