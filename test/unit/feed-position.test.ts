import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { type WatchInstanceResponse, WatchInstanceResponseSchema } from "../../gen/windlass/v1/instance_service_pb.ts";
import { advance, beginAttempt, eventName, resumeRevision, startPosition } from "../../src/cli/feed-position.ts";

type Event = "progress" | "synced" | string;

function message([revision, event]: readonly [number, Event]): WatchInstanceResponse {
  const of = (oneof: WatchInstanceResponse["event"]): WatchInstanceResponse =>
    create(WatchInstanceResponseSchema, { revision: BigInt(revision), event: oneof });
  if (event === "progress") return of({ case: undefined });
  if (event === "synced") return of({ case: "synced", value: true });
  return of({ case: "deleted", value: event });
}

/** What attempts hand on in all, and where each is resumed from. */
function run(since: number, ...attempts: readonly (readonly (readonly [number, Event])[])[]) {
  let position = startPosition(BigInt(since));
  const news: string[] = [];
  const from: number[] = [];
  for (const attempt of attempts) {
    from.push(Number(resumeRevision(position)));
    beginAttempt(position);
    for (const each of attempt) {
      const step = advance(position, message(each));
      position = step.position;
      news.push(...step.news.map((one) => `${one.revision} ${eventName(one) || one.event.case}`));
    }
  }
  return { news, from, next: Number(resumeRevision(position)) };
}

it.each([
  {
    name: "a later revision completes the one before it",
    result: run(1, [
      [2, "a"],
      [3, "a"],
    ]),
    expected: { news: ["2 a", "3 a"], from: [1], next: 2 },
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
    name: "a snapshot that was cut begins again, and is not told twice",
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
    expected: { news: ["5 a", "6 b", "6 synced", "7 c"], from: [0, 0], next: 6 },
  },
])("$name", ({ result, expected }) => {
  expect(result).toEqual(expected);
});
