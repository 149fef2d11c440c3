import { existsSync } from "node:fs";
import { request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { eventually, type Started, start, tempFolder } from "../lib/children.ts";

export const RAY_VERSION = "2.60.0";

/** A first install downloads some 200 MB. */
const INSTALL_MS = 900_000;
const START_MS = 180_000;

/** A running Ray, on loopback only. */
export interface Ray {
  readonly started: Started;
  /** REST. */
  readonly control: string;
  readonly http: string;
  readonly grpc: { readonly host: string; readonly port: number };
}

/** Applications as Ray Serve's config has them. */
export type RayApplication = Readonly<Record<string, unknown>>;

/** The application of the main table. */
export const NOOP: RayApplication = {
  name: "noop",
  route_prefix: "/",
  import_path: "noop:app",
  external_scaler_enabled: true,
  deployments: [{ name: "Noop", num_replicas: 1, max_ongoing_requests: 100, graceful_shutdown_timeout_s: 5 }],
};

/** The `ray` program of a virtual environment that has Ray Serve; makes it in `venv`, or in a temporary folder. */
export async function installRay(venv: string | undefined, progress: (text: string) => void): Promise<string> {
  const folder = venv ?? join(tempFolder(), "venv");
  const program = join(folder, "bin", "ray");
  if (!existsSync(program)) {
    progress(`installing Ray Serve ${RAY_VERSION} from PyPI into ${venv ?? "a temporary folder"}`);
    await run("python3", ["-m", "venv", folder], INSTALL_MS);
    const pip = join(folder, "bin", "pip");
    await run(pip, ["install", "--quiet", "--disable-pip-version-check", `ray[serve]==${RAY_VERSION}`], INSTALL_MS);
  }
  const version = await run(program, ["--version"], 60_000);
  if (!version.includes(RAY_VERSION)) throw new Error(`${program} is "${version.trim()}", not version ${RAY_VERSION}`);
  return program;
}

/** Starts Ray and deploys the applications; resolves when its REST has taken the config. */
export async function startRay(
  program: string,
  folder: string,
  options: {
    /** Default: {@link NOOP} alone. */
    readonly applications?: readonly RayApplication[];
    /** Functions that add the gRPC services; without them it serves no gRPC. */
    readonly servicers?: readonly string[];
    /** HAProxy, that its package brings, in place of its own proxy. Default false. */
    readonly haproxy?: boolean;
  } = {},
): Promise<Ray> {
  const { applications = [NOOP], servicers = [], haproxy = false } = options;
  const [gcsPort, controlPort, httpPort, grpcPort, clientPort, ...agentPorts] = await freePorts(8);
  const args = ["start", "--head", "--block", "--disable-usage-stats", "--include-log-monitor", "false"];
  const flags: Record<string, string> = {
    "--port": String(gcsPort),
    "--node-ip-address": "127.0.0.1",
    "--dashboard-host": "127.0.0.1",
    "--dashboard-port": String(controlPort),
    // Two of them run side by side.
    "--ray-client-server-port": String(clientPort),
    "--dashboard-agent-listen-port": String(agentPorts[0]),
    "--dashboard-agent-grpc-port": String(agentPorts[1]),
    "--runtime-env-agent-port": String(agentPorts[2]),
    ...(haproxy && { "--min-worker-port": "20000", "--max-worker-port": "29999" }),
    // A replica takes one CPU by default; those of all applications are to fit on any machine.
    "--num-cpus": "8",
    "--object-store-memory": "150000000",
    "--temp-dir": folder,
  };
  const started = start(program, [...args, ...Object.entries(flags).flat()], {
    env: {
      ...process.env,
      PYTHONPATH: import.meta.dirname,
      RAY_USAGE_STATS_ENABLED: "0",
      RAY_ENABLE_UV_RUN_RUNTIME_ENV: "0",
      ...(haproxy && haproxyEnv()),
    },
  });
  const ray: Ray = {
    started,
    control: `http://127.0.0.1:${controlPort}`,
    http: `http://127.0.0.1:${httpPort}`,
    grpc: { host: "127.0.0.1", port: grpcPort! },
  };
  const config = {
    http_options: { host: "127.0.0.1", port: httpPort },
    grpc_options: { port: grpcPort, grpc_servicer_functions: servicers },
    applications,
  };
  let last = "no answer";
  await eventually(
    "Ray Serve's REST",
    async () => {
      if (started.child.exitCode !== null) throw new Error(`ray start ended: ${started.output().stderr.slice(-300)}`);
      const response = await rest(`${ray.control}/api/serve/applications/`, "PUT", config).catch(() => undefined);
      if (response !== undefined) last = `${response.status} ${response.text.slice(0, 200)}`;
      return response?.status === 200 ? true : undefined;
    },
    START_MS,
    50,
  ).catch((error: unknown) => {
    throw new Error(`${(error as Error).message} (${last})`);
  });
  return ray;
}

/** Below its folder Ray puts one that is named by a node's id, 56 characters long, and the socket of HAProxy into it. */
const HAPROXY_FOLDER_MOST = 97 - "/".length - 56 - "/admin.sock".length;

/** Has Ray Serve put HAProxy in front of its replicas; its files go into a folder of this run instead of a fixed place. */
function haproxyEnv(): Record<string, string> {
  const folder = tempFolder("h-");
  if (folder.length > HAPROXY_FOLDER_MOST) {
    throw new Error(`${folder} is longer than ${HAPROXY_FOLDER_MOST} characters, too long for HAProxy: set TMPDIR`);
  }
  return {
    RAY_SERVE_ENABLE_HA_PROXY: "1",
    RAY_SERVE_HAPROXY_CONFIG_FILE_LOC: join(folder, "haproxy.cfg"),
    RAY_SERVE_HAPROXY_SOCKET_PATH: join(folder, "admin.sock"),
    RAY_SERVE_HAPROXY_SERVER_STATE_BASE: folder,
    RAY_SERVE_HAPROXY_SERVER_STATE_FILE: join(folder, "server-state"),
  };
}

/** A call of its REST; not by `fetch`, whose headers it takes for a browser's and refuses. */
export function rest(url: string, method: string, body?: unknown): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const sent = request(url, { method, headers, agent: false, timeout: 60_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.once("error", reject);
    });
    sent.once("error", reject);
    sent.once("timeout", () => sent.destroy(new Error(`no answer from ${url}`)));
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Runs a command to its end and returns what it printed; throws its last line where it fails. */
export async function run(command: string, args: readonly string[], timeoutMs: number): Promise<string> {
  const started = start(command, args, { timeout: timeoutMs });
  const code = await started.exited;
  const { stdout, stderr } = started.output();
  if (code !== 0)
    throw new Error(`${command} ${args.join(" ")} ended with ${code}: ${stderr.trim().split("\n").at(-1)}`);
  return stdout;
}

/** Ports of 127.0.0.1 that were free just now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
