import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { showBytes, ZIP_LIMITS } from "../../src/builder/limits.ts";

it("docs/working-dir.md names the limits in force", () => {
  const text = readFileSync(new URL("../../docs/working-dir.md", import.meta.url), "utf8");
  const { zipBytes, unpackedBytes, entries, downloadMs, silenceMs, redirects } = ZIP_LIMITS;
  expect(unpackedBytes).toBe(1024 ** 3);
  for (const row of [
    `| The zip | ${showBytes(zipBytes)} |`,
    "| Unpacked | 1 GiB |",
    `| Files and folders | ${entries.toLocaleString("en")} |`,
    `| Download | ${downloadMs / 1000} s in all, ${silenceMs / 1000} s without a byte |`,
    `| Redirects | ${redirects}, never from`,
  ]) {
    expect(text).toContain(row);
  }
});
