/**
 * The document of GET /api/serve/applications/. Pure. Stock clients refuse keys they do not know, so nothing may be
 * added at the levels of instance, application and deployment.
 */
import { GRPC_DEFAULTS, HTTP_DEFAULTS } from "../../config/defaults.ts";
import { redactHttpOptions } from "../../config/redact.ts";
import type { Snapshot } from "../../controller/controller.ts";
import type { InstanceRecord, ProxyRecord } from "../../controller/records.ts";
import { type HostFacts, stableId } from "../host-facts.ts";
import { applicationDetails } from "./application-details.ts";
import { controllerHealth } from "./controller-health.ts";

/** What the document depends on besides the records. */
export interface DetailsOptions {
  readonly nowMs: number;
  readonly startedAtMs: number;
  readonly host: HostFacts;
  /** Only applications of this kind; undefined is all. */
  readonly apiType: "imperative" | "declarative" | undefined;
  /** Show values of environment variables. */
  readonly revealEnv: boolean;
}

/** What a GET answers where there is no instance. */
const NO_INSTANCE = { controller_info: {}, proxies: {}, applications: {}, target_capacity: null };

/** See the file's comment. */
export function instanceDetails(now: Snapshot, options: DetailsOptions): unknown {
  const { instance } = now;
  if (instance.state === "absent") return NO_INSTANCE;
  const { host } = options;
  const proxied = instance.proxyLocation !== "Disabled" && now.proxies.length > 0;
  const shown = now.applications.filter(({ source }) => options.apiType === undefined || source === options.apiType);
  const deployments = groupBy(now.deployments, ({ application }) => application);
  const replicas = groupBy(now.replicas, ({ application, deployment }) => `${application}/${deployment}`);
  return {
    controller_info: {
      ...actor(host, "SERVE_CONTROLLER_ACTOR", instance.uid),
      log_file_path: "/serve/controller.log",
    },
    proxy_location: instance.proxyLocation,
    http_options: redactHttpOptions({ ...HTTP_DEFAULTS, ...instance.httpOptions }),
    grpc_options: { ...GRPC_DEFAULTS, ...instance.grpcOptions },
    proxies: proxied ? { [host.nodeId]: proxyDetails(now.proxies, host) } : {},
    applications: Object.fromEntries(
      shown.map((record) => [
        record.name,
        applicationDetails(record, deployments.get(record.name) ?? [], replicas, options),
      ]),
    ),
    target_capacity: instance.targetCapacity,
    target_groups: proxied ? targetGroups(instance, now.proxies, host) : [],
    controller_health_metrics: controllerHealth(options.nowMs, options.startedAtMs),
    restores_unset_config_options: true,
  };
}

/** The keys that controller, proxy and replica share, but for the log's path. */
export function actor(host: HostFacts, name: string, id: string) {
  return {
    node_id: host.nodeId,
    node_ip: host.nodeIp,
    node_instance_id: host.nodeInstanceId,
    actor_id: stableId(32, "actor", name, id),
    actor_name: name,
    worker_id: stableId(56, "worker", name, id),
  };
}

const PROXY_STATES = ["healthy", "starting", "draining", "unhealthy"] as const;

/** What a node's proxy processes count as together. */
export function bestProxyState(proxies: readonly ProxyRecord[]): ProxyRecord["state"] {
  return PROXY_STATES.find((wanted) => proxies.some(({ state }) => state === wanted)) ?? "starting";
}

/** One entry a node, as the reference has it: our proxy processes on it count as one, by the best of them. */
function proxyDetails(proxies: readonly ProxyRecord[], host: HostFacts) {
  const state = bestProxyState(proxies);
  const { worker_id, ...rest } = actor(host, proxyName(host), "");
  const started = { worker_id, log_file_path: `/serve/proxy_${host.nodeIp}.log` };
  return { ...rest, ...(state === "starting" ? {} : started), status: state.toUpperCase() };
}

function proxyName(host: HostFacts): string {
  return `SERVE_PROXY_ACTOR-${host.nodeId}`;
}

function targetGroups(instance: InstanceRecord, proxies: readonly ProxyRecord[], host: HostFacts) {
  const healthy = proxies.some(({ state }) => state === "healthy");
  const group = (protocol: string, port: number) => ({
    targets: healthy ? [{ ip: host.nodeIp, port, instance_id: host.nodeInstanceId, name: proxyName(host) }] : [],
    route_prefix: "/",
    protocol,
    app_name: "",
    ingress_request_router_targets: [],
    ingress_deployment_name: "",
  });
  const grpc = { ...GRPC_DEFAULTS, ...instance.grpcOptions };
  const http = group("HTTP", httpPort(instance));
  return grpc.grpc_servicer_functions.length > 0 ? [http, group("gRPC", grpc.port)] : [http];
}

/** Where the proxies really listen, which `port: 0` in the options would not tell. */
function httpPort(instance: InstanceRecord): number {
  const configured = instance.httpOptions.port ?? HTTP_DEFAULTS.port;
  if (!URL.canParse(instance.httpAddress)) return configured;
  return Number(new URL(instance.httpAddress).port) || configured;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
