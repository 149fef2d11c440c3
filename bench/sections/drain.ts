import type { Section } from "../lib/context.ts";
import { failed, startLoad } from "../lib/load.ts";
import { firstAnswer, scale, startWindlass, targetOf, watch } from "../lib/windlass.ts";

const SCALE_DOWNS = 10;
const CONNECTIONS = 16;
/** Long enough that every replica that is to stop has requests. */
const HANDLER_MS = 10;
/** The load ends with the last scale-down; this is for a run that hangs. */
const MOST_SECONDS = 240;

/** Requests that fail while replicas leave: must be none. */
export const drain: Section = async (context) => {
  const windlass = await startWindlass();
  await firstAnswer(windlass.http, 0);
  const feed = await watch(windlass);
  await feed.until(1);
  const load = startLoad({
    target: targetOf(windlass.http),
    path: `/?ms=${HANDLER_MS}`,
    connections: CONNECTIONS,
    warmUpSeconds: 0,
    seconds: MOST_SECONDS,
  });
  for (let i = 1; i <= SCALE_DOWNS; i++) {
    context.progress(`drain, ${i} of ${SCALE_DOWNS}`);
    await scale(windlass, 3);
    await feed.until(3);
    await scale(windlass, 1);
    await feed.until(1);
  }
  const result = await load.finish();
  feed.close();
  await windlass.stop();
  const count = failed(result);
  const causes = Object.entries(result.failures).map(([cause, times]) => `${cause} × ${times}`);
  return [
    {
      what: `drain: failed requests over ${SCALE_DOWNS} scale-downs 3 → 1 under load (${CONNECTIONS} connections)`,
      windlass: `${count} of ${(result.ok + count).toLocaleString("en-US")}${count > 0 ? ` (${causes.join(", ")})` : ""}`,
      budgets: [{ text: "0", met: count === 0 }],
    },
  ];
};
