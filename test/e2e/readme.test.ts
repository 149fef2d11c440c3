import { expect, it } from "vitest";
import { blocksOf, runLines, writeFiles } from "../support/page.ts";
import { tempDir } from "../support/temp-dir.ts";
import { api, application, startWindlass } from "../support/windlass.ts";

/** These run until they are stopped; the quick start's lines are tested with the examples. */
const ENDLESS = /^(npm |npx windlass (run|start)\b)/;

it("README.md: a service of one's own is deployed, asked, scaled, and outlives the controller, by the lines it shows", async () => {
  const dir = tempDir();
  const blocks = blocksOf("README.md").filter(({ heading }) => heading !== "Quick start");
  writeFiles(blocks, dir);
  const windlass = await startWindlass([]);
  const lines = blocks
    .filter(({ language, heading }) => language === "sh" && heading !== "Development")
    .flatMap(({ text }) =>
      text
        .replace(/ \\\n\s*/g, " ")
        .trim()
        .split("\n"),
    )
    .filter((line) => !ENDLESS.test(line));
  // The page's first request is answered by what `run` has deployed.
  const [curl, deploy, ...rest] = lines;
  expect([curl, deploy]).toEqual(["curl 'http://127.0.0.1:8000/?name=Ada'", "npx windlass deploy hello.yaml --wait"]);
  const outputs = await runLines([deploy!, curl!, ...rest], {
    cwd: dir,
    env: { WINDLASS_ADDRESS: windlass.control, WINDLASS_STATE_DIR: windlass.stateDir },
    replaced: {
      "http://127.0.0.1:8000": windlass.http,
      CONTROLLER_PID: String(windlass.pids.controller),
    },
  });
  const [, hello, scaled, killed, after] = outputs;
  expect(JSON.parse(hello!)).toEqual({ hello: "Ada" });
  expect(JSON.parse(scaled!)).toMatchObject({ previous_target_num_replicas: 2, target_num_replicas: 3 });
  expect([killed, JSON.parse(after!)]).toEqual(["", { hello: "Ada" }]);
  // The next controller has its replicas and what was wanted of them.
  const pid = (): Promise<number> =>
    api(windlass, "/-/readyz").then(
      ({ json }) => (json as { pid: number }).pid,
      () => windlass.pids.controller,
    );
  await expect.poll(pid, { timeout: 20_000 }).not.toBe(windlass.pids.controller);
  await expect
    .poll(() => application(windlass, "hello"), { timeout: 20_000 })
    .toMatchObject({ status: "RUNNING", deployments: { Hello: { target_num_replicas: 3 } } });
});
