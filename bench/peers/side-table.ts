import { availableParallelism } from "node:os";
import { GENERATOR_LIMIT } from "../lib/load.ts";
import { duration, perSecond, ratio } from "../lib/stats.ts";
import { against, type Budget, line, verdict } from "../lib/table.ts";
import type { ContenderName } from "./contenders.ts";
import type { Figures, SideFigures, SideResults } from "./side.ts";
import { MAIN, ONE_CORE, WORKLOADS, type Workload } from "./workloads.ts";

const TITLES: Readonly<Record<ContenderName, string>> = {
  bare: "bare node:http",
  nginx: "nginx before it",
  windlass: "Windlass",
  haproxy: "Ray Serve 2.60.0 with HAProxy",
  ray: "Ray Serve 2.60.0",
};
const COLUMNS = Object.keys(TITLES) as ContenderName[];
const OTHERS = COLUMNS.filter((name) => name !== "windlass");

type Row = Readonly<Partial<Record<ContenderName, Figures>>>;

/** The comparison in Markdown: throughput, latency, and CPU time of whatever serves. */
export function sideTables({ figures, missing }: SideResults): string {
  const rows = WORKLOADS.flatMap((workload) => {
    const row = figures[workload.what];
    return row === undefined ? [] : [{ workload, row }];
  });
  const ratios = OTHERS.map((name) => `: ${TITLES[name]}`);
  const table = (head: readonly string[], lines: readonly string[]): string =>
    [line(head), line(head.map(() => "---")), ...lines].join("\n");
  const titles = COLUMNS.map((name) => TITLES[name]);
  const throughput = table(
    ["Throughput", ...titles, ...ratios, "Budget", "Verdict"],
    rows.map(({ workload, row }) => {
      const cells = COLUMNS.map((name) => row[name] && rate(workload, row[name]));
      const shares = OTHERS.map((name) => compared(row, name, (one) => one.perSecond));
      return withBudgets([workload.what, ...cells, ...shares], throughputBudgets(workload, row));
    }),
  );
  const latency = table(
    ["p50 / p99", ...titles, ...ratios, "Budget", "Verdict"],
    rows
      .filter(({ workload }) => workload.unit !== "events")
      .map(({ workload, row }) => {
        const cells = COLUMNS.map((name) => row[name] && `${ms(row[name].p50Ms)} / ${ms(row[name].p99Ms)}`);
        const shares = OTHERS.map(
          (name) =>
            `${compared(row, name, (one) => one.p50Ms) ?? "–"} / ${compared(row, name, (one) => one.p99Ms) ?? "–"}`,
        );
        return withBudgets([workload.what, ...cells, ...shares], latencyBudgets(workload, row));
      }),
  );
  const cpu = table(
    [
      "CPU time of the server, user + system; cores it used",
      ...titles,
      ...OTHERS.map((name) => `work per CPU-second : ${TITLES[name]}`),
    ],
    rows.map(({ workload, row }) => {
      const cells = COLUMNS.map((name) => row[name] && cpuCell(workload, row[name]));
      const shares = OTHERS.map((name) => compared(row, name, perCpuSecond));
      return line([workload.what, ...cells, ...shares]);
    }),
  );
  const notes = [
    ...COLUMNS.flatMap((name) => (missing[name] ? [`**${TITLES[name]} is missing**: ${missing[name]}`] : [])),
  ];
  notes.push(...limits(figures), ...failuresOf(figures), ...arithmetic(figures));
  const list = notes.map((note) => `- ${note}`).join("\n");
  return ["### Side by side", throughput, latency, cpu, list].join("\n\n");
}

function withBudgets(cells: readonly (string | undefined)[], budgets: readonly Budget[]): string {
  return line([...cells, budgets.map(({ text }) => text).join("; "), budgets.map(verdict).join("; ")]);
}

function throughputBudgets({ what }: Workload, row: Row): Budget[] {
  const ours = row.windlass?.perSecond;
  if (what !== MAIN || ours === undefined) return [];
  return [
    against(row.bare?.perSecond, "≥ 0.6 × bare", (bare) => ours >= 0.6 * bare),
    against(row.haproxy?.perSecond, "≥ 8 × Ray with HAProxy", (peer) => ours >= 8 * peer),
    against(row.ray?.perSecond, "≥ 100 × Ray's default", (peer) => ours >= 100 * peer),
  ];
}

function latencyBudgets({ what, load }: Workload, row: Row): Budget[] {
  const { p50Ms, p99Ms } = row.windlass ?? {};
  if (p50Ms == null || p99Ms == null) return [];
  if (load.kind === "http" && load.connections === 1) {
    return [against(row.bare?.p50Ms ?? undefined, "p50 + ≤ 100 µs", (bare) => p50Ms - bare <= 0.1)];
  }
  if (what !== MAIN) return [];
  const peers = [row.haproxy?.p99Ms, row.ray?.p99Ms].filter((peer) => peer != null);
  const best = peers.length === 0 ? undefined : Math.min(...peers);
  return [against(best, "p99 ≤ 1/5 of Ray's best", (peer) => p99Ms <= peer / 5)];
}

function compared(row: Row, name: ContenderName, of: (figures: Figures) => number | null): string | undefined {
  const [ours, other] = [row.windlass && of(row.windlass), row[name] && of(row[name])];
  return ours == null || other == null ? undefined : ratio(ours / other);
}

function cpuUs({ userUs, systemUs }: Figures): number | null {
  return userUs === null || systemUs === null ? null : userUs + systemUs;
}

function perCpuSecond(figures: Figures): number | null {
  const us = cpuUs(figures);
  return us === null ? null : 1 / us;
}

function cpuCell({ unit }: Workload, figures: Figures): string {
  const [user, system] = [figures.userUs, figures.systemUs].map((us) => (us === null ? "–" : duration(us / 1_000)));
  const each = unit === "MB up" || unit === "MB down" ? "a MB" : unit === "events" ? "an event" : "a request";
  return `${user} + ${system} ${each}; ${figures.cores.toFixed(2)}`;
}

function rate({ unit }: Workload, { perSecond: value, failures }: Figures): string {
  const bad = Object.values(failures).reduce((sum, count) => sum + count, 0);
  const text =
    unit === "MB up" || unit === "MB down" ? `${Math.round(value).toLocaleString("en-US")} MB/s` : perSecond(value);
  return bad === 0 ? text : `${text} (**${bad} failed**)`;
}

function ms(value: number | null): string {
  return value === null ? "–" : duration(value);
}

/** Where the generator, and not what it asks, may be what limits. */
function limits(figures: SideFigures): string[] {
  const all = Object.entries(figures).flatMap(([what, row]) =>
    COLUMNS.flatMap((name) =>
      row[name] !== undefined && row[name].generator >= GENERATOR_LIMIT
        ? [`${what}: ${TITLES[name]} (${Math.round(row[name].generator * 100)} % of a core)`]
        : [],
    ),
  );
  const main = figures[MAIN];
  const shares = COLUMNS.flatMap((name) =>
    main?.[name] ? [`${TITLES[name]} ${Math.round(main[name].generator * 100)} %`] : [],
  );
  return [
    `Load generator, share of a core at 32 connections: ${shares.join(", ")}.`,
    all.length === 0
      ? "Nowhere is it what limits, beyond the cores it shares with what it measures."
      : `**It limits** these, so their true figures are higher: ${all.join("; ")}.`,
  ];
}

function failuresOf(figures: SideFigures): string[] {
  return Object.entries(figures).flatMap(([what, row]) =>
    COLUMNS.flatMap((name) => {
      const causes = Object.entries(row[name]?.failures ?? {});
      return causes.length === 0
        ? []
        : [
            `**Failed**, ${what}, ${TITLES[name]}: ${causes.map(([cause, count]) => `${count} × ${cause}`).join(", ")}.`,
          ];
    }),
  );
}

/** What the CPU time of a request allows at most, beside what the budget asks for. */
function arithmetic(figures: SideFigures): string[] {
  const { bare, windlass } = figures[MAIN] ?? {};
  const [ours, theirs] = [windlass && cpuUs(windlass), bare && cpuUs(bare)];
  if (bare === undefined || windlass === undefined || ours == null || theirs == null) return [];
  const cores = availableParallelism();
  const generatorUs = (windlass.generator * 1e6) / windlass.perSecond;
  const bareGeneratorUs = (bare.generator * 1e6) / bare.perSecond;
  const wanted = 0.6 * bare.perSecond;
  const most = (cores * 1e6) / (ours + generatorUs);
  const share = figures[ONE_CORE]?.windlass && figures[ONE_CORE].bare;
  const us = (value: number): string => `${value.toFixed(1)} µs`;
  return [
    `Arithmetic of the main row on ${cores} cores: a request takes Windlass ${us(ours)} of CPU time and the generator ` +
      `${us(generatorUs)}, so ${cores} cores do at most ${perSecond(most)}; 0.6 × bare is ${perSecond(wanted)}, which leaves ` +
      `${us((cores * 1e6) / wanted)} for both. Bare node:http takes ${us(theirs)} and the generator ${us(bareGeneratorUs)} beside it.`,
    ...(share
      ? [
          `With one core for whatever serves, the generator on another, Windlass does ` +
            `${ratio(figures[ONE_CORE]!.windlass!.perSecond / share.perSecond)} of bare node:http; by work per CPU-second ` +
            `${ratio(theirs / ours)}. The budget speaks of neither.`,
        ]
      : []),
  ];
}
