import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { validateDeployConfig } from "../../src/config/check.ts";
import { DEFAULT_COLD_START_TIMEOUT_S } from "../../src/config/defaults.ts";
import { REPLAY_LIMIT_BYTES } from "../../src/proxy/body.ts";
import { NO_TABLE, refusalOf } from "../../src/routing/cold-start.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const PAGE = read("docs/autoscaling.md");
const block = (language: string): string => new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "ms").exec(PAGE)![1]!;

describe("docs/autoscaling.md", () => {
  it("shows a config that is taken without a warning", () => {
    expect(validateDeployConfig(parse(block("yaml")))).toMatchObject({ ok: true, warnings: [] });
  });

  it("shows the answer to a request that waited too long, as it is", () => {
    const coldStart = { timeoutS: 60, reason: "its replicas are starting", retryAfterS: 8 };
    const refusal = refusalOf(coldStart, { application: "shop", deployment: "Search" });
    expect(refusal).toMatchObject({ message: block("text").trim() });
  });

  it("names every reason that the code gives", () => {
    const source = read("src/controller/cold-start.ts") + read("src/routing/cold-start.ts");
    const reasons = [...source.matchAll(/"((?:its replicas|its autoscaler has|no routing table|those that)[^"]*)"/g)];
    expect(reasons.length).toBeGreaterThan(5);
    const listed = [...PAGE.matchAll(/^\| (its |no |those )[^|]*/gm)].map(([row]) => row.slice(2).trim());
    expect(listed).toEqual(expect.arrayContaining(reasons.map(([, reason]) => reason)));
  });

  it("names the limits in force", () => {
    expect(PAGE).toContain(`| \`cold_start_timeout_s\` (${DEFAULT_COLD_START_TIMEOUT_S}) |`);
    expect(PAGE).toContain(`the limit is ${NO_TABLE.timeoutS} s then`);
    expect(PAGE).toContain(`at most ${REPLAY_LIMIT_BYTES / 1024} KiB`);
  });

  it("links to pages and headings that exist", () => {
    for (const [link, path, anchor] of PAGE.matchAll(/\]\(([^)#]+)(?:#([\w-]+))?\)/g)) {
      expect({ link, exists: existsSync(join(ROOT, "docs", path!)) }).toEqual({ link, exists: true });
      const headings = [...read(`docs/${path}`).matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
        text!.toLowerCase().replaceAll(" ", "-").replaceAll("`", ""),
      );
      if (anchor !== undefined) expect(headings).toContain(anchor);
    }
  });
});
