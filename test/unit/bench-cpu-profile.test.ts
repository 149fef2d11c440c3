import { describe, expect, it } from "vitest";
import { addUp, categoryOf } from "../../bench/lib/cpu-profile.ts";

const frame = (functionName: string, url = "") => ({ functionName, url, lineNumber: 0, columnNumber: 0 });

describe("what the bench makes of a CPU profile", () => {
  const cases: readonly [string, string, string, string][] = [
    ["(garbage collector)", "", "(garbage collector)", "garbage collection"],
    ["(program)", "", "(program)", "native: event loop, reads"],
    ["writev", "", "writev", "native: called from JavaScript, writes"],
    ["end", "node:_http_outgoing", "end node:_http_outgoing:1", "node:http"],
    ["write", "node:internal/streams/writable", "write node:internal/streams/writable:1", "node:net and streams"],
    [
      "nextTick",
      "node:internal/process/task_queues",
      "nextTick node:internal/process/task_queues:1",
      "the rest of Node",
    ],
    ["feed", "file:///dist/bin/proxy.js", "feed src/wire/frame-reader.ts:38", "src/wire"],
    ["create", "file:///dist/bin/proxy.js", "create @bufbuild/protobuf/dist/esm/create.js:1", "@bufbuild/protobuf"],
    ["x", "file:///elsewhere.js", "x ../../elsewhere.js:1", "other code"],
  ];

  it.each(cases)("files %s of '%s' by what it is part of", (functionName, url, place, category) => {
    expect(categoryOf({ functionName, url }, place)).toBe(category);
  });

  it("adds up what lies between two times and leaves out what is idle", () => {
    const times = addUp(
      {
        startTime: 1_000,
        nodes: [
          { id: 1, callFrame: frame("(root)"), children: [2, 3] },
          { id: 2, callFrame: frame("outer"), children: [4] },
          { id: 3, callFrame: frame("(idle)") },
          { id: 4, callFrame: frame("inner") },
        ],
        samples: [2, 2, 4, 3, 4, 2],
        timeDeltas: [10, 20, 30, 40, 50, 60],
      },
      1_020,
      1_160,
    );
    expect(times.busyUs).toBe(100);
    expect(times.own.get("outer")).toBe(20);
    expect(times.own.get("inner")).toBe(80);
    expect(times.inclusive.get("outer")).toBe(100);
    expect(times.own.get("(idle)")).toBe(0);
  });
});
