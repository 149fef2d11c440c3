import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { Canary_PhaseSchema } from "../../gen/windlass/v1/revision_pb.ts";
import { validateDeployConfig } from "../../src/config/check.ts";
import { ANALYSIS_DEFAULTS } from "../../src/config/defaults.ts";
import { readConfigDocument } from "../../src/config/document.ts";
import { CHANCE, LATENCY_FLOOR_MS } from "../../src/controller/canary-analysis.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const PAGE = readFileSync(join(ROOT, "docs/canary.md"), "utf8");
const EXAMPLE = readFileSync(join(ROOT, "examples/canary.yaml"), "utf8");

describe("docs/canary.md", () => {
  it("has a row for each phase, and no other", () => {
    const rows = [...PAGE.matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]);
    const { sharedPrefix, values } = Canary_PhaseSchema;
    const phases = values.map(({ name }) => name.slice(sharedPrefix?.length ?? 0));
    expect(rows).toEqual(phases.filter((phase) => phase !== "UNSPECIFIED"));
  });

  it("has the default of each field of the analysis, and no other", () => {
    const rows = [...PAGE.matchAll(/^\| `([a-z_]+)` \| `([^`]+)` \|/gm)];
    expect(Object.fromEntries(rows.map(([, field, value]) => [field, Number(value)]))).toEqual(ANALYSIS_DEFAULTS);
  });

  it("tells how much slower and how unlikely a breach must be", () => {
    expect(PAGE).toContain(`at least ${LATENCY_FLOOR_MS} ms longer`);
    expect(PAGE).toContain(`fewer than one look in ${(1 / CHANCE).toLocaleString("en")} would`);
  });

  it("shows the example as it is, which is taken without a warning", () => {
    const shown = /```yaml\n([\s\S]*?)```/.exec(PAGE)![1]!;
    expect(EXAMPLE.slice(EXAMPLE.indexOf("applications:"))).toBe(shown);
    const document = readConfigDocument(EXAMPLE, "canary.yaml");
    const checked = validateDeployConfig(document.ok ? document.data : undefined);
    expect(checked).toMatchObject({ ok: true, warnings: [] });
  });
});
