import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually, type Started, start, stop } from "../lib/children.ts";
import type { Target } from "../lib/load.ts";
import { processTree } from "../lib/proc.ts";
import { firstAnswer, ROOT, startWindlass, targetOf } from "../lib/windlass.ts";
import { startNginx } from "./nginx.ts";
import { freePorts, type RayApplication, rest, startRay } from "./ray-process.ts";

/** Those that are compared, in the order of the table. */
export const CONTENDERS = ["bare", "nginx", "windlass", "haproxy", "ray"] as const;

export type ContenderName = (typeof CONTENDERS)[number];

/** A running server with the handlers of app/side.ts. */
export interface Contender {
  readonly name: ContenderName;
  readonly http: Target;
  readonly grpc: Target;
  /** Those that a request passes, and all that belongs to them. */
  pids(): number[];
  /** Whether it does so much by itself that it is stopped while others are measured. */
  readonly restless: boolean;
  stop(): Promise<void>;
}

const BARE = fileURLToPath(new URL("../programs/bare-server.ts", import.meta.url));
const BARE_GRPC = fileURLToPath(new URL("../programs/bare-grpc.ts", import.meta.url));
const CONFIG = join(ROOT, "bench", "app", "side.yaml");
const START_MS = 180_000;

/** What {@link startContenders} needs. */
export interface Places {
  /** The `ray` program; empty: without Ray Serve. */
  readonly ray: string;
  /** The `nginx` program; empty: without it. */
  readonly nginx: string;
  /** For their files and sockets; short, because of socket paths in it. */
  readonly folder: string;
}

/** Starts all of them that it can, one after the other; each has then answered over HTTP. */
export async function startContenders(
  places: Places,
  progress: (text: string) => void,
): Promise<{ contenders: Contender[]; missing: Partial<Record<ContenderName, string>> }> {
  const makers: Readonly<Record<ContenderName, (folder: string, places: Places) => Promise<Contender>>> = {
    bare: startBare,
    nginx: startBehindNginx,
    windlass: startOurs,
    haproxy: (folder, { ray }) => startPeer(folder, ray, true),
    ray: (folder, { ray }) => startPeer(folder, ray, false),
  };
  const contenders: Contender[] = [];
  const missing: Partial<Record<ContenderName, string>> = {};
  for (const [i, name] of CONTENDERS.entries()) {
    const program = name === "nginx" ? places.nginx : name === "haproxy" || name === "ray" ? places.ray : "node";
    // Whoever looked for it has said why.
    if (program === "") continue;
    progress(`start ${name}`);
    const own = join(places.folder, String(i));
    mkdirSync(own, { recursive: true });
    let contender: Contender | undefined;
    try {
      contender = await makers[name](own, places);
      for (const path of ["/", "/chain"]) await firstAnswer(urlOf(contender.http) + path, 0, START_MS);
      contenders.push(contender);
    } catch (error) {
      missing[name] = error instanceof Error ? error.message : String(error);
      progress(`${name} failed: ${missing[name]}`);
      await contender?.stop();
    }
  }
  return { contenders, missing };
}

async function startBare(folder: string): Promise<Contender> {
  const next = join(folder, "next");
  const processes = [start(process.execPath, [BARE, next]), start(process.execPath, [BARE_GRPC])];
  await printed(processes[0]!);
  const first = start(process.execPath, [BARE, "", next]);
  const all = [...processes, first];
  return {
    name: "bare",
    http: { host: "127.0.0.1", port: Number(await printed(first)) },
    grpc: { host: "127.0.0.1", port: Number(await printed(processes[1]!)) },
    ...together(all),
  };
}

async function startBehindNginx(folder: string, { nginx }: Places): Promise<Contender> {
  const [next, upstream, grpcUpstream] = ["next", "http", "grpc"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const behind = [
    start(process.execPath, [BARE, next]),
    start(process.execPath, [BARE, upstream, next]),
    start(process.execPath, [BARE_GRPC, grpcUpstream]),
  ];
  await Promise.all(behind.map(printed));
  const [port, grpcPort] = (await freePorts(2)) as [number, number];
  const before = startNginx(nginx, join(folder, "nginx"), { port, grpcPort, upstream, grpcUpstream });
  return {
    name: "nginx",
    http: { host: "127.0.0.1", port },
    grpc: { host: "127.0.0.1", port: grpcPort },
    ...together([...behind, before]),
  };
}

async function startOurs(): Promise<Contender> {
  const windlass = await startWindlass({ proxyWorkers: 1, config: CONFIG });
  return {
    name: "windlass",
    http: targetOf(windlass.http),
    grpc: targetOf(`http://${windlass.grpc}`),
    ...together([windlass.started]),
  };
}

const deployment = (name: string): RayApplication => ({
  name,
  max_ongoing_requests: 200,
  graceful_shutdown_timeout_s: 1,
});

/** The same applications as in app/side.yaml. */
const APPLICATIONS: readonly RayApplication[] = [
  { name: "side", route_prefix: "/", import_path: "side:side", deployments: [deployment("Side")] },
  {
    name: "chain",
    route_prefix: "/chain",
    import_path: "side:chain",
    deployments: [deployment("Asker"), deployment("Answer")],
  },
  {
    name: "greeter",
    route_prefix: "/greeter",
    import_path: "side:greeter",
    deployments: [deployment("Greetings")],
  },
];

async function startPeer(folder: string, program: string, haproxy: boolean): Promise<Contender> {
  const options = { applications: APPLICATIONS, servicers: ["side.add_greeter"], haproxy };
  const ray = await startRay(program, folder, options);
  await eventually(
    "all of Ray Serve's applications RUNNING",
    async () => {
      const { text } = await rest(`${ray.control}/api/serve/applications/`, "GET");
      const { applications } = JSON.parse(text) as {
        applications: Record<string, { status: string; message: string }>;
      };
      const broken = Object.values(applications).find(({ status }) => status === "DEPLOY_FAILED");
      if (broken !== undefined) throw new Error(`Ray Serve's deploy failed: ${broken.message.slice(0, 300)}`);
      const running = Object.values(applications).filter(({ status }) => status === "RUNNING");
      return running.length === APPLICATIONS.length ? true : undefined;
    },
    START_MS,
    50,
  );
  return {
    name: haproxy ? "haproxy" : "ray",
    http: targetOf(ray.http),
    grpc: ray.grpc,
    // All is measured by then: it need not end in order.
    ...together([ray.started], 3_000),
    restless: true,
  };
}

/** What processes that belong together have in common. */
function together(all: readonly Started[], graceMs?: number): Pick<Contender, "pids" | "restless" | "stop"> {
  return {
    pids: () => all.flatMap(({ pid }) => processTree(pid)),
    restless: false,
    stop: async () => void (await Promise.all(all.map((one) => stop(one, graceMs)))),
  };
}

/** The line that a bare server prints when it listens. */
function printed(started: Started): Promise<string> {
  return eventually("where a bare server listens", () => started.output().stdout.trim() || undefined);
}

function urlOf({ host, port }: Target): string {
  return `http://${host}:${port}`;
}
