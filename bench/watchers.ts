// node bench/watchers.ts [--seconds S] [--only spread|one] [--watchers N] [--by grpc|connect|sse]
// Prints what the bench's section `watchers` measures, with all figures. docs/bench.md says how to read it.
import { parseArgs } from "node:util";
import { cleanUp } from "./lib/children.ts";
import { runWatchers, type Scenario } from "./lib/watchers.ts";
import { SCENARIOS } from "./sections/watchers.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    only: { type: "string" },
    watchers: { type: "string", default: "1000" },
    by: { type: "string" },
  },
});
const watchers = Number(values.watchers);
const common = {
  watchers,
  seconds: Number(values.seconds),
  ...(values.by === undefined ? {} : { by: values.by as NonNullable<Scenario["by"]> }),
};
const share = watchers / SCENARIOS.spread.watchers;

process.on("exit", cleanUp);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (values.only !== undefined && values.only !== name) continue;
  const { slow, stuck } = scenario;
  const sized = { ...scenario, ...common, slow: Math.round(slow * share), stuck: Math.round(stuck * share) };
  const result = await runWatchers(sized, (text) => process.stderr.write(`${name}: ${text}\n`));
  process.stdout.write(`${name} ${JSON.stringify(result, null, 1)}\n`);
}
process.exit(0);
