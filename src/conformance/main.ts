/** `npm run conformance -- --vectors DIR`: runs recorded cases against the functions the product itself runs. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Clock } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import { CLI_FILE, runCliFile } from "./cli/run.ts";
import { REST_FILE, runRestFile } from "./rest/run.ts";
import { runVectorFile } from "./run.ts";

/** The files that need a running Windlass. */
const LIVE: Readonly<Record<string, typeof runCliFile>> = { [REST_FILE]: runRestFile, [CLI_FILE]: runCliFile };

/** Runs every vector file of a folder; resolves with the exit code. */
export async function main(args: string[], clock: Clock): Promise<number> {
  let folder: string;
  let fixtures: string;
  let names: string[];
  try {
    const { values } = parseArgs({
      args,
      options: {
        vectors: { type: "string", default: "test/conformance/vectors" },
        fixtures: { type: "string", default: "test/conformance/fixtures" },
      },
    });
    ({ vectors: folder, fixtures } = values);
    names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch (error) {
    console.error(`conformance: ${errorText(error)}; usage: npm run conformance -- --vectors DIR`);
    return 2;
  }
  let passed = 0;
  let failed = 0;
  const print = (lines: readonly string[]): void => {
    for (const line of lines) console.log(line);
  };
  for (const name of names.sort()) {
    const text = readFileSync(join(folder, name), "utf8");
    const live = LIVE[name];
    // Scenarios take minutes, so each is printed as it ends.
    const report = live ? await live(text, { clock, fixtures, onLines: print }) : runVectorFile(name, text);
    if (!report) {
      console.log(`${name}: not covered yet`);
      continue;
    }
    print(live ? report.lines.slice(-1) : report.lines);
    passed += report.passed;
    failed += report.failed;
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}
