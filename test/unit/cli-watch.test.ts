import { spawn } from "node:child_process";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { Application_State } from "../../gen/windlass/v1/application_pb.ts";
import { Deployment_State, Deployment_StateTrigger, Replica_State } from "../../gen/windlass/v1/deployment_pb.ts";
import { apiError, type FeedAttempt, type FeedMessage, fakeApi } from "../support/fake-api.ts";
import { type CliResult, runCli } from "../support/run-cli.ts";

const app = (revision: bigint, state: Application_State, name = "applications/text"): FeedMessage => ({
  revision,
  event: { case: "application", value: { name, state, updateTime: { seconds: 1_700_000_000n, nanos: 5_000_000 } } },
});
const replica = (revision: bigint, id: string, state: Replica_State = Replica_State.RUNNING): FeedMessage => ({
  revision,
  event: { case: "replica", value: { name: `applications/text/deployments/A/replicas/${id}`, state, pid: 7 } },
});
const deleted = (revision: bigint, name: string): FeedMessage => ({
  revision,
  event: { case: "deleted", value: name },
});
const synced = (revision: bigint): FeedMessage => ({ revision, event: { case: "synced", value: true } });
const progress = (revision: bigint): FeedMessage => ({ revision });

/** Watches until a line has `until` in it, and returns the lines parsed. */
async function watchUntil(
  feed: readonly FeedAttempt[],
  until: string,
  argv: readonly string[] = [],
): Promise<CliResult & { lines: Record<string, unknown>[]; starts: bigint[]; names: string[] }> {
  const api = await fakeApi({ feed });
  const stop = new AbortController();
  const result = await runCli(["watch", ...argv], {
    env: { WINDLASS_ADDRESS: api.address },
    stop: stop.signal,
    onOut: (text) => {
      if (text.includes(until)) stop.abort();
    },
  });
  const lines = result.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const starts = api.watches.map((request) => request.startRevision);
  return { ...result, lines, starts, names: api.watches.map((request) => request.name) };
}

const brief = (line: Record<string, unknown>): string =>
  [line.revision, line.kind, line.replica ?? line.application, line.state]
    .filter((part) => part !== undefined)
    .join(" ");

describe("windlass watch --decisions", () => {
  const name = "applications/my%20app/deployments/A";
  /** What is printed of two answers, of which the first is cut in its snapshot, and what was asked. */
  async function decisions(argv: readonly string[]) {
    const asked: { name: string; shadow: boolean; startRevision: bigint }[] = [];
    const decision = { time: { seconds: 1_700_000_000n }, policy: "built-in", targetReplicas: 1, result: 2 };
    const api = await fakeApi({
      deployments: {
        async *watchScalingDecisions({ name: of, shadow, startRevision }, { signal }) {
          asked.push({ name: of, shadow, startRevision });
          yield { revision: 4n, name, decision };
          if (asked.length === 1) throw apiError(Code.Unavailable, "it stops", "INSTANCE_UNAVAILABLE");
          yield { revision: 4n, synced: true };
          yield { revision: 5n, name, decision: { ...decision, targetReplicas: 2 } };
          yield { revision: 6n, deleted: name };
          await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        },
      },
    });
    const stop = new AbortController();
    const { out, code } = await runCli(["watch", ...argv], {
      env: { WINDLASS_ADDRESS: api.address },
      stop: stop.signal,
      onOut: (text) => text.includes("deleted") && stop.abort(),
    });
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    return { lines, asked, code };
  }

  it("prints each decision once as an object a line, across a cut", async () => {
    const { lines, asked, code } = await decisions(["--decisions", "my app"]);
    const of = { name, application: "my app", deployment: "A" };
    expect(lines).toEqual([
      expect.objectContaining({ revision: 4, time: "2023-11-14T22:13:20.000Z", kind: "decision", ...of, result: 2 }),
      { revision: 4, time: null, kind: "synced" },
      expect.objectContaining({ revision: 5, kind: "decision", ...of, target_replicas: 2 }),
      { revision: 6, time: null, kind: "deleted", ...of },
    ]);
    expect(asked).toEqual(Array(2).fill({ name: "applications/my%20app", shadow: false, startRevision: 0n }));
    expect(code).toBe(0);
  });

  it("is about all applications where none is named, and with --shadow about shadows", async () => {
    const { asked } = await decisions(["--shadow"]);
    expect(asked[0]).toEqual({ name: "applications/-", shadow: true, startRevision: 0n });
  });
});

describe("windlass watch", () => {
  it("-o yaml prints documents divided by a line ---", async () => {
    const api = await fakeApi({ feed: [{ send: [app(4n, Application_State.RUNNING), synced(4n)], end: "hold" }] });
    const stop = new AbortController();
    const { out } = await runCli(["watch", "-o", "yaml"], {
      env: { WINDLASS_ADDRESS: api.address },
      stop: stop.signal,
      onOut: (text) => text.includes("synced") && stop.abort(),
    });
    expect(parseAllDocuments(out).map((document) => (document.toJS() as { kind: string }).kind)).toEqual([
      "application",
      "synced",
    ]);
  });

  it("ends quietly when the reader of its pipe goes, although nothing more happens", async () => {
    const api = await fakeApi({ feed: [{ send: [app(4n, Application_State.RUNNING), synced(4n)], end: "hold" }] });
    const command = `"$0" src/bin/cli.ts watch -a ${api.address} | { read -r line; echo "$line"; }; echo "\${PIPESTATUS[0]}"`;
    const root = join(import.meta.dirname, "../..");
    const child = spawn("bash", ["-c", command, process.execPath], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    await new Promise((resolve) => child.once("close", resolve));
    const [line, code] = out.trimEnd().split("\n");
    expect(JSON.parse(line!)).toMatchObject({ kind: "application", state: "RUNNING" });
    expect({ code, err }).toEqual({ code: "0", err: "" });
  });

  it("prints one object a line with revision, time, kind, name and state, and ends with 0 when stopped", async () => {
    const deployment: FeedMessage = {
      revision: 4n,
      event: {
        case: "deployment",
        value: {
          name: "applications/my%20app/deployments/A",
          state: Deployment_State.UPSCALING,
          stateTrigger: Deployment_StateTrigger.AUTOSCALING,
          targetNumReplicas: 3,
          replicaCounts: [
            { state: Replica_State.RUNNING, count: 1 },
            { state: Replica_State.STARTING, count: 2 },
          ],
        },
      },
    };
    const { code, lines, err } = await watchUntil(
      [{ send: [app(4n, Application_State.DEPLOYING), deployment, synced(4n)], end: "hold" }],
      "synced",
    );
    expect(code).toBe(0);
    expect(err).toBe("");
    expect(lines[0]).toMatchObject({
      revision: 4,
      time: "2023-11-14T22:13:20.005Z",
      kind: "application",
      name: "applications/text",
      state: "DEPLOYING",
    });
    expect(lines[1]).toMatchObject({
      kind: "deployment",
      application: "my app",
      deployment: "A",
      state: "UPSCALING",
      trigger: "AUTOSCALING",
      target: 3,
      replica_counts: { RUNNING: 1, STARTING: 2 },
    });
    expect(lines[2]).toEqual({ revision: 4, time: null, kind: "synced" });
  });

  const cases: {
    name: string;
    feed: FeedAttempt[];
    until: string;
    argv?: string[];
    starts: bigint[];
    lines: string[];
  }[] = [
    {
      name: "continues after the last whole revision, without the events of a half one that it has printed",
      feed: [
        { send: [app(5n, Application_State.RUNNING), synced(5n), replica(6n, "a"), replica(7n, "b")], end: "break" },
        // Revision 7 had more to tell: all of it comes again.
        { send: [replica(7n, "b"), replica(7n, "c"), deleted(9n, "applications/text")], end: "hold" },
      ],
      until: "deleted",
      starts: [0n, 6n],
      lines: [
        "5 application text RUNNING",
        "5 synced",
        "6 replica a RUNNING",
        "7 replica b RUNNING",
        "7 replica c RUNNING",
        "9 deleted text",
      ],
    },
    {
      name: "continues after a progress message's revision and prints nothing for it",
      feed: [
        { send: [synced(5n), replica(6n, "a"), progress(8n)], end: "break" },
        { send: [replica(9n, "b")], end: "hold" },
      ],
      until: '"b"',
      starts: [0n, 8n],
      lines: ["5 synced", "6 replica a RUNNING", "9 replica b RUNNING"],
    },
    {
      name: "tells only differences when the first snapshot was cut",
      feed: [
        { send: [app(5n, Application_State.DEPLOYING), replica(5n, "a")], end: "break" },
        { send: [app(6n, Application_State.RUNNING), replica(6n, "b"), synced(6n)], end: "hold" },
      ],
      until: "synced",
      starts: [0n, 0n],
      lines: [
        "5 application text DEPLOYING",
        "5 replica a RUNNING",
        "6 application text RUNNING",
        "6 replica b RUNNING",
        "6 deleted a",
        "6 synced",
      ],
    },
    {
      name: "does not repeat what the first snapshot told before the cut",
      feed: [
        { send: [app(5n, Application_State.RUNNING), replica(5n, "a")], end: "break" },
        { send: [app(6n, Application_State.RUNNING), replica(6n, "a"), synced(6n)], end: "hold" },
      ],
      until: "synced",
      starts: [0n, 0n],
      lines: ["5 application text RUNNING", "5 replica a RUNNING", "6 synced"],
    },
    {
      name: "begins after --since without a snapshot",
      feed: [{ send: [replica(12n, "a")], end: "hold" }],
      until: '"a"',
      argv: ["--since", "11"],
      starts: [11n],
      lines: ["12 replica a RUNNING"],
    },
    {
      name: "stays connected to a server that goes away politely",
      feed: [
        { send: [synced(5n)], end: apiError(Code.Unavailable, "the server stops", "INSTANCE_UNAVAILABLE") },
        { send: [replica(6n, "a")], end: "hold" },
      ],
      until: '"a"',
      starts: [0n, 5n],
      lines: ["5 synced", "6 replica a RUNNING"],
    },
  ];
  it.each(cases)("$name", async ({ feed, until, argv, starts, lines }) => {
    const result = await watchUntil(feed, until, argv);
    expect(result.lines.map(brief)).toEqual(lines);
    expect(result.starts).toEqual(starts);
    expect(result.code).toBe(0);
  });

  it("begins anew with the present state when the history is gone, and says so", async () => {
    const gone = apiError(Code.OutOfRange, "compacted", "HISTORY_COMPACTED");
    const feed: FeedAttempt[] = [
      { send: [], end: gone },
      { send: [replica(90n, "a"), synced(90n)], end: "hold" },
    ];
    const result = await watchUntil(feed, "synced", ["--since", "3"]);
    expect(result.starts).toEqual([3n, 0n]);
    expect(result.lines.map(brief)).toEqual(["90 replica a RUNNING", "90 synced"]);
    expect(result.err).toBe("windlass: the history after revision 3 is gone; beginning with the present state\n");
  });

  it.each([
    { argv: ["text"], name: "applications/text" },
    { argv: ["my app/A b"], name: "applications/my%20app/deployments/A%20b" },
    { argv: [], name: "" },
  ])("asks for the resource $name", async ({ argv, name }) => {
    const result = await watchUntil([{ send: [synced(1n)], end: "hold" }], "synced", argv);
    expect(result.names).toEqual([name]);
  });

  it.each([
    {
      name: "a missing token ends it with 4",
      error: apiError(Code.Unauthenticated, "no", "UNAUTHENTICATED"),
      code: 4,
      err: "wants a token",
    },
    {
      name: "a token of the wrong role ends it with 4",
      error: apiError(Code.PermissionDenied, "viewers only", "PERMISSION_DENIED"),
      code: 4,
      err: "viewers only",
    },
    {
      name: "an unavailable instance at the first attempt ends it with 1",
      error: apiError(Code.Unavailable, "ending", "INSTANCE_UNAVAILABLE"),
      code: 1,
      err: "ending",
    },
  ])("$name", async ({ error, code, err }) => {
    const api = await fakeApi({ feed: [{ send: [], end: error }] });
    const result = await runCli(["watch"], { env: { WINDLASS_ADDRESS: api.address } });
    expect(result.code).toBe(code);
    expect(result.err).toContain(err);
    expect(result.err.trim().split("\n")).toHaveLength(1);
  });
});
