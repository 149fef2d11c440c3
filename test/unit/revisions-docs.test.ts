import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { Revision_CauseSchema, Revision_StateSchema } from "../../gen/windlass/v1/revision_pb.ts";
import { validateDeployConfig } from "../../src/config/check.ts";
import { readConfigDocument } from "../../src/config/document.ts";
import { REVISION_HISTORY_LIMIT } from "../../src/controller/revisions.ts";

const PAGE = readFileSync(join(resolve(import.meta.dirname, "../.."), "docs/revisions.md"), "utf8");

/** First cells of the tables' rows that are one word of code. */
const words = [...PAGE.matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]);

it("docs/revisions.md has a row for each cause and each state, and no other", () => {
  const named = [Revision_CauseSchema, Revision_StateSchema].flatMap(({ sharedPrefix, values }) =>
    values.map(({ name }) => name.slice(sharedPrefix?.length ?? 0)).filter((word) => word !== "UNSPECIFIED"),
  );
  expect(words).toEqual(named);
});

it("docs/revisions.md tells how many are kept", () => {
  expect(PAGE).toContain(`The last ${REVISION_HISTORY_LIMIT} are kept`);
});

it("the config of docs/revisions.md is taken without a warning", () => {
  const text = /```yaml\n([\s\S]*?)```/.exec(PAGE)![1]!;
  const document = readConfigDocument(text, "revisions.md");
  expect(document.ok).toBe(true);
  const checked = validateDeployConfig(document.ok ? document.data : undefined);
  expect(checked).toMatchObject({ ok: true, warnings: [] });
});
