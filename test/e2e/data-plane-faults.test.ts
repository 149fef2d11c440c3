/** Faults between clients, proxies and replicas, with real processes and sockets; afterwards nothing is left of them. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeApp } from "../support/apps.ts";
import { tempDir } from "../support/temp-dir.ts";
import { api, eventually, runningPids, startWindlass, type Windlass, waitForStatus } from "../support/windlass.ts";

const REPLICAS = 2;
const MAX_ONGOING = 4;
const SLOTS = REPLICAS * MAX_ONGOING;
const SERVICE_MS = 100;
/** How long the overload lasts; a minute in the long suite. */
const OVERLOAD_S = Number(process.env.WINDLASS_OVERLOAD_S ?? 5);

/** `dir`: where it says what it does, a line each, and where it is told to go on. */
const appIn = (dir: string): string => `
import { appendFileSync, existsSync } from "node:fs";
import { deployment } from "windlass";
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const say = (...words: unknown[]) => appendFileSync("${dir}/said", words.join(" ") + "\\n");
async function told(id: string, signal: AbortSignal) {
  while (!existsSync("${dir}/go-" + id) && !signal.aborted) await sleep(10);
}
class App {
  async fetch(request: Request): Promise<Response> {
    const [, what, id] = new URL(request.url).pathname.split("/") as [string, string, string];
    if (what === "quick") return new Response("quick");
    if (what === "busy") {
      const began = performance.now();
      await sleep(${SERVICE_MS});
      return Response.json(performance.now() - began);
    }
    say("began", id, process.pid);
    const { signal } = request;
    signal.addEventListener("abort", () => say("aborted", id));
    if (what === "hold") { await told(id, signal); return new Response("held " + id); }
    if (what === "upload") {
      let bytes = 0;
      try { for await (const piece of request.body!) bytes += piece.length; }
      catch (error) { say("broke", id); throw error; }
      return new Response(String(bytes));
    }
    let n = 0;
    const streams: Record<string, (controller: ReadableStreamDefaultController) => Promise<void>> = {
      async stream(controller) {
        if (n++ === 0) { controller.enqueue(Buffer.from("first")); return; }
        await told(id, signal);
        controller.enqueue(Buffer.from("last"));
        controller.close();
      },
      async big(controller) {
        if (n++ === 320) { controller.close(); return; }
        controller.enqueue(Buffer.alloc(65_536, "b"));
        if (n % 16 === 0) say("made", id, n / 16);
      },
    };
    return new Response(new ReadableStream({ pull: streams[what]!, cancel: () => say("cancelled", id) }));
  }
}
export const app = deployment(App).bind();
`;

const configOf = (queued: number): string => `
applications:
  - name: faults
    import_path: ./app.ts:app
    deployments:
      - name: App
        max_ongoing_requests: ${MAX_ONGOING}
        max_queued_requests: ${queued}
        graceful_shutdown_timeout_s: 2
        autoscaling_config: {min_replicas: ${REPLICAS}, max_replicas: ${REPLICAS}, metrics_interval_s: 0.5, look_back_period_s: 2}
`;

/** The application on an instance with two proxies, and what it says. */
interface Scene {
  readonly windlass: Windlass;
  /** Lines that begin so. */
  said(start: string): string[];
  /** Lets requests of this id go on. */
  go(id: string): void;
}

async function stage(queued = 20): Promise<Scene> {
  const dir = tempDir();
  const windlass = await startWindlass([writeApp(appIn(dir), configOf(queued)), "--proxy-workers", "2"]);
  const file = join(dir, "said");
  appendFileSync(file, "");
  await waitForStatus(windlass, "faults", "RUNNING");
  await whole(windlass);
  return {
    windlass,
    said: (start) =>
      readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => `${line} `.startsWith(`${start} `)),
    go: (id) => writeFileSync(join(dir, `go-${id}`), ""),
  };
}

const whole = (windlass: Windlass): Promise<number[]> =>
  eventually(async () => {
    const pids = await runningPids(windlass, "faults", "App");
    return pids.length === REPLICAS && pids.every((pid) => existsSync(`/proc/${pid}`)) && pids;
  });

interface Sent {
  readonly request: ClientRequest;
  response?: IncomingMessage;
  body: string;
  /** "200 body", or the code of the error. */
  readonly end: Promise<string>;
}

/** A request on a connection of its own; `begin`: its body is not ended. */
function send(
  { http }: Windlass,
  path: string,
  options: { method?: string; begin?: string; agent?: Agent; headers?: Record<string, string> } = {},
): Sent {
  const { method = "GET", begin, agent, headers = {} } = options;
  const { promise: end, resolve } = Promise.withResolvers<string>();
  const request = httpRequest(`${http}${path}`, { method, headers, agent: agent ?? false }, (response) => {
    sent.response = response;
    response.setEncoding("utf8");
    response.on("data", (text: string) => (sent.body += text));
    response.once("end", () => resolve(`${response.statusCode} ${sent.body}`));
    response.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  const sent: Sent = { request, body: "", end };
  request.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  if (begin === undefined) request.end();
  else request.write(begin);
  return sent;
}

/** Waits until user code has begun with a request; resolves with the pid of the replica it last began in. */
const begun = ({ said }: Scene, id: string, times = 1): Promise<number> =>
  eventually(() => said(`began ${id}`).length >= times && Number(said(`began ${id}`).at(-1)!.split(" ")[2]));

/** Nothing is left: proxies and routers count 0, and each replica takes exactly what it may. */
async function expectNothingLeft(scene: Scene, name: string): Promise<void> {
  const { windlass, said, go } = scene;
  await whole(windlass);
  const all = Array.from({ length: SLOTS }, (_, i) => send(windlass, `/hold/${name}-slot-${i}`));
  await Promise.all(all.map((_, i) => begun(scene, `${name}-slot-${i}`)));
  const one = send(windlass, `/hold/${name}-more`);
  await ongoing(windlass, SLOTS + 1);
  expect(said(`began ${name}-more`)).toEqual([]);
  for (const i of all.keys()) go(`${name}-slot-${i}`);
  go(`${name}-more`);
  const ends = await Promise.all([...all, one].map(({ end }) => end));
  expect(ends.filter((end) => !end.startsWith("200 held"))).toEqual([]);
  for (const gauge of ["serve_num_ongoing_http_requests", "serve_autoscaling_total_requests"]) {
    await eventually(
      async () => {
        const values = await gauges(windlass, gauge);
        return values.length > 0 && values.every((value) => value === 0);
      },
      () => `${gauge} did not return to 0`,
    );
  }
}

/** Waits until the proxies count so many requests. */
async function ongoing(windlass: Windlass, wanted: number): Promise<void> {
  let sum = -1;
  await eventually(
    async () => {
      const values = await gauges(windlass, "serve_num_ongoing_http_requests");
      sum = values.reduce((total, value) => total + value, 0);
      return sum === wanted;
    },
    () => `the proxies count ${sum} requests, not ${wanted}`,
  );
}

async function gauges(windlass: Windlass, name: string): Promise<number[]> {
  const { text } = await api(windlass, "/metrics");
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`))
    .map((line) => Number(line.split(" ").at(-1)));
}

describe("a replica that is killed", () => {
  it("before, within and after its answer costs what cannot be repeated, and nothing else", async () => {
    const scene = await stage();
    const { windlass, said, go } = scene;
    const kill = async (id: string, times = 1): Promise<void> => {
      const pid = await begun(scene, id, times);
      process.kill(pid, "SIGKILL");
      await eventually(() => !existsSync(`/proc/${pid}`));
    };

    const repeated = send(windlass, "/hold/repeated");
    await kill("repeated");
    await begun(scene, "repeated", 2);
    go("repeated");
    expect(await repeated.end).toBe("200 held repeated");
    await whole(windlass);

    const once = send(windlass, "/hold/once", { method: "POST" });
    await kill("once");
    expect(await once.end).toBe("500 Internal Server Error");
    await whole(windlass);

    const within = send(windlass, "/stream/within");
    await eventually(() => within.body === "first");
    await kill("within");
    expect(await within.end).toBe("ECONNRESET");
    await whole(windlass);

    go("after");
    const after = send(windlass, "/hold/after", { method: "POST" });
    expect(await after.end).toBe("200 held after");
    await kill("after");
    // The next ones find the other, whoever they are.
    const next = await Promise.all(
      Array.from({ length: SLOTS }, () => send(windlass, "/quick", { method: "POST" }).end),
    );
    expect(new Set(next)).toEqual(new Set(["200 quick"]));

    expect([said("began once").length, said("began within").length, said("began after").length]).toEqual([1, 1, 1]);
    await expectNothingLeft(scene, "killed");
  });
});

describe("a client that leaves", () => {
  it("in line, at a full replica, in user code, within its upload or the answer leaves nothing behind", async () => {
    const scene = await stage();
    const { windlass, said, go } = scene;

    // All slots are taken: the rest waits, at the replicas and in the lines of the proxies.
    const held = Array.from({ length: SLOTS }, (_, i) => send(windlass, `/hold/in-${i}`));
    await Promise.all(held.map((_, i) => begun(scene, `in-${i}`)));
    const waiting = [
      ...Array.from({ length: 12 }, (_, i) => send(windlass, `/hold/waits-${i}`)),
      ...Array.from({ length: 6 }, (_, i) => send(windlass, `/upload/waits-u${i}`, { method: "POST", begin: "x" })),
    ];
    await ongoing(windlass, SLOTS + waiting.length);
    for (const { request } of waiting) request.destroy();
    expect(new Set(await Promise.all(waiting.map(({ end }) => end)))).toEqual(new Set(["ECONNRESET"]));
    await ongoing(windlass, SLOTS);
    // Nor does one that comes later wait behind them.
    const late = send(windlass, "/hold/late");
    for (const i of held.keys()) go(`in-${i}`);
    go("late");
    expect(await late.end).toBe("200 held late");
    for (const [i, { end }] of held.entries()) expect(await end).toBe(`200 held in-${i}`);
    expect(said("began").filter((line) => line.includes("waits"))).toEqual([]);

    const inCode = send(windlass, "/hold/code");
    await begun(scene, "code");
    inCode.request.destroy();
    await eventually(() => said("aborted code").length === 1);

    const upload = send(windlass, "/upload/part", { method: "POST", begin: "x".repeat(100_000) });
    await begun(scene, "part");
    upload.request.destroy();
    await eventually(() => said("aborted part").length === 1 && said("broke part").length === 1);

    const stream = send(windlass, "/stream/half");
    await eventually(() => stream.body === "first");
    stream.request.destroy();
    await eventually(() => said("aborted half").length === 1);

    const big = send(windlass, "/big/half-big");
    big.request.once("response", (response) => response.pause());
    await begun(scene, "half-big");
    await eventually(() => big.response !== undefined);
    big.request.destroy();
    await eventually(() => said("aborted half-big").length === 1 && said("cancelled half-big").length === 1);
    await expectNothingLeft(scene, "left");
  });
});

describe("slow peers", () => {
  it("hold back their own request and no other, and lose nothing", async () => {
    const scene = await stage();
    const { windlass, said } = scene;
    const quick = async (): Promise<void> => {
      const ends = await Promise.all(Array.from({ length: 6 }, () => send(windlass, "/quick").end));
      expect(new Set(ends)).toEqual(new Set(["200 quick"]));
    };

    const reader = send(windlass, "/big/reader");
    reader.request.once("response", (response) => response.pause());
    await begun(scene, "reader");
    let made = -1;
    // Until no more is made: what lies between is bounded.
    await eventually(async () => {
      const before = made;
      for (let i = 0; i < 5; i++) await quick();
      made = said("made reader").length;
      return made === before;
    });
    expect(made).toBeLessThan(10);
    const writer = send(windlass, "/upload/writer", { method: "POST", begin: "w" });
    await begun(scene, "writer");
    for (let i = 0; i < 20; i++) {
      writer.request.write("w".repeat(i * 1_000));
      await quick();
    }
    writer.request.end();
    expect(await writer.end).toBe("200 190001");
    reader.response!.resume();
    expect((await reader.end).length).toBe("200 ".length + 320 * 65_536);
    await expectNothingLeft(scene, "slow");
  });
});

describe("three times as many requests as there is room for", () => {
  it.each([
    { what: "where few may wait", queued: 20, deadlineS: undefined },
    { what: "where any number may wait for 2 s", queued: -1, deadlineS: 2 },
  ])(
    "leave the replicas as busy as they can be with what is answered, and each is answered in time, $what",
    async ({ queued, deadlineS }) => {
      const scene = await stage(queued);
      const { windlass } = scene;
      const agent = new Agent({ keepAlive: true, maxSockets: 1_000 });
      const headers: Record<string, string> =
        deadlineS === undefined ? {} : { "x-request-timeout-seconds": String(deadlineS) };
      const answers: { end: string; sentMs: number; endMs: number }[] = [];
      const all: Promise<void>[] = [];
      const one = async (): Promise<void> => {
        const sentMs = performance.now();
        const end = await send(windlass, "/busy", { agent, headers }).end;
        answers.push({ end, sentMs, endMs: performance.now() });
      };
      const startMs = performance.now();
      const untilMs = startMs + OVERLOAD_S * 1_000;
      let offered = 0;
      // Arrivals at three times the capacity; a machine that was away sends what is due, as clients would.
      while (performance.now() < untilMs) {
        const due = (3 * SLOTS * (performance.now() - startMs)) / SERVICE_MS;
        for (; offered < due; offered++) all.push(one());
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await Promise.all(all);
      agent.destroy();

      const done = answers.filter(({ end }) => end.startsWith("200 "));
      const refused = answers.filter(({ end }) => end.startsWith("503 "));
      const late = answers.filter(({ end }) => deadlineS !== undefined && end.startsWith("408 "));
      const others = answers.find(({ end }) => !/^(200|503|408) /.test(end));
      expect(done.length + refused.length + late.length, others?.end).toBe(offered);
      // Who cannot be in time is told so, instead of waiting for it.
      expect(late.length).toBeLessThan(refused.length / 4);
      // Of the slots' time less than a tenth is spent on what comes too late.
      if (deadlineS !== undefined) expect(late.length).toBeLessThan(done.length / 10);
      expect(refused.length).toBeGreaterThan(done.length);
      // By the time that user code took, not by what it asked for: timers of a busy machine are late.
      // With a deadline in its second half: how long the work takes has been learnt by then.
      const fromMs = deadlineS === undefined ? startMs : (startMs + untilMs) / 2;
      const within = done.filter(({ endMs }) => endMs > fromMs && endMs <= untilMs);
      const busyMs = within.reduce((sum, { end, endMs }) => sum + Math.min(Number(end.slice(4)), endMs - fromMs), 0);
      const lastMs = Math.max(...within.map(({ endMs }) => endMs));
      // The short form is over before that has settled on a busy machine.
      const settled = deadlineS === undefined || OVERLOAD_S >= 30;
      expect(busyMs / (SLOTS * (lastMs - fromMs))).toBeGreaterThan(settled ? 0.9 : 0.75);
      const slowest = Math.max(...refused.map(({ sentMs, endMs }) => endMs - sentMs));
      expect(slowest).toBeLessThan(2_000 + 1_000 * (deadlineS ?? 0));
      await expectNothingLeft(scene, "overload");
    },
    30_000 + OVERLOAD_S * 2_000,
  );
});
