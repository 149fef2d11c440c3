import { targetCapacityDirection } from "../config/target-capacity.ts";
import type { GrpcOptions, HttpOptions } from "../config/types.ts";
import type { CommandContext } from "./command-context.ts";
import type { ApplyConfigRequest } from "./controller.ts";
import type { InstanceRecord } from "./records.ts";
import type { Draft } from "./world.ts";

/** Makes the instance record of a new instance. */
export function newInstance(
  config: Pick<ApplyConfigRequest["config"], "http_options" | "grpc_options" | "proxy_location">,
  context: CommandContext,
): InstanceRecord {
  const { bind, now } = context;
  return {
    uid: context.newId(12),
    state: "running",
    httpOptions: { ...config.http_options, host: bind.host, port: bind.httpPort },
    grpcOptions: { ...config.grpc_options, port: bind.grpcPort },
    proxyLocation: config.proxy_location ?? "EveryNode",
    httpAddress: config.proxy_location === "Disabled" ? "" : `http://${bracketed(bind.host)}:${bind.httpPort}`,
    targetCapacity: null,
    targetCapacityDirection: null,
    createdAt: now,
    updatedAt: now,
  };
}

/** Takes over the capacity of a config; whether it or its direction changed. */
export function setTargetCapacity(draft: Draft, request: ApplyConfigRequest, now: number): boolean {
  const { instance } = draft;
  const declarative = draft.applications().filter(({ source, deleting }) => source === "declarative" && !deleting);
  const next = request.config.target_capacity ?? null;
  const direction = targetCapacityDirection(
    declarative.length === 0 && instance.targetCapacity === null
      ? null
      : { applications: declarative.map(({ name }) => name), targetCapacity: instance.targetCapacity },
    { applications: request.config.applications.map(({ name }) => name ?? "default"), targetCapacity: next },
    instance.targetCapacityDirection,
  );
  const changed = next !== instance.targetCapacity || direction !== instance.targetCapacityDirection;
  if (changed) {
    draft.instance = { ...instance, targetCapacity: next, targetCapacityDirection: direction, updatedAt: now };
  }
  return changed;
}

/** A line for each option that is not what the running instance has. */
export function differingOptions<T extends HttpOptions | GrpcOptions>(name: string, running: T, wanted?: T): string[] {
  const present: Record<string, unknown> = { ...running };
  return Object.entries(wanted ?? {})
    .filter(([key, value]) => present[key] !== undefined && JSON.stringify(present[key]) !== JSON.stringify(value))
    .map(
      ([key, value]) =>
        `${name}.${key} ${JSON.stringify(value)} was not applied: the running instance has ${JSON.stringify(present[key])}; restart it to change this.`,
    );
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
