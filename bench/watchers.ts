// node bench/watchers.ts [--seconds S] [--only spread|one] [--watchers N] [--by grpc|connect|sse]
// Prints what the bench's section `watchers` measures, with all figures. docs/bench.md says how to read it.
import { parseArgs } from "node:util";
import { cleanUp } from "./lib/children.ts";
import { runWatchers, type Scenario } from "./lib/watchers.ts";

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
const share = Math.round(watchers / 20);
const scenarios: Readonly<Record<string, Scenario>> = {
  spread: { ...common, slow: share, stuck: share, spreadOver: 100, writesPerSecond: 200 },
  one: { ...common, slow: 0, stuck: 0, spreadOver: 0, writesPerSecond: 2 },
};

process.on("exit", cleanUp);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
for (const [name, scenario] of Object.entries(scenarios)) {
  if (values.only !== undefined && values.only !== name) continue;
  const result = await runWatchers(scenario, (text) => process.stderr.write(`${name}: ${text}\n`));
  process.stdout.write(`${name} ${JSON.stringify(result, null, 1)}\n`);
}
process.exit(0);
