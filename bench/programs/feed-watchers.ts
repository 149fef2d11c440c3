// Opens watches, and on a line of stdin prints what came over them as one line of JSON (WatchersReport). Ends with stdin.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { checkHistory, type Received, type StreamLog, type Written } from "../../test/support/history-checker.ts";
import { quantile } from "../lib/stats.ts";
import { type Told, type Watcher, watchOpener } from "../lib/watch-streams.ts";
import type { Acknowledged, Delays, WatchersOptions, WatchersReport } from "../lib/watchers.ts";

const options = JSON.parse(process.argv[2]!) as WatchersOptions;
const opener = watchOpener(options.port);
const nowMs = (): number => performance.timeOrigin + performance.now();

interface Open {
  readonly watcher: Watcher;
  readonly told: Told[];
  /** When each was read, epoch milliseconds. */
  readonly atMs: number[];
  /** Of the messages, how many had come when the measured writes began. */
  from: number;
  synced: boolean;
  ended: boolean;
}
const all: Open[] = [];
const cpu = process.cpuUsage();
const lag = monitorEventLoopDelay({ resolution: 5 });

function open(watcher: Watcher, shared: Parameters<typeof opener.open>[2]): void {
  const state: Open = { watcher, told: [], atMs: [], from: 0, synced: false, ended: false };
  all.push(state);
  const told = (message: Told): void => {
    if (message.name === "synced") state.synced = true;
    state.told.push(message);
    state.atMs.push(nowMs());
  };
  opener.open(watcher, { told, ended: () => (state.ended = true) }, shared);
}

// The first is about everything: what it is told is what the others are compared with.
open({ by: "grpc", name: "", token: options.tokens[0]!, reading: "healthy" }, undefined);
const kinds = ["grpc", "connect", "grpc", "sse"] as const;
let shared: ReturnType<typeof opener.connection> | undefined;
for (let n = 0; n < options.watchers; n++) {
  const reading = n < options.stuck ? "stuck" : n < options.stuck + options.slow ? "slow" : "healthy";
  const by = options.by ?? kinds[n % kinds.length]!;
  const name = options.applications === 0 ? "" : `applications/app${n % options.applications}`;
  // Every fourth of gRPC's has a connection of its own, so have all that do not read.
  const alone = reading !== "healthy" || n % 8 === 0;
  if (!alone && n % 40 === 1) shared = undefined;
  if (!alone && by === "grpc") shared ??= opener.connection("healthy");
  open(
    { by, name, token: options.tokens[1 + (n % (options.tokens.length - 1))]!, reading },
    alone ? undefined : shared,
  );
  // A burst of new connections would be refused by the backlog.
  if (n % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 20));
}
const waits = (one: Open): boolean => one.watcher.reading === "healthy" && !one.synced;
const deadline = performance.now() + 60_000;
while (all.some(waits) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
process.stdout.write(`${JSON.stringify({ unsynced: all.filter(waits).length })}\n`);
lag.enable();

createInterface({ input: process.stdin })
  .on("line", (line) => {
    if (line === "begin") {
      for (const one of all) one.from = one.told.length;
      lag.reset();
    } else process.stdout.write(`${JSON.stringify(report(JSON.parse(line) as Acknowledged))}\n`);
  })
  .on("close", () => process.exit(0));

function report(acknowledged: Acknowledged): WatchersReport {
  const { user, system } = process.cpuUsage(cpu);
  const healthy = all.filter(({ watcher }) => watcher.reading === "healthy");
  const violations = check(healthy);
  const sinceSent: number[] = [];
  const sinceAcknowledged: number[] = [];
  for (const { told, atMs, from } of healthy) {
    for (let n = from; n < told.length; n++) {
      const { write, sentMs } = told[n]!;
      const acknowledgedMs = acknowledged[write];
      if (acknowledgedMs === undefined || acknowledgedMs === null) continue;
      sinceSent.push(atMs[n]! - sentMs);
      sinceAcknowledged.push(atMs[n]! - acknowledgedMs);
    }
  }
  return {
    messages: sinceSent.length,
    sent: delays(sinceSent),
    acknowledged: delays(sinceAcknowledged),
    lagP99Ms: lag.percentile(99) / 1e6,
    cpuMs: (user + system) / 1_000,
    ended: healthy.filter(({ ended }) => ended).length,
    checked: healthy.length,
    violations: violations.length,
    examples: violations.slice(0, 5).map(({ stream, promise, text }) => `${stream}: ${promise}: ${text}`),
    writes: Math.max(0, ...all[0]!.told.map(({ write }) => write)),
    seen: new Set(all[0]!.told.filter(({ write }) => write > 0).map(({ write }) => write)).size,
  };
}

function delays(ms: readonly number[]): Delays {
  return { p50Ms: quantile(ms, 0.5), p99Ms: quantile(ms, 0.99), mostMs: quantile(ms, 1) };
}

/** All streams against the first one. */
function check(healthy: readonly Open[]): ReturnType<typeof checkHistory> {
  const reference = all[0]!.told;
  const synced = reference.findIndex(({ name }) => name === "synced");
  const from = reference[synced]!.revision;
  const before = new Map(reference.slice(0, synced).map((one) => [one.name, contentOf(one)]));
  const written = new Map<number, Map<string, string>>();
  for (const one of reference.slice(synced + 1)) {
    if (one.name === "") continue;
    const changes = written.get(one.revision);
    if (changes === undefined) written.set(one.revision, new Map([[one.name, contentOf(one)]]));
    else changes.set(one.name, contentOf(one));
  }
  const history: Written[] = [...written].map(([revision, changes]) => ({ revision, changes }));
  const last = reference.findLast(({ name }) => name !== "")?.revision ?? from;
  const streams = healthy.map(({ watcher, told }, n): StreamLog => {
    const { name } = watcher;
    const covers = (other: string): boolean => name === "" || other === name || other.startsWith(`${name}/`);
    const segment = { startRevision: 0, messages: told.map(receivedOf) };
    return { id: `${n} ${watcher.by} ${name}`, scope: name, covers, segments: [segment], reachedRevision: last };
  });
  return checkHistory({ before, written: history }, streams);
}

/** The write that made it so: the same over every protocol. What no write of the bench made has no content to compare. */
function contentOf({ write }: Told): string {
  return write > 0 ? `write ${write}` : "";
}

function receivedOf(one: Told): Received {
  if (one.name === "") return { kind: "progress", revision: one.revision };
  if (one.name === "synced") return { kind: "synced", revision: one.revision };
  return { kind: "event", revision: one.revision, name: one.name, content: contentOf(one) };
}
