import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as sdk from "../../src/sdk/index.ts";
import { blocksOf, runLines, writeFiles } from "../support/page.ts";
import { tempDir } from "../support/temp-dir.ts";
import { application, ROOT, startWindlass } from "../support/windlass.ts";

const PAGE = "docs/migrating-from-ray-serve.md";
const blocks = blocksOf(PAGE);
const steps = blocks.filter(({ heading }) => heading === "Step by step");

describe(PAGE, () => {
  it("has steps that work as they are written", async () => {
    const dir = tempDir();
    writeFiles(steps, dir);
    const [start, ...rest] = steps.filter(({ language }) => language === "sh").map(({ text }) => text.trim());
    expect(start).toBe("windlass start --control-port 8265,52365");
    const windlass = await startWindlass(["--app-dir", dir, "--control-port", "0,0"]);
    const ready = /^windlass ready (.*)$/m.exec(windlass.output().stdout)![1]!;
    const [, second] = (JSON.parse(ready) as { control_ports: number[] }).control_ports;
    const run = (lines: string[]) =>
      runLines(lines, {
        cwd: dir,
        env: { WINDLASS_ADDRESS: windlass.control, WINDLASS_STATE_DIR: windlass.stateDir },
        replaced: {
          "http://127.0.0.1:8265": windlass.control,
          "http://127.0.0.1:52365": `http://127.0.0.1:${second}`,
          "http://127.0.0.1:8000": windlass.http,
        },
      });
    const lines = rest.join("\n").split("\n");
    expect(lines.length).toBeGreaterThan(10);
    const last = lines.indexOf("windlass shutdown -y");
    await run(lines.slice(0, last));
    // The fixed number that was scaled to, and both applications of the second config.
    expect((await application(windlass, "greeter"))?.deployments["Greeter"]?.target_num_replicas).toBe(3);
    expect((await application(windlass, "model"))?.status).toBe("RUNNING");
    const [said] = await run(lines.slice(last));
    expect(said).toContain("shut down");
  });

  it("names only what the SDK exports", () => {
    const table = [...readFileSync(join(ROOT, PAGE), "utf8").matchAll(/^\| `?[^|]*\| (`[^|]*)\|$/gm)].map(
      ([, right]) => right!,
    );
    const called = table.flatMap((cell) => cell.match(/\b(?:deployment|ingress|get[A-Z]\w+|[A-Z]\w+Error)\b/g) ?? []);
    expect(new Set(called).size).toBeGreaterThanOrEqual(9);
    expect(called.filter((name) => !(name in sdk))).toEqual([]);
  });

  it("links to pages that exist", () => {
    const links = [...readFileSync(join(ROOT, PAGE), "utf8").matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, to]) => to!);
    expect(links.length).toBeGreaterThan(5);
    for (const link of links) expect(readFileSync(join(ROOT, "docs", link), "utf8")).toMatch(/^# /);
  });
});
