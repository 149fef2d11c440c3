import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "./windlass.ts";

/** What --cpu-prof writes, as far as it is read here. */
export interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: Frame;
    readonly children?: readonly number[];
  }[];
  /** Of the monotonic clock, in microseconds. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** A time of the monotonic clock, in microseconds: what a profile's own times are of. */
export function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

interface Frame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** A profile added up, in microseconds; what is idle is left out. */
export interface Times {
  readonly busyUs: number;
  /** By function, with its place in the sources. */
  readonly own: ReadonlyMap<string, number>;
  /** With what is called. */
  readonly inclusive: ReadonlyMap<string, number>;
  /** Own time by {@link categoryOf}. */
  readonly categories: ReadonlyMap<string, number>;
}

/** Reads what a file that --cpu-prof wrote has between two times of {@link monotonicUs}. */
export function readProfile(file: string, fromUs: number, toUs: number): Times {
  return addUp(JSON.parse(readFileSync(file, "utf8")) as Profile, fromUs, toUs);
}

/** Adds up what a profile has between two times of {@link monotonicUs}. */
export function addUp(profile: Profile, fromUs: number, toUs: number): Times {
  const selfUs = new Map<number, number>();
  let busyUs = 0;
  let at = profile.startTime;
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  profile.samples.forEach((id, i) => {
    const us = profile.timeDeltas[i]!;
    at += us;
    if (at < fromUs || at > toUs) return;
    if (nodes.get(id)?.callFrame.functionName === "(idle)") return;
    busyUs += us;
    selfUs.set(id, (selfUs.get(id) ?? 0) + us);
  });
  const own = new Map<string, number>();
  const inclusive = new Map<string, number>();
  const categories = new Map<string, number>();
  const count = (times: Map<string, number>, key: string, us: number): void =>
    void times.set(key, (times.get(key) ?? 0) + us);
  const walk = (id: number, above: ReadonlySet<string>): number => {
    const node = nodes.get(id)!;
    const place = placeOf(node.callFrame);
    let us = selfUs.get(id) ?? 0;
    count(own, place, us);
    count(categories, categoryOf(node.callFrame, place), us);
    const within = new Set([...above, place]);
    for (const child of node.children ?? []) us += walk(child, within);
    if (!above.has(place)) count(inclusive, place, us);
    return us;
  };
  walk(profile.nodes[0]!.id, new Set());
  return { busyUs, own, inclusive, categories };
}

/** Beginnings of the names of Node's own modules, the most specific first. */
const NODE_PARTS: readonly (readonly [RegExp, string])[] = [
  [/^node:(_http|http|internal\/http)/, "node:http"],
  [/^node:(net|internal\/stream_base|internal\/streams|stream|_stream)/, "node:net and streams"],
  [
    /^node:internal\/(deps\/undici|webstreams|webidl|url|abort_controller|event_target)/,
    "fetch's Request, Response, streams",
  ],
];

/** What a frame is part of: a module of Node, a folder of our sources, a package, or the native code below. */
export function categoryOf({ functionName, url }: Pick<Frame, "functionName" | "url">, place: string): string {
  if (functionName === "(garbage collector)") return "garbage collection";
  if (url === "")
    return functionName === "(program)" ? "native: event loop, reads" : "native: called from JavaScript, writes";
  if (url.startsWith("node:")) return NODE_PARTS.find(([pattern]) => pattern.test(url))?.[1] ?? "the rest of Node";
  const found = /(?:^| )(src\/[\w-]+)\/|(?:^| )(gen|bench|examples)\/|(?:^| )((?:@[\w-]+\/)?[a-z][\w-]*)\//.exec(place);
  return found?.[1] ?? found?.[2] ?? found?.[3] ?? "other code";
}

const maps = new Map<string, SourceMap | undefined>();

/** "name file:line" of a function, in the sources where a source map tells. */
export function placeOf({ functionName, url, lineNumber, columnNumber }: Frame): string {
  const name = functionName || "(anonymous)";
  if (!url.startsWith("file:")) return url === "" ? name : `${name} ${url}:${lineNumber + 1}`;
  const path = fileURLToPath(url);
  const entry = mapOf(path)?.findEntry(lineNumber, columnNumber);
  if (entry === undefined || !("originalSource" in entry)) {
    return `${name} ${relative(ROOT, path)}:${lineNumber + 1}`;
  }
  const source = entry.originalSource.replace(/^.*\/(src|gen|node_modules)\//, "$1/").replace("node_modules/", "");
  return `${name} ${source}:${entry.originalLine + 1}`;
}

function mapOf(path: string): SourceMap | undefined {
  if (!maps.has(path)) {
    let map: SourceMap | undefined;
    try {
      map = new SourceMap(JSON.parse(readFileSync(`${path}.map`, "utf8")));
    } catch {
      // No map: the built file's own lines.
    }
    maps.set(path, map);
  }
  return maps.get(path);
}
