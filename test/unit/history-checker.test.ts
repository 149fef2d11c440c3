// The checker that stands behind docs/feeds.md finds each promise broken where it is.
import { describe, expect, it } from "vitest";
import {
  checkHistory,
  completeRevision,
  type History,
  type Received,
  type Segment,
  type StreamLog,
} from "../support/history-checker.ts";

/** a: A1 before, A2 at 12, gone at 14, A3 at 15. b: B1 before, B2 at 12, B3 at 13. 16 changes nothing that is seen. */
const HISTORY: History = {
  before: new Map([
    ["a", "A1"],
    ["b", "B1"],
  ]),
  written: [
    {
      revision: 12,
      changes: new Map([
        ["a", "A2"],
        ["b", "B2"],
      ]),
    },
    { revision: 13, changes: new Map([["b", "B3"]]) },
    { revision: 14, changes: new Map([["a", undefined]]) },
    { revision: 15, changes: new Map([["a", "A3"]]) },
    { revision: 16, changes: new Map([["b", "B3"]]) },
  ],
};

/** "12 a=A2", "14 a" (deleted), "11 synced", "13 progress". */
function message(text: string): Received {
  const [, at, name = "", content] = /^(\d+) (\w+)(?:=(\w+))?$/.exec(text)!;
  const revision = Number(at);
  if (name === "synced" || name === "progress") return { kind: name, revision };
  return { kind: "event", revision, name, content };
}

const segment = (startRevision: number, ...texts: readonly string[]): Segment => ({
  startRevision,
  messages: texts.map(message),
});

const SNAPSHOT = ["11 a=A1", "11 b=B1", "11 synced"] as const;
const REST = ["12 a=A2", "12 b=B2", "13 b=B3", "14 a", "15 a=A3"] as const;

function broken(segments: readonly Segment[], over: Partial<StreamLog> = {}): string[] {
  const stream = { id: "s", scope: "all", covers: () => true, segments, ...over };
  return checkHistory(HISTORY, [stream]).map(({ promise, text }) => `${promise}: ${text}`);
}

describe("the history checker", () => {
  it.each([
    ["all of it", [segment(0, ...SNAPSHOT, ...REST)]],
    ["a change that nobody can see, told", [segment(0, ...SNAPSHOT, ...REST, "16 b=B3")]],
    [
      "progress anywhere between revisions",
      [segment(0, ...SNAPSHOT, "11 progress", ...REST, "16 progress", "20 progress")],
    ],
    ["a snapshot of later", [segment(0, "13 a=A2", "13 b=B3", "13 synced", "14 a", "15 a=A3")]],
    ["a cut within a revision, which comes again", [segment(0, ...SNAPSHOT, "12 a=A2"), segment(11, ...REST)]],
    ["a cut within the snapshot", [segment(0, "11 a=A1"), segment(0, ...SNAPSHOT, ...REST)]],
    [
      "a resumption from before what was complete",
      [segment(0, ...SNAPSHOT, ...REST), segment(12, "13 b=B3", "14 a", "15 a=A3")],
    ],
    ["a stream that begins with a revision", [segment(13, "13 progress", "14 a", "15 a=A3")]],
  ] as const)("takes %s", (_, segments) => {
    expect(broken(segments, { reachedRevision: 16 })).toEqual([]);
  });

  it.each([
    ["ordered", "12 came after 13", [segment(0, ...SNAPSHOT, "12 a=A2", "12 b=B2", "13 b=B3", "12 a=A2")]],
    ["unique", "a at 12 came twice", [segment(0, ...SNAPSHOT, "12 a=A2", "12 a=A2", "12 b=B2", "13 b=B3")]],
    ["unique", "synced came again", [segment(0, ...SNAPSHOT, "11 synced")]],
    ["unique", "a is twice in the snapshot", [segment(0, "11 a=A1", "11 a=A1", "11 b=B1", "11 synced")]],
    ["reliable", "b at 13 never came", [segment(0, ...SNAPSHOT, "12 a=A2", "12 b=B2", "14 a")]],
    ["reliable", "a did not change at 13", [segment(0, ...SNAPSHOT, "12 a=A2", "12 b=B2", "13 a=A2", "13 b=B3")]],
    ["reliable", "b is not in the snapshot", [segment(0, "11 a=A1", "11 synced")]],
    ["reliable", "3 changes never came, the first is b at 13", [segment(0, ...SNAPSHOT, "12 a=A2", "12 b=B2")]],
    ["reliable", "4 changes never came, the first is b at 12", [segment(0, ...SNAPSHOT, "12 a=A2")]],
    ["atomic", "b at 12 never came", [segment(0, ...SNAPSHOT, "12 a=A2", "13 b=B3")]],
    ["atomic", "a at 12 is A9, not A2", [segment(0, ...SNAPSHOT, "12 a=A9", "12 b=B2", "13 b=B3")]],
    ["atomic", "a is A2 in the snapshot of 11, not A1", [segment(0, "11 a=A2", "11 b=B1", "11 synced")]],
    ["atomic", "a snapshot of 11 has 12 in it", [segment(0, "12 a=A1", "11 b=B1", "11 synced")]],
    [
      "resumable",
      "connection 1 began at 12, but only 11",
      [segment(0, ...SNAPSHOT, "12 a=A2"), segment(12, ...REST.slice(2))],
    ],
    ["reliable", "b at 12 never came", [segment(0, ...SNAPSHOT), segment(11, "13 b=B3")]],
    ["bookmarkable", "b at 12 came after 12 was said", [segment(0, ...SNAPSHOT, "12 a=A2", "12 progress", "12 b=B2")]],
  ] as const)("finds what is not %s: %s", (promise, text, segments) => {
    expect(broken(segments, { reachedRevision: 16 }).join("\n")).toContain(`${promise}: ${text}`);
  });

  it("asks of a stream only what it is about", () => {
    const covers = (name: string): boolean => name === "a";
    expect(
      broken([segment(0, "11 a=A1", "11 synced", "12 a=A2", "14 a", "15 a=A3")], { covers, reachedRevision: 16 }),
    ).toEqual([]);
  });

  it.each([
    [0, segment(0, "11 a=A1")],
    [11, segment(0, ...SNAPSHOT)],
    [11, segment(0, ...SNAPSHOT, "12 a=A2", "12 b=B2")],
    [12, segment(0, ...SNAPSHOT, "12 a=A2", "12 b=B2", "13 b=B3")],
    [13, segment(0, ...SNAPSHOT, "12 a=A2", "12 b=B2", "13 b=B3", "13 progress")],
    [13, segment(13, "14 a")],
  ])("knows that %i is the last complete revision", (complete, one) => {
    expect(completeRevision(one)).toBe(complete);
  });
});
