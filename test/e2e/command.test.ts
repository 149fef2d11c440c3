import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { writeApp } from "../support/apps.ts";
import { startLoad } from "../support/load.ts";
import {
  api,
  application,
  clientEnv,
  eventually,
  processesOf,
  runningPids,
  runWindlass,
  startWindlass,
  waitForStatus,
} from "../support/windlass.ts";

/** A program that knows nothing of Windlass. `listen` is where it listens. */
const SERVER = (listen: string): string => `
import { createServer } from "node:http";
const server = createServer((request, response) => {
  let length = 0;
  request.on("data", (chunk) => (length += chunk.length));
  request.on("end", () => {
    const headers = Object.keys(request.headers).filter((name) => name.startsWith("x-windlass"));
    const answer = () => response.end(JSON.stringify({ pid: process.pid, url: request.url, length, headers, flavour: process.env.FLAVOUR }));
    setTimeout(answer, Number(new URL(request.url, "http://x").searchParams.get("ms") ?? 0));
  });
});
server.listen(${listen});
process.on("SIGTERM", () => server.close(() => process.exit(0)));
`;

const CONFIG = (more: string, command = '["node", "server.mjs"]'): string => `
applications:
  - name: prog
    external_scaler_enabled: true
    deployments:
      - name: Prog
        command: ${command}
        readiness_path: /ready
        graceful_shutdown_timeout_s: 3
${more}`;

const program = (source: string, more = "", command?: string): string =>
  writeApp("", CONFIG(more, command), { "server.mjs": source });

describe("a command that serves", () => {
  it.each([
    { where: "$PORT", listen: "Number(process.env.PORT), '127.0.0.1'" },
    { where: "$WINDLASS_SOCKET", listen: "process.env.WINDLASS_SOCKET" },
  ])("on $where is deployed, scaled, survives the controller and stops", async ({ listen }) => {
    const windlass = await startWindlass([program(SERVER(listen), "        env: { FLAVOUR: sweet }\n")]);
    await waitForStatus(windlass, "prog", "RUNNING");
    const body = "x".repeat(3_000_000);
    const response = await fetch(`${windlass.http}/some/path?q=1`, {
      method: "POST",
      body,
      headers: { "x-windlass-kind": "call" },
    });
    expect(await response.json()).toMatchObject({
      url: "/some/path?q=1",
      length: body.length,
      headers: [],
      flavour: "sweet",
    });

    const scale = await api(windlass, "/api/v1/applications/prog/deployments/Prog/scale", {
      body: { target_num_replicas: 3 },
    });
    expect(scale.status).toBe(200);
    await eventually(async () => (await runningPids(windlass, "prog", "Prog")).length === 3);
    const pids = await runningPids(windlass, "prog", "Prog");
    const load = startLoad(windlass.http, { path: () => "/?ms=2" });
    process.kill(windlass.pids.controller, "SIGKILL");
    await eventually(async () => {
      const answer = await api(windlass, "/-/readyz").catch(() => undefined);
      return answer?.status === 200 && (answer.json as { pid: number }).pid !== windlass.pids.controller;
    });
    await eventually(async () => (await runningPids(windlass, "prog", "Prog")).length === 3);
    expect(await runningPids(windlass, "prog", "Prog")).toEqual(pids);
    await api(windlass, "/api/v1/applications/prog/deployments/Prog/scale", { body: { target_num_replicas: 1 } });
    await eventually(async () => (await application(windlass, "prog"))?.deployments["Prog"]?.replicas.length === 1);
    expect((await load.stop()).failures).toEqual([]);
    expect(await windlass.stop()).toBe(0);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
    expect(processesOf(windlass.stateDir)).toEqual([]);
  });

  it("is replaced when it dies, and reported", async () => {
    const windlass = await startWindlass([program(SERVER("Number(process.env.PORT), '127.0.0.1'"))]);
    await waitForStatus(windlass, "prog", "RUNNING");
    const [pid] = await runningPids(windlass, "prog", "Prog");
    process.kill(pid!, "SIGKILL");
    await eventually(async () => {
      const pids = await runningPids(windlass, "prog", "Prog");
      return pids.length === 1 && pids[0] !== pid;
    });
    expect((await fetch(`${windlass.http}/`)).status).toBe(200);
  });

  it("is killed when it ignores SIGTERM for longer than its grace", async () => {
    const stubborn = SERVER("Number(process.env.PORT), '127.0.0.1'").replace(
      "server.close(() => process.exit(0))",
      "{}",
    );
    const windlass = await startWindlass([program(stubborn)]);
    await waitForStatus(windlass, "prog", "RUNNING");
    const [pid] = await runningPids(windlass, "prog", "Prog");
    const asked = performance.now();
    await api(windlass, "/api/v1/applications/prog/deployments/Prog/scale", { body: { target_num_replicas: 0 } });
    await eventually(async () => (await application(windlass, "prog"))?.deployments["Prog"]?.replicas.length === 0);
    expect(performance.now() - asked).toBeGreaterThan(2_500);
    expect(() => process.kill(pid!, 0)).toThrow();
  });
});

describe("a command that does not serve is reported with its last words", () => {
  const cases: { name: string; source: string; more?: string; command?: string; message: RegExp }[] = [
    {
      name: "one that exits at once",
      source: "console.error('no licence found'); process.exit(3);",
      message: /the process exited with code 3; it last said: no licence found/,
    },
    {
      name: "one that never listens",
      source: "console.error('warming up'); setInterval(() => {}, 1000);",
      more: "        readiness_timeout_s: 0.5\n",
      message:
        /GET \/ready was not answered on \$WINDLASS_SOCKET or \$PORT \(127\.0\.0\.1:\d+\) within 0\.5 s: nothing listens; it last said: warming up/,
    },
    {
      name: "one that answers its readiness path with an error",
      source: `import { createServer } from "node:http"; createServer((_, r) => r.writeHead(500).end()).listen(Number(process.env.PORT), "127.0.0.1");`,
      more: "        readiness_timeout_s: 0.5\n",
      message: /GET \/ready was not answered .* within 0\.5 s: status 500/,
    },
    {
      name: "a program that does not exist",
      source: "",
      command: '["no-such-program-here"]',
      message: /could not be started: .*no-such-program-here.*ENOENT/,
    },
  ];
  it.each(cases)("$name", async ({ source, more, command, message }) => {
    const config = program(source, more, command);
    const windlass = await startWindlass([config, "--spare-replicas", "0"]);
    const view = await waitForStatus(windlass, "prog", "DEPLOY_FAILED");
    expect(view.deployments["Prog"]?.message).toMatch(message);
    await eventually(() => processesOf(windlass.stateDir).length === 4);
    const deploy = await runWindlass(["deploy", config, "--wait"], clientEnv(windlass));
    expect([deploy.code, deploy.stderr]).toEqual([1, expect.stringMatching(message)]);
  });

  it("a config that cannot be meant is refused at once", async () => {
    const windlass = await startWindlass([]);
    const put = (applications: object[]) =>
      api(windlass, "/api/serve/applications/", {
        method: "PUT",
        body: { applications },
        headers: { "x-windlass-base-dir": dirname(program("")) },
      });
    const two = await put([
      {
        name: "p",
        deployments: [
          { name: "A", command: ["a"] },
          { name: "B", command: ["b"] },
        ],
      },
    ]);
    expect([two.status, two.text]).toEqual([400, expect.stringContaining("ingress: true")]);
    const mixed = await put([{ name: "p", import_path: "./app.ts:app", deployments: [{ name: "A", command: ["a"] }] }]);
    expect([mixed.status, mixed.text]).toEqual([400, expect.stringContaining("import_path")]);
  });
});
