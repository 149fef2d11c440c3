import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { Application_State } from "../../gen/windlass/v1/application_pb.ts";
import { frame, type Screen } from "../../src/cli/screen.ts";
import { type FeedMessage, fakeApi } from "../support/fake-api.ts";
import { runCli } from "../support/run-cli.ts";

const message = (revision: bigint, event?: FeedMessage["event"]): FeedMessage =>
  event === undefined ? { revision } : { revision, event };
const change = (revision: bigint): FeedMessage =>
  message(revision, { case: "application", value: { name: "applications/a", state: Application_State.RUNNING } });

/** Watches an application that goes through the states, one more at each look, until the last was printed. */
async function watched(states: string[], argv: string[], screen?: Screen) {
  let looks = 0;
  const api = await fakeApi({
    feed: [
      {
        send: [message(1n, { case: "synced", value: true }), ...states.map((_, i) => change(BigInt(i + 2)))],
        end: "hold",
      },
    ],
    rest(_, response) {
      const status = states[Math.min(looks++, states.length - 1)]!;
      const application = { status, message: "", last_deployed_time_s: 1, deployed_app_config: null, deployments: {} };
      response.end(JSON.stringify({ proxies: {}, applications: { a: application }, target_capacity: null }));
    },
  });
  const stop = new AbortController();
  return runCli(["status", "--watch", ...argv], {
    env: { WINDLASS_ADDRESS: api.address },
    stop: stop.signal,
    ...(screen === undefined ? {} : { screen }),
    onOut: (text) => {
      if (text.includes(states.at(-1)!)) stop.abort();
    },
  });
}

const STATES = ["DEPLOYING", "DEPLOYING", "UNHEALTHY", "RUNNING"];
const DIFFERENT = ["DEPLOYING", "UNHEALTHY", "RUNNING"];
const statusOf = (document: unknown): string =>
  (document as { applications: { a: { status: string } } }).applications.a.status;

describe("windlass status --watch", () => {
  it("prints a stream of YAML documents, one a change, where stdout is no terminal", async () => {
    const { code, out, err } = await watched(STATES, []);
    expect([code, err]).toEqual([0, ""]);
    expect(parseAllDocuments(out).map((document) => statusOf(document.toJS()))).toEqual(DIFFERENT);
    expect(out).not.toContain("\u001b");
  });

  it("-o json prints one object a line", async () => {
    const { out } = await watched(STATES, ["-o", "json"]);
    expect(
      out
        .trimEnd()
        .split("\n")
        .map((line) => statusOf(JSON.parse(line))),
    ).toEqual(DIFFERENT);
  });

  it("-n prints that application alone", async () => {
    const { out } = await watched(STATES, ["-n", "a", "-o", "json"]);
    const lines = out.trimEnd().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { status: string }).status)).toEqual(DIFFERENT);
  });

  it("draws in place on a terminal: cleared once, each frame from the top, states in colour", async () => {
    const { out } = await watched(STATES, [], { rows: 40, columns: 100, colour: true });
    const frames = out.split("\u001b[H");
    expect(frames).toHaveLength(1 + DIFFERENT.length);
    expect(frames[0]).toBe("\u001b[2J");
    expect(out.split("\u001b[2J")).toHaveLength(2);
    expect(frames[1]).toContain("status: \u001b[33mDEPLOYING\u001b[0m");
    expect(frames[3]).toContain("status: \u001b[32mRUNNING\u001b[0m");
    expect(out).not.toContain("---");
  });

  it("without --watch a terminal gets colours and nothing else", async () => {
    const api = await fakeApi({
      rest: (_, response) =>
        void response.end(JSON.stringify({ applications: {}, proxies: { p: { status: "HEALTHY" } } })),
    });
    const argv = ["status", "-a", api.address];
    const coloured = await runCli(argv, { screen: { rows: 5, columns: 20, colour: true } });
    const plain = await runCli(argv, { screen: { rows: 5, columns: 20, colour: false } });
    expect(coloured.out).toBe(plain.out.replace("HEALTHY", "\u001b[32mHEALTHY\u001b[0m"));
    expect(plain.out).toBe((await runCli(argv)).out);
  });
});

describe("a frame", () => {
  const rows = (text: string): string[] =>
    text.replace("\u001b[2J", "").replace("\u001b[H", "").split("\u001b[K\n").slice(0, -1);
  const document = "one\ntwo\nthree is long\nfour\n";
  it.each([
    { name: "shows all that fits", rows: 5, columns: 80, shown: ["one", "two", "three is long", "four"] },
    { name: "says how many lines do not fit", rows: 4, columns: 80, shown: ["one", "two", "… 2 more lines"] },
    { name: "cuts long lines", rows: 5, columns: 6, shown: ["one", "two", "three…", "four"] },
    { name: "survives a screen without rows", rows: 0, columns: 80, shown: ["… 4 more lines"] },
  ])("$name", ({ rows: count, columns, shown }) => {
    const text = frame(document, { rows: count, columns, colour: false }, true);
    expect(rows(text)).toEqual(shown);
    expect(text.startsWith("\u001b[2J\u001b[H")).toBe(true);
    expect(frame(document, { rows: count, columns, colour: false }, false)).toBe(text.slice("\u001b[2J".length));
  });
});
