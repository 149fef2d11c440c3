/** docs/external-scaling-webhook.md: its shape, and that everything on it runs as printed. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { replicasAt, scale } from "../../examples/external-scaling/predictive.ts";
import { SCALE_SCHEMA } from "../../src/config/parse.ts";
import { EXTERNAL_SCALER_CONFLICT } from "../../src/config/schema-deploy.ts";
import { ECHO, ECHO_CONFIG, writeApp } from "../support/apps.ts";
import { api, application, clientEnv, ROOT, runWindlass, startWindlass, waitForStatus } from "../support/windlass.ts";

const run = promisify(execFile);
const page = readFileSync(join(ROOT, "docs/external-scaling-webhook.md"), "utf8");
const blocks = [...page.matchAll(/```(\w+)\n([\s\S]*?)```/g)].map(([, kind, text]) => ({ kind: kind!, text: text! }));
const blockOf = (kind: string): string => blocks.find((block) => block.kind === kind)!.text;
const prose = page.replace(/```[\s\S]*?```/g, "").replace(/\s+/g, " ");
const example = (path: string): string => readFileSync(join(ROOT, "examples", path), "utf8");

describe("the page", () => {
  it("has its headings in sentence case, and an introduction without one", () => {
    expect([...page.replace(/```[\s\S]*?```/g, "").matchAll(/^#+ .*$/gm)].map(([heading]) => heading)).toEqual([
      "# External scaling webhook",
      "## Enable the webhook",
      "## Call the webhook",
      "### Path parameters",
      "### Headers",
      "### Request body",
      "### Answers",
      "## Owners, leases and fences",
      "## Example: Predictive scaling",
      "## Use cases",
    ]);
    expect(page).toMatch(/^# External scaling webhook\n\n> \*\*Alpha\.\*\* .+\n\n[A-Z][^#]+\n\n## /);
  });

  it("shows the example files as they are, with the line that opens the webhook marked", () => {
    expect(blockOf("yaml")).toBe(example("external-scaling.yaml"));
    expect(blockOf("ts")).toBe(example("external-scaling/predictive.ts"));
    expect(blockOf("yaml").match(/^.*<--.*$/gm)).toEqual(["    external_scaler_enabled: true # <-- opens the webhook"]);
  });

  it("tells what excludes what in the sentence that the check says", () => {
    expect(prose.replaceAll("`", "")).toContain(`${EXTERNAL_SCALER_CONFLICT}.`);
  });

  it("has one curl, the keys that are read, a paragraph of use cases, and the present tense", () => {
    expect(page.match(/^curl /gm)).toHaveLength(1);
    const keys = page
      .split("### Request body")[1]!
      .split("###")[0]!
      .match(/(?<=^\| `)\w+/gm);
    expect(keys).toEqual(Object.keys(SCALE_SCHEMA.shape));
    expect(page.split("## Use cases\n\n")[1]).toMatch(/^\S[^#|-]*(\n\S[^#|]*)*\n$/);
    expect(page.split("## Use cases\n\n")[1]).not.toContain("\n\n");
    expect(prose).not.toMatch(/\b(will|shall|would be able)\b/);
  });
});

it("the curl and the example do on a running Windlass what the page says", async () => {
  const windlass = await startWindlass([join(ROOT, "examples/external-scaling.yaml")]);
  await waitForStatus(windlass, "my-app", "RUNNING");
  const target = async () => (await application(windlass, "my-app"))?.deployments["my-deployment"]?.target_num_replicas;
  const token = await runWindlass(["token", "my-app"], clientEnv(windlass));
  const TOKEN = token.stdout.trim();
  const [assignment = "", ...curl] = blockOf("sh").split("\n");
  expect(assignment).toBe("TOKEN=$(windlass token my-app)");
  for (const base of [windlass.control, windlass.http]) {
    const line = curl.join("\n").replace("http://127.0.0.1:8265", base).replace("curl", "curl -sS");
    const { stdout } = await run("bash", ["-c", line], { env: { ...process.env, TOKEN } });
    const answer = JSON.parse(stdout) as Record<string, unknown>;
    expect(Object.keys(answer)).toEqual(Object.keys(JSON.parse(blockOf("json")) as object));
    expect(answer).toMatchObject({ application: "my-app", deployment: "my-deployment", target_num_replicas: 5 });
    expect(await target()).toBe(5);
  }

  const before = replicasAt(new Date().getHours());
  const file = join(ROOT, "examples/external-scaling/predictive.ts");
  await run(process.execPath, [file], { env: { ...process.env, TOKEN, WINDLASS_ADDRESS: windlass.control } });
  expect([before, replicasAt(new Date().getHours())]).toContain(await target());
  // It holds the lease now.
  const other = await api(windlass, "/api/v1/applications/my-app/deployments/my-deployment/scale", {
    body: { target_num_replicas: 1 },
  });
  expect([other.status, other.json]).toMatchObject([409, { owner: "predictive", fence: null }]);
  await expect(scale(windlass.control, "wrong", 1)).rejects.toThrow(/^scaling failed with 401: /);
}, 60_000);

it("windlass scale sets a target by hand where the webhook is closed", async () => {
  const closed = ECHO_CONFIG(1).replace(/^ *external_scaler_enabled.*\n/m, "");
  expect(closed).not.toContain("external_scaler_enabled");
  const windlass = await startWindlass([writeApp(ECHO, closed)]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const scaled = await runWindlass(["scale", "echo", "Echo", "2", "--wait", "--timeout", "20"], clientEnv(windlass));
  expect([scaled.code, scaled.stdout]).toEqual([0, "echo/Echo: target 1 -> 2\necho/Echo: 2 running\n"]);
  const path = "/api/v1/applications/echo/deployments/Echo/scale";
  expect((await api(windlass, path, { body: { target_num_replicas: 1 } })).status).toBe(412);
}, 60_000);

it("the example gives up on a server that does not answer", async () => {
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  onTestFinished(() => void silent.close());
  await once(silent, "listening");
  const { port } = silent.address() as { port: number };
  await expect(scale(`http://127.0.0.1:${port}`, "t", 1, 100)).rejects.toMatchObject({ name: "TimeoutError" });
});
