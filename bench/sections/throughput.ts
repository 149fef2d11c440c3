import { startBare } from "../lib/bare.ts";
import { stop } from "../lib/children.ts";
import type { Section } from "../lib/context.ts";
import { failed, GENERATOR_LIMIT, type LoadResult, runLoad, runWrk, type Target } from "../lib/load.ts";
import { duration, median, perSecond, ratio } from "../lib/stats.ts";
import { against, type Budget, type Row } from "../lib/table.ts";
import { firstAnswer, lastWords, processesOf, startWindlass, targetOf } from "../lib/windlass.ts";

const MANY = 32;

/** One way to the no-op handler. */
interface Way {
  readonly name: string;
  readonly target: Target;
  readonly url?: string;
  /** What it is compared with, over the same kind of socket. */
  readonly beside?: Way;
  readonly headers?: Record<string, string>;
}

/** The middle of several runs, figure by figure. */
type Middle = Pick<LoadResult, "perSecond" | "p50Ms" | "p99Ms" | "cpuShare"> & { readonly failed: number };

/** No-op requests: bare node:http, through the proxy with 1 and 2 workers, and at the replica's own socket. */
export const throughput: Section = async (context) => {
  const bareServer = await startBare();
  const one = await startWindlass({ proxyWorkers: 1 });
  const two = await startWindlass();
  await Promise.all([one, two].map((windlass) => firstAnswer(windlass.http, 0)));
  const { started: _, ...bareTcp } = bareServer;
  const bare: Way = { name: "bare node:http", ...bareTcp };
  const of1 = { target: targetOf(one.http), url: one.http, beside: bare };
  const proxied: Way = { name: "through the proxy, `--proxy-workers 1`", ...of1 };
  const of2 = { target: targetOf(two.http), url: two.http, beside: bare };
  const proxied2: Way = { name: "through the proxy, 2 workers (default)", ...of2 };
  const ways = [bare, proxied, proxied2];

  const before = [one, two].map(processesOf);
  const results = new Map<string, LoadResult[]>();
  for (let round = 1; round <= context.rounds; round++) {
    // In turns, so that what else the machine does meets all of them.
    for (const connections of [MANY, 1]) {
      for (const way of ways) {
        context.progress(`no-op, round ${round} of ${context.rounds}: ${way.name}, ${connections} connections`);
        const { target, headers = {} } = way;
        const result = await runLoad({ target, headers, connections, warmUpSeconds: 0.7, seconds: context.seconds });
        const key = `${way.name} ${connections}`;
        results.set(key, [...(results.get(key) ?? []), result]);
      }
    }
  }
  [one, two].forEach((windlass, i) => {
    const after = processesOf(windlass);
    if (after === before[i]) return;
    context.note(`**restarted under load**: ${before[i]} became ${after}; last words: ${lastWords(windlass)}`);
  });
  const of = (way: Way, connections: number): Middle => middle(results.get(`${way.name} ${connections}`)!);

  const rows: Row[] = ways.flatMap((way) => {
    if (way.beside === undefined) return [];
    const isMain = way === proxied;
    const peer = way === proxied || way === proxied2 ? context.peer : undefined;
    const many = of(way, MANY);
    const single = of(way, 1);
    const bareMany = of(way.beside, MANY);
    const bareSingle = of(way.beside, 1);
    const share = many.perSecond / bareMany.perSecond;
    const addedMs = single.p50Ms - bareSingle.p50Ms;
    const throughputBudgets: Budget[] = [
      { text: "≥ 0.6 × bare", met: share >= 0.6 },
      against(peer?.perSecond, "≥ 100 × Ray's default", (figure) => many.perSecond >= 100 * figure),
    ];
    return [
      {
        what: `no-op ${way.name}, ${MANY} connections`,
        windlass: perSecond(many.perSecond) + failures(many),
        bare: perSecond(bareMany.perSecond),
        bareRatio: ratio(share),
        ...(peer && { ray: perSecond(peer.perSecond), rayRatio: ratio(many.perSecond / peer.perSecond) }),
        ...(isMain && { budgets: throughputBudgets }),
      },
      {
        what: `… p50 / p99, ${MANY} connections`,
        windlass: `${duration(many.p50Ms)} / ${duration(many.p99Ms)}`,
        bare: `${duration(bareMany.p50Ms)} / ${duration(bareMany.p99Ms)}`,
        bareRatio: `${ratio(many.p50Ms / bareMany.p50Ms)} / ${ratio(many.p99Ms / bareMany.p99Ms)}`,
        ...(peer && {
          ray: `${duration(peer.p50Ms)} / ${duration(peer.p99Ms)}`,
          rayRatio: `${ratio(many.p50Ms / peer.p50Ms)} / ${ratio(many.p99Ms / peer.p99Ms)}`,
        }),
        ...(isMain && {
          budgets: [against(peer?.p99Ms, "p99 ≤ 1/5 of Ray's default", (figure) => many.p99Ms <= figure / 5)],
        }),
      },
      {
        what: `… 1 connection`,
        windlass: perSecond(single.perSecond) + failures(single),
        bare: perSecond(bareSingle.perSecond),
        bareRatio: ratio(single.perSecond / bareSingle.perSecond),
        ...(peer && {
          ray: perSecond(peer.perSecondSingle),
          rayRatio: ratio(single.perSecond / peer.perSecondSingle),
        }),
      },
      {
        what: "… p50 / p99, 1 connection",
        windlass: `${duration(single.p50Ms)} / ${duration(single.p99Ms)}; p50 ${addedMs < 0 ? "" : "+"}${duration(addedMs)}`,
        bare: `${duration(bareSingle.p50Ms)} / ${duration(bareSingle.p99Ms)}`,
        bareRatio: `${ratio(single.p50Ms / bareSingle.p50Ms)} / ${ratio(single.p99Ms / bareSingle.p99Ms)}`,
        ...(peer && { ray: duration(peer.p50SingleMs), rayRatio: ratio(single.p50Ms / peer.p50SingleMs) }),
        ...(isMain && { budgets: [{ text: "p50 added ≤ 100 µs", met: addedMs <= 0.1 }] }),
      },
    ];
  });

  const generator = of(bare, MANY).cpuShare;
  context.note(
    `Load generator: ${Math.round(generator * 100)} % of a core against bare node:http at ${MANY} connections, ` +
      `${Math.round(of(proxied, MANY).cpuShare * 100)} % through the proxy: ` +
      (generator >= GENERATOR_LIMIT
        ? "it limits what bare node:http shows, so the true ratios are lower."
        : "it is not what limits, beyond the cores it shares with what it measures."),
  );
  await wrkRows(context, rows, bare, proxied);
  await Promise.all([one.stop(), two.stop(), stop(bareServer.started)]);
  return rows;
};

/** A second generator where the machine has one. */
async function wrkRows(context: Parameters<Section>[0], rows: Row[], bare: Way, proxied: Way): Promise<void> {
  const figures: { bare: number; proxied: number }[] = [];
  for (let round = 1; round <= context.rounds; round++) {
    context.progress(`wrk, round ${round} of ${context.rounds}`);
    const atBare = await runWrk(bare.url!, MANY, context.seconds);
    const atProxy = await runWrk(proxied.url!, MANY, context.seconds);
    if (atBare === undefined || atProxy === undefined) return;
    figures.push({ bare: atBare, proxied: atProxy });
  }
  const atProxy = median(figures.map((one) => one.proxied));
  const atBare = median(figures.map((one) => one.bare));
  rows.push({
    what: `no-op ${proxied.name}, ${MANY} connections, by wrk`,
    windlass: perSecond(atProxy),
    bare: perSecond(atBare),
    bareRatio: ratio(atProxy / atBare),
  });
}

function middle(results: readonly LoadResult[]): Middle {
  const of = (pick: (result: LoadResult) => number): number => median(results.map(pick));
  return {
    perSecond: of((result) => result.perSecond),
    p50Ms: of((result) => result.p50Ms),
    p99Ms: of((result) => result.p99Ms),
    cpuShare: of((result) => result.cpuShare),
    failed: results.reduce((sum, result) => sum + failed(result), 0),
  };
}

function failures({ failed: count }: Middle): string {
  return count === 0 ? "" : ` (**${count} failed**)`;
}
