import type { Section } from "../lib/context.ts";
import { duration, megabytes, ratio } from "../lib/stats.ts";
import type { Row } from "../lib/table.ts";
import { runWatchers, type Scenario, type WatchersResult } from "../lib/watchers.ts";

const MANY = { watchers: 1_000 } as const;

/** What the design promises for 1,000 watchers. */
export const SCENARIOS: Readonly<Record<"spread" | "one", Omit<Scenario, "seconds">>> = {
  spread: { ...MANY, slow: 50, stuck: 50, spreadOver: 100, writesPerSecond: 200 },
  one: { ...MANY, slow: 0, stuck: 0, spreadOver: 0, writesPerSecond: 2 },
};

const NAMES: Readonly<Record<keyof typeof SCENARIOS, string>> = {
  spread: "1,000 watchers of 100 applications, 50 slow and 50 stuck, 200 writes/s",
  one: "1,000 watchers of everything, 2 writes/s",
};

/** The feed with many watchers, over gRPC, Connect and server-sent events. */
export const watchers: Section = async (context) => {
  const rows: Row[] = [];
  for (const [name, scenario] of Object.entries(SCENARIOS) as [keyof typeof SCENARIOS, Scenario][]) {
    const seconds = Math.max(10, context.seconds);
    const result = await runWatchers({ ...scenario, seconds }, (text) =>
      context.progress(`watchers, ${name}: ${text}`),
    );
    rows.push(...rowsOf(NAMES[name], result));
    const { told, cpu } = result;
    context.note(
      `Watchers, ${name}: the controller used ${cpu.alone.toFixed(2)} of a core without them and ${cpu.controller.toFixed(2)} with them, the readers ${cpu.watchers.toFixed(2)}; ` +
        `they looked ${duration(told.lagP99Ms)} late at p99. ${told.checked} histories checked.` +
        (told.violations === 0 ? "" : ` **${told.violations} violations**: ${told.examples.join("; ")}`),
    );
  }
  return rows;
};

function rowsOf(name: string, { told, alone, watched, rss }: WatchersResult): Row[] {
  const { acknowledged, sent } = told;
  const whole = told.violations === 0 && told.ended === 0 && watched.failed === 0;
  return [
    {
      what: `${name}: from a write's acknowledgement to the watcher, p50 / p99`,
      windlass: `${duration(acknowledged.p50Ms)} / ${duration(acknowledged.p99Ms)} (since it was sent: ${duration(sent.p50Ms)} / ${duration(sent.p99Ms)})`,
      budgets: [
        { text: "p99 < 50 ms", met: acknowledged.p99Ms < 50 },
        { text: "every stream whole", met: whole },
      ],
    },
    {
      what: "acknowledgement of a write beside them, p50 / p99",
      windlass:
        `${duration(watched.p50Ms)} / ${duration(watched.p99Ms)}, ` +
        `${ratio(watched.p50Ms / alone.p50Ms)} / ${ratio(watched.p99Ms / alone.p99Ms)} of that without watchers`,
    },
    {
      what: "the controller's memory: before them, with them, the most while it writes",
      windlass: [rss.before, rss.open, rss.most].map(megabytes).join(", "),
    },
  ];
}
