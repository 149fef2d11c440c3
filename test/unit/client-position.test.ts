import { expect, it } from "vitest";
import type { Step } from "../../src/client/events.ts";
import { advance, beginAttempt, resumeRevision, startPosition } from "../../src/client/position.ts";

type Message = readonly [revision: number, event: "progress" | "synced" | string];

function stepOf([at, event]: Message): Step<string> {
  const revision = BigInt(at);
  if (event === "progress") return { revision, event: undefined };
  if (event === "synced") return { revision, event: { kind: "synced", revision } };
  if (event.startsWith("-")) return { revision, event: { kind: "deleted", revision, name: event.slice(1) } };
  return { revision, event: { kind: "updated", revision, name: event, resource: event } };
}

/** What attempts hand on in all, and where each is resumed from. */
function run(since: number, ...attempts: readonly (readonly Message[])[]) {
  let position = startPosition(BigInt(since));
  const news: string[] = [];
  const from: number[] = [];
  for (const attempt of attempts) {
    from.push(Number(resumeRevision(position)));
    beginAttempt(position);
    for (const each of attempt) {
      const step = advance(position, stepOf(each));
      position = step.position;
      news.push(
        ...step.news.map((one) =>
          `${one.revision} ${one.kind === "updated" ? "" : `${one.kind} `}${"name" in one ? one.name : ""}`.trim(),
        ),
      );
    }
  }
  return { news, from, next: Number(resumeRevision(position)) };
}

it.each([
  {
    name: "a later revision completes the one before it",
    result: run(1, [
      [2, "a"],
      [3, "-a"],
    ]),
    expected: { news: ["2 a", "3 deleted a"], from: [1], next: 2 },
  },
  {
    name: "progress completes its revision",
    result: run(1, [
      [2, "a"],
      [2, "progress"],
    ]),
    expected: { news: ["2 a"], from: [1], next: 2 },
  },
  {
    name: "progress of an earlier revision completes nothing",
    result: run(1, [
      [2, "a"],
      [1, "progress"],
    ]),
    expected: { news: ["2 a"], from: [1], next: 1 },
  },
  {
    name: "the rest of a revision that was cut comes although the resumed watch is first told where it resumes",
    result: run(
      1,
      [[2, "a"]],
      [
        [1, "progress"],
        [2, "a"],
        [2, "b"],
        [3, "a"],
      ],
    ),
    expected: { news: ["2 a", "2 b", "3 a"], from: [1, 1], next: 2 },
  },
  {
    name: "of several events of one name in a revision, as many are dropped as were handed on, however often it is cut",
    result: run(
      1,
      [
        [2, "a"],
        [2, "a"],
      ],
      [
        [1, "progress"],
        [2, "a"],
      ],
      [
        [1, "progress"],
        [2, "a"],
        [2, "a"],
        [2, "a"],
        [2, "progress"],
      ],
    ),
    expected: { news: ["2 a", "2 a", "2 a"], from: [1, 1, 1], next: 2 },
  },
  {
    name: "what is at or below the complete revision is no news",
    result: run(5, [
      [4, "a"],
      [5, "a"],
      [6, "a"],
    ]),
    expected: { news: ["6 a"], from: [5], next: 5 },
  },
  {
    name: "a snapshot that was cut begins again, with a reset",
    result: run(
      0,
      [[5, "a"]],
      [
        [6, "a"],
        [6, "b"],
        [6, "synced"],
        [7, "c"],
      ],
    ),
    expected: {
      news: ["5 reset", "5 a", "6 reset", "6 a", "6 b", "6 synced", "7 c"],
      from: [0, 0],
      next: 6,
    },
  },
  {
    name: "an empty snapshot is a reset and synced; progress before it says nothing",
    result: run(0, [
      [0, "progress"],
      [3, "synced"],
      [3, "progress"],
    ]),
    expected: { news: ["3 reset", "3 synced"], from: [0], next: 3 },
  },
  {
    name: "synced of a resumed watch is no news",
    result: run(4, [
      [4, "synced"],
      [5, "a"],
      [5, "synced"],
    ]),
    expected: { news: ["5 a"], from: [4], next: 5 },
  },
])("$name", ({ result, expected }) => {
  expect(result).toEqual(expected);
});
