import { existsSync } from "node:fs";
import { request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { eventually, type Started, start, tempFolder } from "../lib/children.ts";

export const RAY_VERSION = "2.60.0";

/** A first install downloads some 200 MB. */
const INSTALL_MS = 900_000;
const START_MS = 180_000;

/** A running Ray with the no-op application, on loopback only. */
export interface Ray {
  readonly started: Started;
  /** REST. */
  readonly control: string;
  readonly http: string;
}

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

/** Starts Ray and deploys the application; resolves when its REST has taken the config. */
export async function startRay(program: string, folder: string): Promise<Ray> {
  const [gcsPort, controlPort, httpPort] = await freePorts(3);
  const args = ["start", "--head", "--block", "--disable-usage-stats", "--include-log-monitor", "false"];
  const flags: Record<string, string> = {
    "--port": String(gcsPort),
    "--node-ip-address": "127.0.0.1",
    "--dashboard-host": "127.0.0.1",
    "--dashboard-port": String(controlPort),
    // A replica takes one CPU by default; 3 of them are to fit on any machine.
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
    },
  });
  const ray = { started, control: `http://127.0.0.1:${controlPort}`, http: `http://127.0.0.1:${httpPort}` };
  const config = {
    http_options: { host: "127.0.0.1", port: httpPort },
    applications: [
      {
        name: "noop",
        route_prefix: "/",
        import_path: "noop:app",
        external_scaler_enabled: true,
        deployments: [{ name: "Noop", num_replicas: 1, max_ongoing_requests: 100, graceful_shutdown_timeout_s: 5 }],
      },
    ],
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

async function run(command: string, args: readonly string[], timeoutMs: number): Promise<string> {
  const started = start(command, args, { timeout: timeoutMs });
  const code = await started.exited;
  const { stdout, stderr } = started.output();
  if (code !== 0)
    throw new Error(`${command} ${args.join(" ")} ended with ${code}: ${stderr.trim().split("\n").at(-1)}`);
  return stdout;
}

async function freePorts(count: number): Promise<number[]> {
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
