import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { renderConfigDocs } from "../../src/config/docs.ts";

it("docs/config.md is what the schemas say; run node scripts/config-docs.mjs", () => {
  expect(readFileSync(new URL("../../docs/config.md", import.meta.url), "utf8")).toBe(renderConfigDocs());
});
