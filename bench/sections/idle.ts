import { setTimeout as sleep } from "node:timers/promises";
import type { Section } from "../lib/context.ts";
import { cpuMs, footprint, hasProc, look, processTree } from "../lib/proc.ts";
import { megabytes, ratio } from "../lib/stats.ts";
import { against } from "../lib/table.ts";
import { firstAnswer, roleOf, sparesReady, startWindlass } from "../lib/windlass.ts";

/** After the first answers garbage is collected and builders are gone. */
const SETTLE_MS = 3_000;
const IDLE_S = 5;

/** Memory and CPU of an idle Windlass with one replica. */
export const idle: Section = async (context) => {
  if (!hasProc) return [{ what: "memory and CPU, idle", windlass: "only measured on Linux" }];
  const windlass = await startWindlass();
  await firstAnswer(windlass.http, 0);
  context.progress("idle");
  await sleep(SETTLE_MS);
  const pids = processTree(windlass.started.pid);
  const before = cpuMs(pids);
  const beganAt = performance.now();
  await sleep(IDLE_S * 1_000);
  const share = (cpuMs(pids) - before) / (performance.now() - beganAt);
  const views = pids.map(look).filter((view) => view !== undefined);
  const parts = views.map(({ pid, rss, pss }) => `${roleOf(pid) ?? "?"} ${megabytes(rss)} / ${megabytes(pss)}`);
  await windlass.stop();
  context.progress("idle, with a spare");
  const spared = await startWindlass({ spareReplicas: 1 });
  await firstAnswer(spared.http, 0);
  await sparesReady(spared, 1);
  await sleep(SETTLE_MS);
  const spare = processTree(spared.started.pid)
    .map(look)
    .find((view) => view?.args.includes("--spare"));
  await spared.stop();

  const ours = footprint(views);
  const theirs = context.peer?.memory;
  return [
    {
      what: "memory, idle, one replica: each process's own pages, and shared ones once",
      windlass: `${megabytes(ours.alone)}, ${ours.processes} processes`,
      ...(theirs && {
        ray: `${megabytes(theirs.alone)}, ${theirs.processes} processes`,
        rayRatio: ratio(ours.alone / theirs.alone),
      }),
      budgets: [against(theirs?.alone, "≤ 1/6 of Ray's", (figure) => ours.alone <= figure / 6)],
    },
    {
      what: "… sum of PSS",
      windlass: megabytes(ours.pss),
      ...(theirs && { ray: megabytes(theirs.pss), rayRatio: ratio(ours.pss / theirs.pss) }),
    },
    {
      what: "… a spare: pages of its own / PSS",
      windlass: spare === undefined ? "not seen" : `${megabytes(spare.unique)} / ${megabytes(spare.pss)}`,
    },
    { what: "… each process, RSS / PSS", windlass: parts.join("; ") },
    {
      what: `CPU, idle, one replica, over ${IDLE_S} s (all processes)`,
      windlass: `${(share * 100).toFixed(1)} % of a core`,
      // One deployment shows when it is missed, never that it is met at 10,000.
      budgets: [{ text: "< 1 % of a core at 10,000 deployments", met: share < 0.01 ? undefined : false }],
    },
  ];
};
