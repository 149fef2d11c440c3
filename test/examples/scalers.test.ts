/** examples/scalers/: every program drives a running Windlass; what it meets on the way is one line. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { runProgram } from "../support/python.ts";
import {
  application,
  clientEnv,
  eventually,
  ROOT,
  runningPids,
  runWindlass,
  startWindlass,
  type Windlass,
  waitForStatus,
} from "../support/windlass.ts";

const FOLDER = join(ROOT, "examples/scalers");
const DIRECT = { PYTHONDONTWRITEBYTECODE: "1", no_proxy: "127.0.0.1" };

/** Starts a scaler and leaves it running; it is killed with the test. */
function startScaler(args: string[], env: Record<string, string>): { child: ChildProcess; lines: () => string } {
  const child = spawn("python3", args, { cwd: FOLDER, env: { ...process.env, ...DIRECT, ...env } });
  let lines = "";
  child.stderr.on("data", (chunk) => (lines += chunk));
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, lines: () => lines };
}

const runScaler = (args: string[], env: Record<string, string>) =>
  runProgram("python3", args, { cwd: FOLDER, env: { ...DIRECT, ...env } });

/** A webhook that answers from a script, one entry a call, and keeps the bodies. */
async function scripted(
  answer: (call: number, request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ env: Record<string, string>; bodies: Record<string, unknown>[]; tokens: (string | undefined)[] }> {
  const bodies: Record<string, unknown>[] = [];
  const tokens: (string | undefined)[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    tokens.push(request.headers.authorization);
    bodies.push(JSON.parse(text || "{}") as Record<string, unknown>);
    answer(bodies.length, request, response);
  }).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { env: { WINDLASS_ADDRESS: `http://127.0.0.1:${port}`, WINDLASS_TOKEN: "t" }, bodies, tokens };
}

const target = async (windlass: Windlass) =>
  (await application(windlass, "jobs"))?.deployments["Worker"]?.target_num_replicas;

async function follows(windlass: Windlass, replicas: number): Promise<void> {
  await eventually(
    async () =>
      (await target(windlass)) === replicas && (await runningPids(windlass, "jobs", "Worker")).length === replicas,
    () => `Worker did not come to ${replicas} replicas`,
    60_000,
  );
}

/** A command that the README shows, without its continuation lines. */
function shown(program: string): string[] {
  const text = readFileSync(join(FOLDER, "README.md"), "utf8").replace(/ \\\n +/g, " ");
  const line = new RegExp(`^python3 examples/scalers/${program} (.*)$`, "m").exec(text)?.[1];
  if (line === undefined) throw new Error(`the README does not show ${program}`);
  return [program, ...[...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!)];
}

it("metric, time of day and hand scale what runs, and a metric-driven scaler that is killed falls back", async () => {
  const windlass = await startWindlass([join(ROOT, "examples/scalers.yaml")]);
  await waitForStatus(windlass, "jobs", "RUNNING", 60_000);
  await follows(windlass, 2);
  const token = (await runWindlass(["token", "jobs"], clientEnv(windlass))).stdout.trim();
  const env = { WINDLASS_ADDRESS: windlass.control, WINDLASS_TOKEN: token };

  const byHand = await runScaler(shown("manual.py"), env);
  expect(byHand).toEqual({ code: 0, out: "jobs/Worker: target 2 -> 3\n", err: "" });
  await follows(windlass, 3);

  const planned = await runScaler([...shown("predictive.py"), "--at", "2026-03-02T03:00", "--ttl-s", "0"], env);
  expect(planned).toEqual({ code: 0, out: "", err: "03:00: 3 -> 1 replicas\n" });
  await follows(windlass, 1);

  const asShown = shown("metric_driven.py").map((arg) => arg.replace("http://127.0.0.1:8000", windlass.http));
  const quick = ["--interval-s", "0.2", "--ttl-s", "3", "--down-after-s", "2", "--max", "3"];
  const scaler = startScaler([...asShown, ...quick], env);
  const jobs = await fetch(`${windlass.http}/jobs?count=13&ms=300`, { method: "POST" });
  expect(jobs.status).toBe(202);
  await follows(windlass, 3);
  expect(scaler.lines()).toMatch(/^jobs_unfinished is \d+: 1 -> 3 replicas$/m);
  // Others are kept out meanwhile.
  const refused = await runScaler(shown("manual.py"), env);
  expect([refused.code, refused.out]).toEqual([1, ""]);
  expect(refused.err).toMatch(/^manual\.py: 409: the target of .*"metric-driven".*\n$/);
  await follows(windlass, 1);
  await eventually(() => /^jobs_unfinished is \d: \d -> 1 replicas$/m.test(scaler.lines()), scaler.lines);

  scaler.child.kill("SIGKILL");
  await follows(windlass, 2);
  expect((await runScaler(shown("manual.py"), env)).code).toBe(0);
}, 150_000);

it("a metric that cannot be read renews nothing, and counts as no zero", async () => {
  const { env, bodies } = await scripted((call, request, response) => {
    if (request.method === "POST") return void response.end('{"previous_target_num_replicas": 4}');
    const samples = ['jobs{queue="a"} 9\njobs{queue="b}"} 90\njobs_total 500\n', "", "jobs NaN\n"];
    if (call > 3 + samples.length) return void response.writeHead(503).end();
    response.end(call === 1 ? samples[0] : samples[call - 3]);
  });
  const metrics = ["--metrics", `${env["WINDLASS_ADDRESS"]}/metrics`, "--metric", "jobs", "--label", "queue=a"];
  const args = ["metric_driven.py", "jobs", "Worker", ...metrics, "--per-replica", "4", "--interval-s", "0.05"];
  const scaler = startScaler(args, env);
  const blind = /there is no sample of jobs \{'queue': 'a'\}; the lease is not renewed\n/;
  const gone = /cannot read http:\S+: HTTP Error 503: Service Unavailable; the lease is not renewed\n/;
  await eventually(() => blind.test(scaler.lines()) && gone.test(scaler.lines()), scaler.lines);
  const calls = bodies.filter((body) => "target_num_replicas" in body);
  // First a look at what runs, which counts as needed: 3 would be enough for 9 jobs.
  expect(calls.map(({ target_num_replicas, dry_run }) => [target_num_replicas, dry_run])).toEqual([
    [1, true],
    [4, undefined],
  ]);
  expect(calls[1]).toMatchObject({ owner: "metric-driven", ttl_s: 90, reason: "jobs is 9" });
});

describe("the call", () => {
  const MANUAL = ["manual.py", "jobs", "Worker", "3", "--reason", "test"];

  it("is made again with the same request_id while the server fails, until any 2xx", async () => {
    const { env, bodies, tokens } = await scripted((call, _, response) => {
      if (call === 1) return void response.writeHead(503).end('{"error": "later"}');
      if (call === 2) return void response.destroy();
      response.writeHead(202).end('{"previous_target_num_replicas": 1}');
    });
    expect(await runScaler(MANUAL, env)).toEqual({ code: 0, out: "jobs/Worker: target 1 -> 3\n", err: "" });
    expect(bodies).toHaveLength(3);
    expect(bodies[0]).toMatchObject({ target_num_replicas: 3, reason: "test", request_id: expect.any(String) });
    expect(new Set(bodies.map((body) => body["request_id"])).size).toBe(1);
    expect(tokens).toEqual(["Bearer t", "Bearer t", "Bearer t"]);
  });

  it("gives up on a server that never answers", async () => {
    const { env, bodies } = await scripted(() => {});
    const { code, err } = await runScaler([...MANUAL, "--timeout-s", "0.1"], env);
    expect([code, err]).toEqual([
      1,
      `manual.py: not scaled after 4 attempts; no answer from ${env["WINDLASS_ADDRESS"]}: timed out\n`,
    ]);
    expect(bodies).toHaveLength(4);
  });

  it.each([
    [401, "set WINDLASS_TOKEN to what `windlass token jobs` prints"],
    [403, "no"],
    [404, "no"],
    [409, "no"],
    [412, "no"],
    // A redirect is not followed: it would carry the token away.
    [307, "no"],
  ])("stops on %i with one line", async (status, end) => {
    const { env, bodies } = await scripted((_, __, response) =>
      response.writeHead(status, { location: "/elsewhere" }).end('{"error": "no"}'),
    );
    const { code, out, err } = await runScaler(MANUAL, env);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toBe(`manual.py: ${status}: no${end === "no" ? "" : `; ${end}`}\n`);
    expect(bodies).toHaveLength(1);
  });

  it("of a loop stops too where the answer is final, and stands by where a lease may end", async () => {
    const { env, bodies } = await scripted((call, _, response) =>
      response.writeHead(call === 1 ? 409 : 412).end('{"error": "no", "owner": "x", "fence": null}'),
    );
    const { code, err } = await runScaler(["predictive.py", "jobs", "Worker", "--interval-s", "0.05"], env);
    expect([code, err]).toEqual([1, "409: no; trying again in 0.05 s\npredictive.py: 412: no\n"]);
    expect(bodies).toHaveLength(2);
  });

  it("with a fence that was overtaken ends a loop", async () => {
    const { env } = await scripted((_, request, response) => {
      if (request.method === "GET") return void response.end("jobs 1\n");
      response.writeHead(409).end('{"error": "stale", "owner": "x", "fence": 8}');
    });
    const metrics = ["--metrics", `${env["WINDLASS_ADDRESS"]}/metrics`, "--metric", "jobs", "--per-replica", "4"];
    const args = ["metric_driven.py", "jobs", "Worker", ...metrics, "--fence", "7"];
    expect(await runScaler(args, env)).toEqual({ code: 1, out: "", err: "metric_driven.py: 409: stale\n" });
  });

  it("is not made where the address or an argument is wrong", async () => {
    const wrong = await runScaler(MANUAL, { WINDLASS_ADDRESS: "localhost:8265" });
    expect([wrong.code, wrong.err]).toEqual([
      1,
      "manual.py: WINDLASS_ADDRESS 'localhost:8265' is not an address; give one like http://127.0.0.1:8265\n",
    ]);
    const badToken = await runScaler(MANUAL, { WINDLASS_TOKEN: "two\nlines" });
    expect([badToken.code, badToken.err]).toEqual([1, expect.stringMatching(/^manual\.py: cannot call .*\n$/)]);
    const short = await runScaler(["predictive.py", "jobs", "Worker", "--ttl-s", "60"], {});
    expect([short.code, short.err]).toEqual([2, expect.stringContaining("--ttl-s 60 must be at least twice")]);
  });
});

it.each([
  ["2026-03-02T08:49", 3],
  ["2026-03-02T08:50", 10],
  ["2026-03-02T16:55", 15],
  ["2026-03-02T21:55", 15],
  ["2026-03-02T22:00", 3],
  ["2026-03-03T00:10", 3],
])("as of %s the plan asks for %i replicas, ten minutes ahead going up and not going down", async (at, replicas) => {
  const { env, bodies } = await scripted((_, __, response) => response.end("{}"));
  const { code } = await runScaler(["predictive.py", "jobs", "Worker", "--at", at], { ...env, TZ: "UTC" });
  expect([code, bodies[0]]).toMatchObject([0, { target_num_replicas: replicas, owner: "predictive", ttl_s: 900 }]);
});
