import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Section } from "../lib/context.ts";
import { duration, median, ratio, spread } from "../lib/stats.ts";
import { against } from "../lib/table.ts";
import { firstAnswer, scale, startWindlass, watch } from "../lib/windlass.ts";

/** Scale call to RUNNING, and the first byte of a request that waits for a scale from zero. */
export const scaling: Section = async (context) => {
  const windlass = await startWindlass();
  await firstAnswer(windlass.http, 0);
  const feed = await watch(windlass);
  await feed.until(1);

  const upMs: number[] = [];
  for (let i = 1; i <= context.repeats; i++) {
    context.progress(`scale 1 → 3, ${i} of ${context.repeats}`);
    await scale(windlass, 3);
    const acknowledged = performance.now();
    upMs.push((await feed.until(3)) - acknowledged);
    await scale(windlass, 1);
    await feed.until(1);
  }

  const firstByteMs: number[] = [];
  const addedMs: number[] = [];
  for (let i = 1; i <= context.repeats; i++) {
    context.progress(`scale from zero, ${i} of ${context.repeats}`);
    await scale(windlass, 0);
    await feed.until(0);
    const answered = answerTo(windlass.http);
    // The request is to wait in the proxy before the scale call is made.
    await sleep(100);
    const called = performance.now();
    await scale(windlass, 1);
    const running = await feed.until(1);
    const at = await answered;
    firstByteMs.push(at - called);
    addedMs.push(at - running);
  }
  feed.close();
  await windlass.stop();

  const { scaleMs, fromZeroMs } = context.peer ?? { scaleMs: [], fromZeroMs: [] };
  const peerUp = scaleMs.length > 0 ? median(scaleMs) : undefined;
  const peerZero = fromZeroMs.length > 0 ? median(fromZeroMs) : undefined;
  const zero = median(firstByteMs);
  const addedMost = Math.max(...addedMs);
  return [
    {
      what: "scale call 1 → 3, from its 200 to 3 RUNNING in the feed",
      windlass: spread(upMs),
      ...(peerUp !== undefined && { ray: spread(scaleMs), rayRatio: ratio(median(upMs) / peerUp) }),
      budgets: [against(peerUp, "≤ 1/10 of Ray's", (figure) => median(upMs) <= figure / 10)],
    },
    {
      what: "scale call 0 → 1 while a request waits: from the call to its first byte",
      windlass: spread(firstByteMs),
      ...(peerZero !== undefined && { ray: spread(fromZeroMs), rayRatio: ratio(zero / peerZero) }),
      budgets: [against(peerZero, "≤ 1/20 of Ray's", (figure) => zero <= figure / 20)],
    },
    {
      what: "… of that, after RUNNING was seen in the feed (largest)",
      windlass: duration(addedMost),
      budgets: [{ text: "≤ 20 ms", met: addedMost <= 20 }],
    },
  ];
};

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
