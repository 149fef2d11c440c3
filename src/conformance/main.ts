/** `npm run conformance -- --vectors DIR`: runs recorded cases against the functions the product itself runs. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { errorText } from "../core/errors.ts";
import { runVectorFile } from "./run.ts";

function main(): number {
  let folder: string;
  let names: string[];
  try {
    const { values } = parseArgs({ options: { vectors: { type: "string", default: "test/conformance/vectors" } } });
    folder = values.vectors;
    names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch (error) {
    console.error(`conformance: ${errorText(error)}; usage: npm run conformance -- --vectors DIR`);
    return 2;
  }
  let passed = 0;
  let failed = 0;
  for (const name of names.sort()) {
    const report = runVectorFile(name, readFileSync(join(folder, name), "utf8"));
    if (!report) {
      console.log(`${name}: not covered yet`);
      continue;
    }
    for (const line of report.lines) console.log(line);
    passed += report.passed;
    failed += report.failed;
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

process.exitCode = main();
