import { type Started, start } from "../lib/children.ts";
import type { Section } from "../lib/context.ts";
import { childrenOf, hasProc } from "../lib/proc.ts";
import { duration, median, ratio, spread } from "../lib/stats.ts";
import { against, type Row } from "../lib/table.ts";
import { cleanEnv, firstAnswer, LAUNCHER, roleOf, startWindlass } from "../lib/windlass.ts";

/** `windlass start CONFIG`: to the ready line, to the first answer, and what each process takes of it. */
export const startUp: Section = async (context) => {
  const readyMs: number[] = [];
  const answerMs: number[] = [];
  const steps = new Map<string, number[]>();
  for (let i = 1; i <= context.repeats; i++) {
    context.progress(`start, ${i} of ${context.repeats}`);
    let timeline: Timeline | undefined;
    const windlass = await startWindlass({ onSpawn: (started) => (timeline = new Timeline(started)) });
    readyMs.push(windlass.readyMs);
    const answeredMs = await firstAnswer(windlass.http, windlass.started.at);
    answerMs.push(answeredMs);
    for (const [step, ms] of timeline!.end(windlass.readyMs, answeredMs)) {
      steps.set(step, [...(steps.get(step) ?? []), ms]);
    }
    await windlass.stop();
  }
  const first = median(answerMs);
  const peer = context.peer?.firstAnswerMs;
  const rows: Row[] = [
    { what: "`windlass start CONFIG` → ready line", windlass: spread(readyMs) },
    {
      what: "`windlass start CONFIG` → first answered request",
      windlass: spread(answerMs),
      ...(peer !== undefined && { ray: duration(peer), rayRatio: ratio(first / peer) }),
      budgets: [against(peer, "≤ 1/15 of Ray's", (figure) => first <= figure / 15)],
    },
  ];
  if (steps.size > 0) {
    const text = [...steps].map(([step, ms]) => `${step} ${duration(median(ms))}`).join("; ");
    rows.push({ what: "… of that, each process's own start", windlass: text });
  }
  const nodeMs = await timeOf(context.repeats, ["-e", "0"]);
  const versionMs = await timeOf(context.repeats, [LAUNCHER, "version"]);
  rows.push({
    what: "`windlass version`, beside `node -e 0`",
    windlass: spread(versionMs),
    bare: duration(median(nodeMs)),
    bareRatio: ratio(median(versionMs) / median(nodeMs)),
  });
  return rows;
};

/** When the children of a starting Windlass come and go, looked at each 2 ms. */
class Timeline {
  readonly #started: Started;
  readonly #cameMs = new Map<string, number>();
  readonly #wentMs = new Map<string, number>();
  readonly #roles = new Map<number, string>();
  readonly #timer: NodeJS.Timeout;

  constructor(started: Started) {
    this.#started = started;
    this.#timer = setInterval(() => this.#look(), 2);
  }

  /** Steps with their milliseconds, where all of them were seen. */
  end(readyMs: number, answeredMs: number): [string, number][] {
    clearInterval(this.#timer);
    if (!hasProc) return [];
    const [controller, proxy, builder, replica] = ["controller", "proxy", "builder", "replica"].map((role) =>
      this.#cameMs.get(role),
    );
    const built = this.#wentMs.get("builder");
    if (!controller || !proxy || !builder || !replica || !built) return [];
    return [
      ["supervisor until it starts the controller", controller],
      ["controller until it starts proxies", proxy - controller],
      ["proxies until the ready line", readyMs - proxy],
      ["then until the builder starts", builder - readyMs],
      ["builder", built - builder],
      ["then until the replica starts", replica - built],
      ["replica until the first answer", answeredMs - replica],
    ];
  }

  #look(): void {
    const nowMs = performance.now() - this.#started.at;
    const children = new Set(childrenOf(this.#started.pid));
    for (const pid of children) {
      // Between fork and exec a child still has its parent's arguments.
      const role = roleOf(pid);
      if (role === undefined || role === "supervisor" || this.#roles.has(pid)) continue;
      this.#roles.set(pid, role);
      if (!this.#cameMs.has(role)) this.#cameMs.set(role, nowMs);
    }
    for (const [pid, role] of this.#roles) {
      if (children.has(pid) || this.#wentMs.has(role)) continue;
      this.#wentMs.set(role, nowMs);
    }
  }
}

async function timeOf(repeats: number, args: readonly string[]): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const started = start(process.execPath, args, { env: cleanEnv() });
    if ((await started.exited) !== 0) throw new Error(`node ${args.join(" ")} failed: ${started.output().stderr}`);
    times.push(performance.now() - started.at);
  }
  return times;
}
