import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Section } from "../lib/context.ts";
import { duration, median, ratio, spread } from "../lib/stats.ts";
import { against, type Row } from "../lib/table.ts";
import { type Feed, firstAnswer, scale, sparesReady, startWindlass, type Windlass, watch } from "../lib/windlass.ts";

/** As many as a scale call 1 → 3 takes. */
const SPARES = 2;

/** What came of the calls to one instance. */
interface Calls {
  readonly upMs: number[];
  readonly firstByteMs: number[];
  /** Of that, after RUNNING was seen in the feed. */
  readonly addedMs: number[];
}

/** Scale call to RUNNING, and the first byte of a request that waits for a scale from zero: without spares and with. */
export const scaling: Section = async (context) => {
  const without = await begin(0);
  const withSpares = await begin(SPARES);
  for (let i = 1; i <= context.repeats; i++) {
    context.progress(`scale 1 → 3, ${i} of ${context.repeats}`);
    for (const each of [without, withSpares]) await scaleUp(each);
  }
  for (let i = 1; i <= context.repeats; i++) {
    context.progress(`scale from zero, ${i} of ${context.repeats}`);
    for (const each of [without, withSpares]) await scaleFromZero(each);
  }
  for (const { feed, windlass } of [without, withSpares]) {
    feed.close();
    await windlass.stop();
  }

  const { scaleMs, fromZeroMs } = context.peer ?? { scaleMs: [], fromZeroMs: [] };
  const rowsOf = ({ upMs, firstByteMs, addedMs }: Calls, spares: string): Row[] => {
    const addedMost = Math.max(...addedMs);
    return [
      beside(`scale call 1 → 3, ${spares}, from its 200 to 3 RUNNING in the feed`, upMs, scaleMs, 10),
      beside(
        `scale call 0 → 1, ${spares}, while a request waits: from the call to its first byte`,
        firstByteMs,
        fromZeroMs,
        20,
      ),
      {
        what: "… of that, after RUNNING was seen in the feed (largest)",
        windlass: duration(addedMost),
        budgets: [{ text: "≤ 20 ms", met: addedMost <= 20 }],
      },
    ];
  };
  return [...rowsOf(without.calls, "no spares"), ...rowsOf(withSpares.calls, `${SPARES} spares`)];
};

/** An instance that is measured. */
interface Measured {
  readonly windlass: Windlass;
  readonly feed: Feed;
  readonly spares: number;
  readonly calls: Calls;
}

async function begin(spares: number): Promise<Measured> {
  const windlass = await startWindlass({ spareReplicas: spares });
  await firstAnswer(windlass.http, 0);
  const feed = await watch(windlass);
  await feed.until(1);
  return { windlass, feed, spares, calls: { upMs: [], firstByteMs: [], addedMs: [] } };
}

async function scaleUp({ windlass, feed, spares, calls }: Measured): Promise<void> {
  await sparesReady(windlass, spares);
  await scale(windlass, 3);
  const acknowledged = performance.now();
  calls.upMs.push((await feed.until(3)) - acknowledged);
  await scale(windlass, 1);
  await feed.until(1);
}

async function scaleFromZero({ windlass, feed, spares, calls }: Measured): Promise<void> {
  await scale(windlass, 0);
  await feed.until(0);
  await sparesReady(windlass, spares);
  const answered = answerTo(windlass.http);
  // The request is to wait in the proxy before the scale call is made.
  await sleep(100);
  const called = performance.now();
  await scale(windlass, 1);
  const running = await feed.until(1);
  const at = await answered;
  calls.firstByteMs.push(at - called);
  calls.addedMs.push(at - running);
}

/** A row with Ray Serve's figures, where there are any; the budget is a share of those. */
function beside(what: string, oursMs: readonly number[], theirsMs: readonly number[], share: number): Row {
  const theirs = theirsMs.length > 0 ? median(theirsMs) : undefined;
  return {
    what,
    windlass: spread(oursMs),
    ...(theirs !== undefined && { ray: spread(theirsMs), rayRatio: ratio(median(oursMs) / theirs) }),
    budgets: [against(theirs, `≤ 1/${share} of Ray's`, (figure) => median(oursMs) <= figure / share)],
  };
}

/** Resolves with `performance.now()` when the first byte of the answer is here. */
function answerTo(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, timeout: 60_000 }, (response) => {
      const at = performance.now();
      response.resume();
      if (response.statusCode === 200) resolve(at);
      else reject(new Error(`the waiting request was answered ${response.statusCode}`));
    });
    sent.once("error", reject);
    sent.once("timeout", () => sent.destroy(new Error("the waiting request was not answered within 60 s")));
    sent.end();
  });
}
