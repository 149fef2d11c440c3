/** Request routers in a whole instance: in both proxies and in handles. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeApp } from "../support/apps.ts";
import {
  type ApplicationView,
  api,
  application,
  clientEnv,
  eventually,
  ROOT,
  runWindlass,
  startWindlass,
  type Windlass,
  waitForStatus,
} from "../support/windlass.ts";

/** Asks over a connection of its own, so that either proxy may take it. */
async function ask(windlass: Windlass, path: string, headers: Record<string, string> = {}): Promise<unknown> {
  const response = await fetch(`${windlass.http}${path}`, { headers: { ...headers, connection: "close" } });
  const text = await response.text();
  expect([path, response.status, text]).toEqual([path, 200, text]);
  return JSON.parse(text);
}

/** The application once its message has a text; `each`: done before each look. */
async function messageWith(windlass: Windlass, text: string, each?: () => Promise<unknown>): Promise<ApplicationView> {
  let last: ApplicationView | undefined;
  return eventually(
    async () => {
      await each?.();
      last = await application(windlass, "wild");
      return last?.message.includes(text) ? last : undefined;
    },
    () => `the message is ${JSON.stringify(last?.message)}, without ${JSON.stringify(text)}`,
  );
}

describe("examples/request-router", () => {
  it("keeps a session at its replica over both proxies, and the calls for a shelf at the two that fetched it", async () => {
    const windlass = await startWindlass([`${ROOT}/examples/request-router.yaml`]);
    await waitForStatus(windlass, "notes", "RUNNING", 150_000);
    await waitForStatus(windlass, "shelves", "RUNNING", 150_000);
    const places = new Map<string, string>();
    for (let round = 1; round <= 4; round++) {
      for (let index = 0; index < 12; index++) {
        const session = `user-${index}`;
        const name = round % 2 ? "x-session-id" : "x_session_id";
        const { replica, notes } = (await ask(windlass, `/notes?add=${round}`, { [name]: session })) as {
          replica: string;
          notes: string[];
        };
        expect([session, replica]).toEqual([session, places.get(session) ?? replica]);
        expect(notes).toHaveLength(round);
        places.set(session, replica);
      }
    }
    expect(new Set(places.values()).size).toBe(3);
    const looked = new Map<string, Set<string>>();
    for (let i = 0; i < 24; i++) {
      const shelf = i % 2 ? "a" : "b";
      const { replica } = (await ask(windlass, `/shelves?shelf=${shelf}`)) as { replica: string };
      looked.set(shelf, (looked.get(shelf) ?? new Set()).add(replica));
    }
    for (const replicas of looked.values()) expect(replicas.size).toBeLessThanOrEqual(2);
    const { text } = await api(windlass, "/metrics");
    expect(text).not.toContain("windlass_request_router_faults_total{");
    expect(await windlass.stop()).toBe(0);
  });
});

const APP = `
import { deployment, getReplicaContext } from "windlass";
class Back {
  recordRoutingStats() { return { chosen: getReplicaContext().replicaId }; }
  where() { return getReplicaContext().replicaId; }
}
class Front {
  constructor(back) { this.back = back; }
  async fetch(request) {
    return Response.json({ front: getReplicaContext().replicaId, back: await this.back.where.remote() });
  }
}
const back = deployment(Back, {
  numReplicas: 2,
  requestRouterConfig: { requestRouterClass: "./router.ts:First", requestRoutingStatsPeriodS: 0.2 },
});
export const app = deployment(Front).bind(back.bind());
`;
const ROUTER = `
/** The replica with the least id, of those that told who they are. */
export class First {
  chooseReplicas(candidates, request) {
    const told = candidates.filter(({ id, routingStats }) => routingStats.chosen === id);
    const from = told.length === candidates.length ? told : [];
    return [[...from].sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, 1)];
  }
}
export class Failing {
  chooseReplicas() { throw new TypeError("no such tenant"); }
}
export class Wild {
  constructor() { setTimeout(() => { throw new Error("from a timer"); }, 10); Promise.reject(new Error("rejected")); }
  chooseReplicas() { throw new Error("this one always throws"); }
}
`;

describe("a router of the user's", () => {
  const config = (router: string, name = "Front"): string =>
    JSON.stringify({
      applications: [
        {
          name: "wild",
          import_path: "./app.ts:app",
          deployments: [{ name, num_replicas: 2, request_router_config: { request_router_class: router } }],
        },
      ],
    });

  it("chooses in handles by what replicas told, and one that throws in the proxies fails no request, is counted and told of", async () => {
    const windlass = await startWindlass([writeApp(APP, config("./router.ts:Wild"), { "router.ts": ROUTER })]);
    await waitForStatus(windlass, "wild", "RUNNING", 150_000);
    const backs = new Set<string>();
    const fronts = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const { front, back } = (await ask(windlass, "/")) as { front: string; back: string };
      backs.add(back);
      fronts.add(front);
    }
    const running = (await application(windlass, "wild"))!.deployments["Back"]!.replicas.map(
      ({ replica_id }) => replica_id,
    );
    expect([...backs]).toEqual([running.sort()[0]]);
    expect(fronts.size).toBe(2);
    await eventually(async () => {
      const { text } = await api(windlass, "/metrics");
      return /windlass_request_router_faults_total\{[^}]*deployment="Front"[^}]*reason="error"[^}]*\} [1-9]/.test(text);
    });
    const told = await messageWith(windlass, "this one always throws");
    expect(told).toMatchObject({ status: "RUNNING", deployments: { Front: { status: "HEALTHY" } } });
    expect(told.message).toMatch(
      /^deployment "Front": the request router \.\/router\.ts:Wild failed .* [0-9-]+T[0-9:]+Z, and the power of two choices stood in for it: Error: this one always throws$/,
    );
    expect(`deployment "Front": ${told.deployments["Front"]!.message}`).toBe(told.message);
    const log = readFileSync(join(windlass.stateDir, "logs", "proxy-0.log"), "utf8");
    const lines = log.split("\n").filter((line) => line.includes("the request router failed"));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("this one always throws");
    for (const pid of windlass.pids.proxies) expect(process.kill(pid, 0)).toBe(true);
    expect(await windlass.stop()).toBe(0);
  });

  it("that throws in handles is told of by `windlass status`, and by the next controller", async () => {
    const windlass = await startWindlass([
      writeApp(APP, config("./router.ts:Failing", "Back"), { "router.ts": ROUTER }),
    ]);
    await waitForStatus(windlass, "wild", "RUNNING", 150_000);
    // The first may be late, as the router is loaded with it.
    await messageWith(windlass, "no such tenant", () => ask(windlass, "/"));
    const status = await runWindlass(["status", "-n", "wild", "-o", "json"], clientEnv(windlass));
    const shown = JSON.parse(status.stdout) as ApplicationView;
    expect(shown).toMatchObject({ status: "RUNNING", deployments: { Back: { status: "HEALTHY" } } });
    expect(shown.message).toContain("TypeError: no such tenant");
    expect(shown.message).toBe(`deployment "Back": ${shown.deployments["Back"]!.message}`);
    process.kill(windlass.pids.controller, "SIGKILL");
    await eventually(async () => {
      const answer = await api(windlass, "/-/readyz").catch(() => undefined);
      return answer?.status === 200 && (answer.json as { pid: number }).pid !== windlass.pids.controller;
    });
    expect((await messageWith(windlass, "TypeError: no such tenant")).status).toBe("RUNNING");
    expect(await windlass.stop()).toBe(0);
  });

  it("that is not there fails the deploy with its name", async () => {
    const windlass = await startWindlass([writeApp(APP, config("./router.ts:Nobody"), { "router.ts": ROUTER })]);
    await waitForStatus(windlass, "wild", "DEPLOY_FAILED", 150_000);
    expect((await application(windlass, "wild"))?.message).toBe(
      'Deploying application "wild" failed: request_router_class "./router.ts:Nobody": no export "Nobody": the module exports Failing, First, Wild',
    );
  });
});
