import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { REFERENCE_METRICS } from "../support/reference-metrics.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/metrics.md"), "utf8");
const rows = new Map(
  [...page.matchAll(/^\| `(\w+)` \| (\w+) \| (.*?) ?\| .+ \|$/gm)].map(([, name, type, labels]) => [
    name!,
    { type: type!, labels: [...labels!.matchAll(/`(\w+)`/g)].map(([, label]) => label!) },
  ]),
);
const reasons = new Map(
  [...page.slice(page.indexOf("These are left out")).matchAll(/^\| (`.+`) \| (.+) \|$/gm)].flatMap(
    ([, names, reason]) => [...names!.matchAll(/`(\w+)`/g)].map(([, name]) => [name!, reason!] as const),
  ),
);
/** Those of gRPC calls stand in a sentence, as they are those of HTTP. */
const told = REFERENCE_METRICS.filter(({ absent, name }) => absent === undefined && !/_grpc_/.test(name));

describe("the metrics of the reference", () => {
  it("are 84, each once", () => {
    expect(REFERENCE_METRICS).toHaveLength(84);
    expect(new Set(REFERENCE_METRICS.map(({ name }) => name)).size).toBe(84);
  });

  it.each(told)("$name is shown with its type and labels", ({ name, type, labels, differs }) => {
    const row = rows.get(name);
    expect(row?.type).toBe(differs?.type ?? type);
    expect([...row!.labels].filter((label) => label !== "proxy" || differs !== undefined).sort()).toEqual(
      [...(differs?.labels ?? labels)].sort(),
    );
  });

  it.each(REFERENCE_METRICS.filter(({ absent, name }) => absent === undefined && /_grpc_/.test(name)))(
    "$name is named",
    ({ name }) => expect(page).toContain(`\`${name}\``),
  );

  it("are left out with a reason, and no others are", () => {
    const absent = REFERENCE_METRICS.flatMap(({ name, absent: why }) => (why === undefined ? [] : [[name, why]]));
    expect(Object.fromEntries(reasons)).toEqual(Object.fromEntries(absent));
  });
});
