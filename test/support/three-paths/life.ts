/** Cases: replicas that are not there yet, that die and that stop, and a proxy that stops. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { reach } from "../targets.ts";
import { api, application, eventually, type Windlass } from "../windlass.ts";
import type { Asked } from "./columns.ts";
import { byHandle, first, type Section, type Stage, type Trial, textOf, WORDS } from "./table.ts";

const OK = { http: "200", grpc: "OK", handle: "value", why: WORDS } as const;

/** Trials of a row that run at the same time. */
const together = new Map<string, number>();

/** Resolves once all ways of a row have come so far. */
async function all(name: string, trials = 4): Promise<void> {
  together.set(name, (together.get(name) ?? 0) + 1);
  await eventually(() => together.get(name)! >= trials);
}

async function scale({ windlass }: Stage, name: string, target: number): Promise<void> {
  const url = `/api/v1/applications/${name}/deployments/Paths/scale`;
  const { status, text } = await api(windlass, url, { body: { target_num_replicas: target } });
  if (status !== 200) throw new Error(text);
  await reach(windlass, name, { Paths: target });
}

/** How many replicas of an application's ingress are in this state. */
async function inState({ windlass }: Stage, name: string, state: string): Promise<number> {
  const view = await application(windlass, name);
  return (view?.deployments["Paths"]?.replicas ?? []).filter((replica) => replica.state === state).length;
}

async function running(stage: Stage, name: string, wanted: number): Promise<void> {
  await eventually(async () => (await inState(stage, name, "RUNNING")) === wanted);
}

/** Kills the replica that works on an order; resolves when its process is gone. */
async function kill(trial: Trial, id: string = trial.id): Promise<void> {
  const pid = await trial.begun(id);
  process.kill(pid, "SIGKILL");
  await eventually(() => !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z "));
}

/** The pid of the only proxy. */
function proxyOf({ stateDir }: Windlass): number {
  const records = JSON.parse(readFileSync(join(stateDir, "run.json"), "utf8")) as {
    id: string;
    process: { pid: number } | null;
  }[];
  return records.find(({ id }) => id.startsWith("proxy/"))!.process!.pid;
}

const MORTAL: Asked = { application: "mortal" };
const ONE: Asked = { application: "one" };
const LOST = 'the replica of deployment "Paths" that ran the call broke off; it may have done some of its work';

/** Replicas. */
export const LIFE: Section = {
  title: "Replicas and proxies that come and go",
  rows: [
    {
      title: "an application that is being built for the first time",
      gives: {
        http: "404 Path '/unbuilt/' not found. Ping http://.../-/routes for available routes.",
        grpc: "NOT_FOUND Application 'unbuilt' not found. Ping /ray.serve.RayServeAPIService/ListApplications for available applications.",
        handle: 'DeploymentUnavailableError application "unbuilt" does not exist, was deleted, or does not run yet',
        why: "Its route and its ingress are known once it was built.",
      },
      run: async (trial) => trial.send({ do: "early" }, { application: "unbuilt" }).end,
    },
    {
      title: "replicas that start for the first time: requests wait",
      gives: OK,
      async run(trial) {
        const sent = trial.send({ do: "early" }, { application: "held" });
        await trial.send({ do: "early", id: `${trial.id}-other` }).end;
        await all("held");
        if ((await inState(trial.stage, "held", "RUNNING")) > 0) return "it ran before";
        await all("held-looked");
        trial.go("start");
        return sent.end;
      },
    },
    {
      title: "a deployment that was scaled to zero: a request wakes it",
      alone: true,
      gives: OK,
      async run(trial) {
        const { stage } = trial;
        await eventually(async () => {
          const view = await application(stage.windlass, "asleep");
          const { target_num_replicas: target, replicas } = view!.deployments["Paths"]!;
          return target === 0 && replicas.length === 0;
        });
        return trial.send({ do: "early" }, { application: "asleep" }).end;
      },
    },
    {
      title: "the replica dies in user code",
      alone: true,
      gives: {
        http: "500 Internal Server Error",
        grpc: `UNAVAILABLE ${LOST}`,
        handle: "ReplicaUnavailableError Paths.ask failed",
        why: `${WORDS} It may have done its work, so nobody does it again.`,
      },
      async run(trial) {
        const sent = trial.send({ do: "wait" }, MORTAL);
        await kill(trial);
        const end = await sent.end;
        const times = trial.stage.said(`began ${trial.id}`).length;
        return `${end.replace(/(ask failed): .*/, "$1")}${times === 1 ? "" : `, begun ${times} times`}`;
      },
    },
    {
      title: "the same for a GET",
      alone: true,
      gives: {
        http: "200, by another replica",
        grpc: null,
        handle: null,
        why: "Of methods of HTTP it is known that they may be repeated.",
      },
      async run(trial) {
        const sent = trial.send({ do: "wait" }, { ...MORTAL, method: "GET" });
        await kill(trial);
        await trial.begun(trial.id, 2);
        trial.go();
        const end = await sent.end;
        return `${end}, by another replica`;
      },
    },
    {
      title: "the replica dies within a stream",
      alone: true,
      gives: {
        http: "one, then cut off",
        grpc: `one, then UNAVAILABLE ${LOST}`,
        handle: "one, then ReplicaUnavailableError Paths.tell failed",
        why: "The status of HTTP has gone out by then.",
      },
      async run(trial) {
        const sent = trial.send({ do: "three" }, { ...MORTAL, stream: true });
        await first(sent);
        await kill(trial);
        const end = await sent.end;
        return `${textOf(sent)}, then ${end.replace(/(tell failed): .*/, "$1")}`;
      },
    },
    {
      title: "the replica dies while others wait for its slots",
      alone: true,
      gives: {
        ...OK,
        why: `${WORDS} What no code has seen goes to another replica, whatever it does.`,
      },
      async run(trial) {
        await running(trial.stage, "one", 1);
        const holds = trial.send({ do: "wait", id: `${trial.id}-holds` }, ONE);
        await trial.begun(`${trial.id}-holds`);
        const waits = trial.send({ do: "early" }, ONE);
        await trial.send({ do: "early", id: `${trial.id}-other` }).end;
        await kill(trial, `${trial.id}-holds`);
        await holds.end;
        return waits.end;
      },
    },
    {
      title: "the replica is stopped: what it has begun is finished, what comes waits for another one",
      alone: true,
      gives: {
        http: "200, then 200",
        grpc: "OK, then OK",
        handle: "value, then value",
        why: WORDS,
      },
      async run(trial) {
        const { stage } = trial;
        await scale(stage, "scaled", 1);
        await running(stage, "scaled", 1);
        const sent = trial.send({ do: "wait" }, { application: "scaled" });
        await trial.begun();
        await scale(stage, "scaled", 0);
        await eventually(async () => (await inState(stage, "scaled", "STOPPING")) === 1);
        const next = trial.send({ do: "early", id: `${trial.id}-next` }, { application: "scaled" });
        trial.go();
        const end = await sent.end;
        await scale(stage, "scaled", 1);
        return `${end}, then ${await next.end}`;
      },
    },
    {
      title: "the proxy is stopped: what it has begun is finished, another one takes what comes",
      gives: {
        http: "200, then 200",
        grpc: "OK, then OK",
        handle: "value, then value",
        why: `${WORDS} Calls by handles need no proxy.`,
      },
      async run(trial) {
        const { windlass } = trial.stage;
        const sent = trial.send({ do: "wait" });
        await trial.begun();
        await all("proxy");
        if (trial.column.name === "http") process.kill(proxyOf(windlass), "SIGTERM");
        if (!byHandle(trial)) {
          const log = join(windlass.stateDir, "logs/proxy-0.log");
          await eventually(() => /drain/.test(readFileSync(log, "utf8")));
        }
        trial.go();
        const end = await sent.end;
        return `${end}, then ${await trial.send({ do: "early", id: `${trial.id}-next` }).end}`;
      },
    },
  ],
};
