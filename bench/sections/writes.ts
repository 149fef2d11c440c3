import type { Section } from "../lib/context.ts";
import { failed, GENERATOR_LIMIT, type LoadResult, runLoad } from "../lib/load.ts";
import { duration, median, perSecond } from "../lib/stats.ts";
import type { Row } from "../lib/table.ts";
import { firstAnswer, scaleRequest, startWindlass } from "../lib/windlass.ts";

/** Webhook calls to the control port: each is a write of its own, on disk before its 200. */
export const writes: Section = async (context) => {
  const windlass = await startWindlass();
  await firstAnswer(windlass.http, 0);
  const rows: Row[] = [];
  for (const connections of [1, 32]) {
    const results: LoadResult[] = [];
    for (let round = 1; round <= context.rounds; round++) {
      context.progress(`webhook writes, round ${round} of ${context.rounds}: ${connections} clients`);
      // The same target again is a write like any other, and starts no replicas that would be measured, too.
      const load = { ...scaleRequest(windlass, 1), connections, warmUpSeconds: 0.5, seconds: context.seconds };
      results.push(await runLoad(load));
    }
    const rate = median(results.map((result) => result.perSecond));
    const count = results.reduce((sum, result) => sum + failed(result), 0);
    const p50 = median(results.map((result) => result.p50Ms));
    const p99 = median(results.map((result) => result.p99Ms));
    const limited = results.some((result) => result.cpuShare >= GENERATOR_LIMIT);
    rows.push({
      what: `acknowledged webhook writes, ${connections} client${connections === 1 ? "" : "s"}`,
      windlass:
        `${perSecond(rate)}, p50 / p99 ${duration(p50)} / ${duration(p99)}` +
        (count === 0 ? "" : ` (**${count} failed**)`) +
        (limited ? " (the generator limits)" : ""),
      ...(connections > 1 && { budgets: [{ text: "≥ 2,000/s", met: rate >= 2_000 && count === 0 }] }),
    });
  }
  await windlass.stop();
  return rows;
};
