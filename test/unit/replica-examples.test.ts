import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { fakeController, send, startReady } from "../support/replica-process.ts";
import { tempDir } from "../support/temp-dir.ts";

const example = (name: string) => fileURLToPath(new URL(`../../examples/${name}/app.ts`, import.meta.url));

describe("examples", () => {
  it("quickstart analyses text", async () => {
    const running = await startReady({ file: example("quickstart"), deployment: "Analyzer" });
    const text = "I paid $25 on 3 March 2024. It was great!";
    const expected = {
      sentences: 2,
      tokens: 13,
      dates: ["3 March 2024"],
      amounts: ["$25"],
      replica: running.spec.replicaId,
    };
    const plain = await send(running, { method: "POST", body: text });
    expect(JSON.parse(String(plain.body))).toMatchObject({ ...expected, sentiment: expect.any(Number) });
    const headers = { "content-type": "application/json" };
    const json = await send(running, { method: "POST", headers, body: JSON.stringify({ text }) });
    expect(json.body.equals(plain.body)).toBe(true);
    const bad = await send(running, { method: "POST", headers, body: "{" });
    expect([bad.status, JSON.parse(String(bad.body))]).toEqual([
      400,
      { error: 'the body must be text or JSON {"text": "..."}' },
    ]);
    expect(String((await send(running)).body)).toMatch(/^POST text/);
  });

  it("two-deployments calls its back", async () => {
    const folder = tempDir();
    const file = example("two-deployments");
    const back = await startReady({ file, folder, deployment: "Greeter" });
    await fakeController(join(folder, "controller"), back);
    const front = await startReady({ file, folder, deployment: "Front" });
    const answer = await send(front, { path: "/hello?name=Ada" });
    expect(JSON.parse(String(answer.body))).toEqual({ greeting: "Hello, Ada!", letters: ["A", "d", "a"] });
  });
});
