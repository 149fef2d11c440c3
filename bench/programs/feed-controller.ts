// The controller, its store and its API in a process of their own, with replicas that are no processes. Prints one line
// of JSON when it serves: {port, admin, viewers}. Ends with its stdin.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startApiServer } from "../../src/api/server.ts";
import { createToken } from "../../src/api/tokens.ts";
import { Reconciler } from "../../src/controller/reconciler.ts";
import { RouteHub } from "../../src/controller/route-hub.ts";
import { systemClock as clock } from "../../src/core/system-clock.ts";
import { systemRandom as random } from "../../src/core/system-random.ts";
import { silentLogger } from "../../src/observability/logger.ts";
import { openEmbeddedStore } from "../../src/store/embedded.ts";
import { stubEngine, stubProxies } from "../lib/stub-engine.ts";

const { applications, viewers } = JSON.parse(process.argv[2]!) as { applications: number; viewers: number };
const folder = mkdtempSync(join(tmpdir(), "windlass-bench-"));
const store = await openEmbeddedStore({ path: join(folder, "state.db") });
const controller = new Reconciler({
  store,
  engine: stubEngine(clock, "Echo"),
  proxies: stubProxies(),
  routes: new RouteHub(clock),
  clock,
  random,
  logger: silentLogger,
  sockets: (id) => ({ dataSocket: `/run/windlass/${id}.sock`, controlSocket: `/run/windlass/${id}.ctl` }),
  bind: { host: "127.0.0.1", httpPort: 8000, grpcPort: 9000 },
  proxyWorkers: 2,
  proxyLocation: "EveryNode",
});
await controller.recover({ makeInstance: true });
const admin = "admin-secret";
const server = await startApiServer({
  controller,
  store,
  clock,
  logger: silentLogger,
  auth: { kind: "on", adminToken: admin, instanceKey: "key" },
  appDir: "/srv",
  host: "127.0.0.1",
  port: 0,
});
const config = Array.from({ length: applications }, (_, n) => ({
  name: `app${n}`,
  route_prefix: `/app${n}`,
  import_path: "app:app",
  external_scaler_enabled: true,
}));
await controller.applyConfig({ config: { applications: config }, baseDir: "/srv", actor: "bench" });
while (controller.snapshot().applications.some(({ status }) => status !== "RUNNING")) await clock.sleep(20);
const secrets: string[] = [];
for (let n = 0; n < viewers; n++) {
  const token = { role: "viewer", application: null, maxReplicas: null, ttlMs: null } as const;
  secrets.push((await createToken(store, clock, token)).secret);
}
process.stdout.write(`${JSON.stringify({ port: server.port, admin, viewers: secrets })}\n`);
function end(): void {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}
process.once("SIGTERM", end);
process.stdin.on("end", end);
process.stdin.resume();
