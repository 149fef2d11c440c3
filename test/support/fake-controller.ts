/** A controller that keeps its records in a store and decides nothing, for tests of what stands before it. */
import { type Controller, etagOf, type Plan, type Snapshot } from "../../src/controller/controller.ts";
import {
  type ApplicationRecord,
  type DeploymentRecord,
  type InstanceRecord,
  keys,
  type ProxyRecord,
  type ReplicaRecord,
  type RevisionRecord,
} from "../../src/controller/records.ts";
import { WindlassError } from "../../src/core/errors.ts";
import type { Op, Store } from "../../src/store/store.ts";

const AT = 1_700_000_000_000;

/** A running instance; `over` replaces fields. */
export function instanceRecord(over: Partial<InstanceRecord> = {}): InstanceRecord {
  return {
    uid: "instance-uid",
    state: "running",
    httpOptions: { host: "127.0.0.1", port: 18000, ssl_keyfile_password: "hunter2" },
    grpcOptions: {},
    proxyLocation: "EveryNode",
    httpAddress: "http://127.0.0.1:18000",
    targetCapacity: null,
    targetCapacityDirection: null,
    createdAt: AT,
    updatedAt: AT,
    ...over,
  };
}

/** A running application with one deployment, Echo. */
export function applicationRecord(name: string, over: Partial<ApplicationRecord> = {}): ApplicationRecord {
  return {
    name,
    uid: `uid-of-${name}`,
    source: "declarative",
    config: {
      name,
      route_prefix: `/${name}`,
      import_path: "./app.ts:app",
      external_scaler_enabled: true,
      runtime_env: { env_vars: { SECRET: "s3cret" } },
    },
    baseDir: "/srv",
    generation: 1,
    observedGeneration: 1,
    build: { kind: "done" },
    built: {
      bundlePath: "/bundle.js",
      bundleHash: "hash",
      exportName: "app",
      ingress: "Echo",
      deployments: [{ name: "Echo", options: {}, outbound: [] }],
      inputsHash: "inputs",
    },
    deleting: false,
    status: "RUNNING",
    message: "",
    routePrefix: `/${name}`,
    lastDeployedAt: AT,
    tokenRotation: 0,
    createdAt: AT,
    updatedAt: AT,
    ...over,
  };
}

/** A healthy deployment with one replica. */
export function deploymentRecord(
  application: string,
  name: string,
  over: Partial<DeploymentRecord> = {},
): DeploymentRecord {
  return {
    application,
    name,
    uid: `uid-of-${application}-${name}`,
    generation: 1,
    observedGeneration: 1,
    config: {
      name,
      num_replicas: 1,
      max_ongoing_requests: 5,
      max_queued_requests: -1,
      backpressure_config: { status_code: 503, retry_after_s: null },
      user_config: null,
      graceful_shutdown_wait_loop_s: 2,
      graceful_shutdown_timeout_s: 20,
      health_check_period_s: 10,
      health_check_timeout_s: 30,
      ray_actor_options: { num_cpus: 0.1, runtime_env: { env_vars: { TOKEN: "t0ken" } } },
      request_router_config: {},
      rolling_update_percentage: 0.2,
      max_surge_percent: 0,
      max_constructor_retry_count: 20,
    },
    userConfigured: [],
    version: { restart: "r1", settings: "s1", bundlePath: "/bundle.js", exportName: "app" },
    target: { replicas: 1, owner: "config", reason: "", since: AT, requestId: "" },
    ingress: true,
    outbound: [],
    status: "HEALTHY",
    trigger: "CONFIG_UPDATE_COMPLETED",
    message: "",
    failures: 0,
    everRan: true,
    rollout: "none",
    lastError: "",
    deleting: false,
    replicaCounts: { RUNNING: 1 },
    recentDead: [],
    createdAt: AT,
    updatedAt: AT,
    ...over,
  };
}

/** A running replica. */
export function replicaRecord(
  application: string,
  deployment: string,
  id: string,
  over: Partial<ReplicaRecord> = {},
): ReplicaRecord {
  return {
    id,
    application,
    deployment,
    deploymentUid: `uid-of-${application}-${deployment}`,
    version: { restart: "r1", settings: "s1", bundlePath: "/bundle.js", exportName: "app" },
    state: { kind: "running", since: AT },
    process: { pid: 4242, startTime: "1", bootId: "b" },
    address: "",
    dataSocket: "/run/data.sock",
    controlSocket: "/run/control.sock",
    startedAt: AT,
    updatedAt: AT,
    ...over,
  };
}

/** A write that puts a record where it belongs. */
export const put = {
  instance: (record: InstanceRecord): Op => op(keys.instance, record),
  application: (record: ApplicationRecord): Op => op(keys.application(record.name), record),
  deployment: (record: DeploymentRecord): Op => op(keys.deployment(record.application, record.name), record),
  replica: (record: ReplicaRecord): Op => op(keys.replica(record.application, record.deployment, record.id), record),
  revision: (record: RevisionRecord): Op => op(keys.revision(record.application, record.number), record),
  proxy: (record: ProxyRecord): Op => op(keys.proxy(record.id), record),
};

function op(key: string, record: unknown): Op {
  return { kind: "put", key, value: JSON.stringify(record) };
}

/** What a fake was asked for, newest last. */
export interface FakeController extends Controller {
  readonly calls: { method: string; request: unknown }[];
  /** Thrown by the next call that writes. */
  failNext: unknown;
  /** Whether `instanceEnded` resolves at once (default), or on {@link finishEnding} and when its signal aborts. */
  endsAtOnce: boolean;
  /** What the next plan is. */
  nextPlan: Plan;
  finishEnding(): void;
}

/** Makes a fake over a store: reads show its records, writes are recorded and do the least that answers need. */
export function createFakeController(store: Store): FakeController {
  const all = <T>(prefix: string): T[] => store.range(prefix).map(({ value }) => JSON.parse(value) as T);
  const one = <T>(key: string): T | undefined => {
    const stored = store.get(key);
    return stored === undefined ? undefined : (JSON.parse(stored.value) as T);
  };
  const instance = (): InstanceRecord => one<InstanceRecord>(keys.instance) ?? instanceRecord({ state: "absent" });
  const write = async (ops: Op[]): Promise<number> => (await store.txn([], ops)).revision;
  const asked = (method: string, request: unknown): void => {
    fake.calls.push({ method, request });
    const failure = fake.failNext;
    fake.failNext = undefined;
    if (failure !== undefined) throw failure;
  };

  const ending: (() => void)[] = [];
  const fake: FakeController = {
    calls: [],
    failNext: undefined,
    endsAtOnce: true,
    nextPlan: { token: "plan-fake", expiresAt: AT, applications: [], warnings: [], revision: 1 },
    finishEnding() {
      for (const finish of ending.splice(0)) finish();
    },
    snapshot: (): Snapshot => ({
      revision: store.revision,
      instance: instance(),
      applications: all<ApplicationRecord>("application/"),
      deployments: all<DeploymentRecord>("deployment/"),
      replicas: all<ReplicaRecord>("replica/"),
      proxies: all<ProxyRecord>("proxy/"),
    }),
    application: (name) => one<ApplicationRecord>(keys.application(name)),
    deployment: (application, name) => one<DeploymentRecord>(keys.deployment(application, name)),
    async applyConfig(request) {
      asked("applyConfig", request);
      if (instance().state === "ending") throw new WindlassError("INSTANCE_UNAVAILABLE", "the instance is ending");
      return {
        revision: await write([put.instance(instanceRecord())]),
        warnings: ["from the controller: naïve\nline"],
      };
    },
    async putOneApplication(request) {
      asked("putOneApplication", request);
      const current = fake.application(request.name);
      if (current === undefined && !request.allowMissing) {
        throw new WindlassError("NOT_FOUND", `Application "${request.name}" not found`);
      }
      if (request.etag !== "" && (current === undefined || request.etag !== etagOf(current))) {
        throw new WindlassError("STALE_ETAG", "stale");
      }
      if (request.onlyNew && current !== undefined) throw new WindlassError("STALE_ETAG", "it is there");
      if (request.validateOnly) return { revision: store.revision, application: current };
      const { config, baseDir } = request;
      const base = current ?? applicationRecord(request.name, { generation: 0 });
      const application = { ...base, config, baseDir, generation: base.generation + 1 };
      return { revision: await write([put.application(application)]), application };
    },
    async plan(request) {
      asked("plan", request);
      return fake.nextPlan;
    },
    plannedPaths: () => [],
    async applyPlan(request) {
      asked("applyPlan", request);
      if (request.token !== fake.nextPlan.token) throw new WindlassError("STALE_PLAN", "the plan is unknown");
      return { revision: store.revision, warnings: ["from the plan"] };
    },
    async scale(request) {
      asked("scale", request);
      const { application: app, deployment: name } = request;
      if (instance().state !== "running") throw new WindlassError("INSTANCE_UNAVAILABLE", "no instance runs");
      const application = fake.application(app);
      if (application === undefined) throw new WindlassError("NOT_FOUND", `no application ${app}`);
      if (application.config.external_scaler_enabled !== true) {
        throw new WindlassError("EXTERNAL_SCALER_DISABLED", `external_scaler_enabled of ${app} is off for ${name}`);
      }
      const deployment = fake.deployment(app, name);
      if (deployment === undefined) throw new WindlassError("NOT_FOUND", `no deployment ${name}`);
      if (deployment.deleting) throw new WindlassError("DEPLOYMENT_DELETED", "it is going");
      if (request.etag !== "" && request.etag !== etagOf(deployment)) throw new WindlassError("STALE_ETAG", "stale");
      const next: DeploymentRecord = {
        ...deployment,
        generation: deployment.generation + 1,
        target: { ...deployment.target, replicas: request.target, owner: "external" },
      };
      return {
        revision: await write([put.deployment(next)]),
        previous: deployment.target.replicas,
        deployment: next,
      };
    },
    async deleteApplication(request) {
      asked("deleteApplication", request);
      const record = fake.application(request.application);
      if (record === undefined && request.allowMissing) return { revision: 0 };
      if (record === undefined) throw new WindlassError("NOT_FOUND", `no application ${request.application}`);
      if (request.etag !== "" && request.etag !== etagOf(record)) throw new WindlassError("STALE_ETAG", "stale");
      return { revision: await write([{ kind: "delete", key: keys.application(request.application) }]) };
    },
    revisions: (name) => all<RevisionRecord>(keys.revision(name, 0).slice(0, -8)),
    async rollback(request) {
      asked("rollback", request);
      const record = fake.application(request.application);
      if (record === undefined) throw new WindlassError("NOT_FOUND", `no application ${request.application}`);
      if (request.etag !== "" && request.etag !== etagOf(record)) throw new WindlassError("STALE_ETAG", "stale");
      const rolledBackTo = request.toRevision === 0 ? 1 : request.toRevision;
      if (request.validateOnly) return { revision: store.revision, application: record, rolledBackTo };
      const application = { ...record, generation: record.generation + 1 };
      return { revision: await write([put.application(application)]), application, rolledBackTo };
    },
    async retry(request) {
      asked("retry", request);
      const record = fake.application(request.application);
      if (record === undefined) throw new WindlassError("NOT_FOUND", `no application ${request.application}`);
      return { revision: store.revision, application: record };
    },
    async endInstance(actor) {
      asked("endInstance", actor);
      return { revision: await write([put.instance(instanceRecord({ state: "absent" }))]) };
    },
    async instanceEnded(signal) {
      asked("instanceEnded", undefined);
      if (fake.endsAtOnce || signal.aborted) return;
      await new Promise<void>((resolve) => {
        ending.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    },
    async changeCanary(request) {
      asked("changeCanary", request);
      const application = fake.application(request.application);
      if (application === undefined) {
        throw new WindlassError("NOT_FOUND", `Application "${request.application}" not found`);
      }
      return { revision: store.revision, application };
    },
    canary: () => undefined,
    decisions: async () => [],
    decisionAt: async () => undefined,
    onDecision: () => () => {},
    scalingFigures: () => [],
    replicaMetrics: () => [],
    proxyMetrics: () => [],
    recordedLoad: () => undefined,
    async rotateToken(application, actor) {
      asked("rotateToken", { application, actor });
      const record = fake.application(application);
      if (record === undefined) throw new WindlassError("NOT_FOUND", `no application ${application}`);
      const next = { ...record, tokenRotation: record.tokenRotation + 1 };
      await write([put.application(next)]);
      return next;
    },
  };
  return fake;
}
