/** Many watchers on one controller while it writes: how late they are told, and what that costs. */
import * as http from "node:http";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Started, start, stop } from "./children.ts";
import { cpuMs, look } from "./proc.ts";
import { quantile } from "./stats.ts";

/** Who watches what. */
export interface Scenario {
  /** Watchers in all, slow and stuck ones among them. */
  readonly watchers: number;
  readonly slow: number;
  readonly stuck: number;
  /** Watchers are spread over so many applications; 0: all watch everything. */
  readonly spreadOver: number;
  /** Acknowledged writes a second. */
  readonly writesPerSecond: number;
  readonly seconds: number;
  /** How long is written without watchers before. Default: as long as with them, at most 10 s. */
  readonly aloneSeconds?: number;
  /** Only this protocol. Default: a mix of gRPC (one half), Connect over HTTP/1.1 and server-sent events. */
  readonly by?: "grpc" | "connect" | "sse";
}

/** What the watchers' process is given. */
export interface WatchersOptions {
  readonly port: number;
  readonly tokens: readonly string[];
  readonly watchers: number;
  readonly slow: number;
  readonly stuck: number;
  readonly applications: number;
  readonly by?: "grpc" | "connect" | "sse";
}

/** What came over the watches of those that read all. */
export interface WatchersReport {
  readonly messages: number;
  /** From the moment a write was sent to the moment a watcher had read what it changed. */
  readonly sent: Delays;
  /** The same from the moment its acknowledgement was read; below 0 where the watcher was first. */
  readonly acknowledged: Delays;
  /** How late the watchers' own process was to look, at the 99th percentile. */
  readonly lagP99Ms: number;
  readonly cpuMs: number;
  /** Streams that ended. */
  readonly ended: number;
  /** Streams whose history was checked, and the promises that were broken. */
  readonly checked: number;
  readonly violations: number;
  readonly examples: readonly string[];
  /** Writes, and those of them that the first watcher saw. */
  readonly writes: number;
  readonly seen: number;
}

/** Milliseconds that something took. */
export interface Delays {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
}

/** When each write was acknowledged, by its number, epoch milliseconds; null where it failed. */
export type Acknowledged = readonly (number | null)[];

/** What {@link runWatchers} measured. */
export interface WatchersResult {
  readonly told: WatchersReport;
  /** Milliseconds to the acknowledgement of a write, without any watcher and with all of them. */
  readonly alone: Latencies;
  readonly watched: Latencies;
  /** Resident bytes of the controller: before the watchers came, with them, and the most while it wrote. */
  readonly rss: { readonly before: number; readonly open: number; readonly most: number };
  /** Share of a core that the controller used while it wrote: without watchers, with them; and the watchers' process. */
  readonly cpu: { readonly alone: number; readonly controller: number; readonly watchers: number };
}

interface Latencies {
  readonly count: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const PROGRAMS = new URL("../programs/", import.meta.url);
const APPLICATIONS = 100;
/** Each token may have 256 streams. */
const TOKENS = 8;

/** Runs a scenario. */
export async function runWatchers(scenario: Scenario, progress: (text: string) => void): Promise<WatchersResult> {
  const controller = program("feed-controller.ts", { applications: APPLICATIONS, viewers: TOKENS });
  const { port, admin, viewers } = (await controller.line()) as { port: number; admin: string; viewers: string[] };
  progress("the controller serves; writing without watchers");
  const writer = createWriter(port, admin);
  const aloneSeconds = scenario.aloneSeconds ?? Math.min(10, scenario.seconds);
  // The first writes are slow, and not what is compared.
  await writer.run(scenario.writesPerSecond, aloneSeconds / 5);
  const cpuAloneMs = cpuMs([controller.started.pid]);
  const alone = await writer.run(scenario.writesPerSecond, aloneSeconds);
  const cpuAlone = (cpuMs([controller.started.pid]) - cpuAloneMs) / aloneSeconds / 1_000;
  const before = look(controller.started.pid)?.rss ?? Number.NaN;

  const { watchers, slow, stuck, spreadOver: applications, by } = scenario;
  const options: WatchersOptions = { port, tokens: viewers, watchers, slow, stuck, applications, ...(by && { by }) };
  const readers = program("feed-watchers.ts", options);
  const { unsynced } = (await readers.line()) as { unsynced: number };
  if (unsynced > 0) throw new Error(`${unsynced} watchers were not told the present state`);
  progress(`${watchers} watchers; writing ${scenario.writesPerSecond} times a second for ${scenario.seconds} s`);
  await sleep(1_000);
  const open = look(controller.started.pid)?.rss ?? Number.NaN;
  readers.send("begin");
  let most = open;
  const sampling = setInterval(() => {
    most = Math.max(most, look(controller.started.pid)?.rss ?? 0);
  }, 500);
  const cpuBefore = [cpuMs([controller.started.pid]), cpuMs([readers.started.pid])] as const;
  const watched = await writer.run(scenario.writesPerSecond, scenario.seconds);
  const cpu = {
    alone: cpuAlone,
    controller: (cpuMs([controller.started.pid]) - cpuBefore[0]) / scenario.seconds / 1_000,
    watchers: (cpuMs([readers.started.pid]) - cpuBefore[1]) / scenario.seconds / 1_000,
  };
  clearInterval(sampling);
  await sleep(2_000);
  readers.send(JSON.stringify(writer.acknowledged));
  const told = (await readers.line()) as WatchersReport;
  writer.close();
  await stop(readers.started);
  await stop(controller.started);
  return { told, alone, watched, rss: { before, open, most }, cpu };
}

function program(
  file: string,
  options: unknown,
): { started: Started; line(): Promise<unknown>; send(text: string): void } {
  const started = start(process.execPath, [fileURLToPath(new URL(file, PROGRAMS)), JSON.stringify(options)]);
  const lines = createInterface({ input: started.child.stdout! })[Symbol.asyncIterator]();
  return {
    started,
    async line() {
      const { value, done } = await lines.next();
      if (done === true)
        throw new Error(`${file} ended: ${started.output().stderr.trim().split("\n").slice(-5).join(" ")}`);
      return JSON.parse(value);
    },
    send: (text) => void started.child.stdin?.write(`${text}\n`),
  };
}

/** Scales applications in turn to what they have, at a fixed rate however long the answers take. */
function createWriter(port: number, token: string) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  let number = 0;
  const acknowledged: (number | null)[] = [];

  function write(onDone: (ms: number, ok: boolean) => void): void {
    number += 1;
    const sentMs = performance.timeOrigin + performance.now();
    const body = JSON.stringify({ target_num_replicas: 1, reason: `w:${number}:${sentMs.toFixed(3)};` });
    const path = `/api/v1/applications/app${number % APPLICATIONS}/deployments/Echo/scale`;
    const headers = {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "content-length": body.length,
    };
    const mine = number;
    const done = (ok: boolean): void => {
      const nowMs = performance.timeOrigin + performance.now();
      acknowledged[mine] = ok ? nowMs : null;
      onDone(nowMs - sentMs, ok);
    };
    const request = http.request({ port, host: "127.0.0.1", method: "POST", path, headers, agent }, (response) => {
      response.resume();
      response.on("end", () => done(response.statusCode === 200));
    });
    request.on("error", () => done(false));
    request.end(body);
  }

  return {
    async run(perSecond: number, seconds: number): Promise<Latencies> {
      const latencies: number[] = [];
      let failed = 0;
      let underWay = 0;
      const began = performance.now();
      for (let sent = 0; sent < perSecond * seconds; ) {
        const due = Math.min(perSecond * seconds, ((performance.now() - began) / 1_000) * perSecond);
        for (; sent < due; sent++) {
          underWay += 1;
          write((ms, ok) => {
            underWay -= 1;
            if (ok) latencies.push(ms);
            else failed += 1;
          });
        }
        await sleep(2);
      }
      while (underWay > 0) await sleep(2);
      return { count: latencies.length, failed, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) };
    },
    acknowledged,
    close: () => agent.destroy(),
  };
}
