import { create, toBinary } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { type WatchInstanceResponse, WatchInstanceResponseSchema } from "../../gen/windlass/v1/instance_service_pb.ts";
import { type ScalingDecision, ScalingDecisionSchema } from "../../gen/windlass/v1/scaling_pb.ts";
import { callAttempts } from "../client/client.ts";
import type { Updated, WatchEvent } from "../client/events.ts";
import { type AnyResource, decisionFeed, instanceFeed } from "../client/feeds.ts";
import type { Time } from "../client/retry.ts";
import { startWatch, type WatchStatus } from "../client/watch.ts";
import type { Api } from "./api.ts";

/** How {@link follow} behaves. */
export interface FollowOptions {
  /** Resource name to look at and below; "" is everything. */
  readonly name: string;
  /** Continue after this revision; 0 begins with the present state. */
  readonly since: bigint;
  /** How often the server is to say something: 100 to 20,000, which is also the default. */
  readonly progressIntervalMs?: number;
  /** Ends the feed quietly. */
  readonly signal: AbortSignal;
  /** How long to try without an answer before the failure is thrown; 0 tells a first failure at once, Infinity never gives up. */
  readonly patienceMs: number;
  /** Whether to try on for ever once the server has answered. */
  readonly endless: boolean;
  /** Told one line when the feed is cut, is back, or begins anew. */
  notice(text: string): void;
}

/**
 * Everything the instance tells, from the present state on, across cut connections: no gap, no repeat.
 * Where history to continue from is gone, it begins anew with the present state and ends that with `synced`.
 */
export async function* follow(
  api: Pick<Api, "target" | "connections">,
  time: Time,
  options: FollowOptions,
): AsyncGenerator<WatchInstanceResponse> {
  const { name, since, signal, progressIntervalMs } = options;
  const progress = progressIntervalMs === undefined ? {} : { progressInterval: durationFromMs(progressIntervalMs) };
  const request = { name, startRevision: since, ...progress };
  const onStatus = statusTeller(api.target.address, options);
  const attempts = callAttempts(api.connections, instanceFeed);
  const unrepeated = makeUnrepeated(contentOf);
  for await (const event of startWatch(instanceFeed, request, attempts, time, { signal, onStatus })) {
    yield* unrepeated(event).map(messageOf);
  }
}

/** The same of what the autoscaler decides about an application or a deployment, or all by "applications/-". */
export async function* followDecisions(
  api: Pick<Api, "target" | "connections">,
  time: Time,
  { shadow, ...options }: FollowOptions & { readonly shadow: boolean },
): AsyncGenerator<Known<ScalingDecision>> {
  const { name, since, signal } = options;
  const onStatus = statusTeller(api.target.address, options);
  const attempts = callAttempts(api.connections, decisionFeed);
  const unrepeated = makeUnrepeated<ScalingDecision>(({ resource }) =>
    base64(toBinary(ScalingDecisionSchema, resource)),
  );
  const request = { name, shadow, startRevision: since };
  for await (const event of startWatch(decisionFeed, request, attempts, time, { signal, onStatus })) {
    yield* unrepeated(event);
  }
}

/** Tells a person how the connection fares, and throws where there was no answer for too long. */
function statusTeller(address: string, { patienceMs, endless, notice }: FollowOptions): (status: WatchStatus) => void {
  let lost = false;
  return (status) => {
    switch (status.kind) {
      case "connected":
        if (lost) notice(`connected again to ${address}`);
        lost = false;
        return;
      case "compacted":
        notice(`the history after revision ${status.revision} is gone; beginning with the present state`);
        return;
      case "cut": {
        const { error, answered, failures, silentMs } = status;
        if (error !== undefined && !(endless && answered) && silentMs >= patienceMs) throw error;
        if (failures === 1 && answered) notice(`lost ${address}; trying again`);
        lost ||= answered;
      }
    }
  };
}

type Known<R> = Exclude<WatchEvent<R>, { kind: "reset" }>;

/** Where a snapshot was cut, the next one hands on differences only: what was printed is not printed again. */
function makeUnrepeated<R>(content: (event: Updated<R>) => string): (event: WatchEvent<R>) => Known<R>[] {
  /** What the snapshots handed on so far, and the names of the present one; undefined once one was whole. */
  let shown: Map<string, string> | undefined;
  const present = new Set<string>();
  return (event) => {
    if (event.kind === "reset") {
      shown ??= new Map();
      present.clear();
      return [];
    }
    if (shown === undefined) return [event];
    if (event.kind === "synced") {
      const { revision } = event;
      const gone = [...shown.keys()].filter((name) => !present.has(name));
      shown = undefined;
      return [...gone.map((name): Known<R> => ({ kind: "deleted", revision, name })), event];
    }
    present.add(event.name);
    const told = event.kind === "updated" ? content(event) : "";
    if (shown.get(event.name) === told) return [];
    shown.set(event.name, told);
    return [event];
  };
}

function contentOf(event: Known<AnyResource>): string {
  return base64(toBinary(WatchInstanceResponseSchema, { ...messageOf(event), revision: 0n }));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function messageOf(event: Known<AnyResource>): WatchInstanceResponse {
  const { revision } = event;
  return create(WatchInstanceResponseSchema, { revision, event: oneofOf(event) });
}

function oneofOf(event: Known<AnyResource>): WatchInstanceResponse["event"] {
  if (event.kind === "synced") return { case: "synced", value: true };
  if (event.kind === "deleted") return { case: "deleted", value: event.name };
  const { resource } = event;
  switch (resource.$typeName) {
    case "windlass.v1.Instance":
      return { case: "instance", value: resource };
    case "windlass.v1.Application":
      return { case: "application", value: resource };
    case "windlass.v1.Deployment":
      return { case: "deployment", value: resource };
    case "windlass.v1.Replica":
      return { case: "replica", value: resource };
  }
}
