/** The watches of the API: how each is called, and what its messages say. */
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { DurationSchema } from "@bufbuild/protobuf/wkt";
import { type CallOptions, createClient, type Transport } from "@connectrpc/connect";
import type { Application } from "../../gen/windlass/v1/application_pb.ts";
import {
  ApplicationService,
  type WatchApplicationsRequestSchema,
  WatchApplicationsResponseSchema,
} from "../../gen/windlass/v1/application_service_pb.ts";
import type { Deployment, Replica } from "../../gen/windlass/v1/deployment_pb.ts";
import {
  DeploymentService,
  type WatchDeploymentsRequestSchema,
  WatchDeploymentsResponseSchema,
  type WatchReplicasRequestSchema,
  WatchReplicasResponseSchema,
  type WatchScalingDecisionsRequestSchema,
  type WatchScalingDecisionsResponse,
  WatchScalingDecisionsResponseSchema,
} from "../../gen/windlass/v1/deployment_service_pb.ts";
import type { Instance } from "../../gen/windlass/v1/instance_pb.ts";
import {
  InstanceService,
  type WatchInstanceRequestSchema,
  type WatchInstanceResponse,
  WatchInstanceResponseSchema,
} from "../../gen/windlass/v1/instance_service_pb.ts";
import type { ScalingDecision } from "../../gen/windlass/v1/scaling_pb.ts";
import type { Step } from "./events.ts";

/** What all requests of watches have. */
export interface WatchRequest {
  readonly startRevision?: bigint | undefined;
  readonly progressInterval?: MessageInitShape<typeof DurationSchema> | undefined;
}

/** One watch of the API. */
export interface Feed<Request extends DescMessage, Response extends DescMessage, Resource> {
  readonly response: Response;
  /** The query of `GET /api/v1/watch`; undefined where server-sent events do not tell of it. */
  readonly query?: (request: MessageInitShape<Request>) => Readonly<Record<string, string>>;
  /** One attempt. */
  call(
    transport: Transport,
    request: MessageInitShape<Request>,
    options: CallOptions,
  ): AsyncIterable<MessageShape<Response>>;
  stepOf(message: MessageShape<Response>): Step<Resource>;
}

/** All that WatchInstance tells of; `$typeName` tells them apart. */
export type AnyResource = Instance | Application | Deployment | Replica;

/** The feed of everything. */
export const instanceFeed: Feed<typeof WatchInstanceRequestSchema, typeof WatchInstanceResponseSchema, AnyResource> = {
  response: WatchInstanceResponseSchema,
  query: ({ name }) => ({ name: name ?? "" }),
  call: (transport, request, options) => createClient(InstanceService, transport).watchInstance(request, options),
  stepOf: instanceStep,
};

/** The feed of applications. */
export const applicationFeed: Feed<
  typeof WatchApplicationsRequestSchema,
  typeof WatchApplicationsResponseSchema,
  Application
> = {
  response: WatchApplicationsResponseSchema,
  call: (transport, request, options) =>
    createClient(ApplicationService, transport).watchApplications(request, options),
  stepOf: resourceStep<Application>,
};

/** The feed of deployments. */
export const deploymentFeed: Feed<
  typeof WatchDeploymentsRequestSchema,
  typeof WatchDeploymentsResponseSchema,
  Deployment
> = {
  response: WatchDeploymentsResponseSchema,
  call: (transport, request, options) => createClient(DeploymentService, transport).watchDeployments(request, options),
  stepOf: resourceStep<Deployment>,
};

/** The feed of replicas. */
export const replicaFeed: Feed<typeof WatchReplicasRequestSchema, typeof WatchReplicasResponseSchema, Replica> = {
  response: WatchReplicasResponseSchema,
  call: (transport, request, options) => createClient(DeploymentService, transport).watchReplicas(request, options),
  stepOf: resourceStep<Replica>,
};

/** The feed of what the autoscaler decides. */
export const decisionFeed: Feed<
  typeof WatchScalingDecisionsRequestSchema,
  typeof WatchScalingDecisionsResponseSchema,
  ScalingDecision
> = {
  response: WatchScalingDecisionsResponseSchema,
  query: ({ name, shadow }) => ({ feed: "decisions", name: name ?? "", shadow: String(shadow ?? false) }),
  call: (transport, request, options) =>
    createClient(DeploymentService, transport).watchScalingDecisions(request, options),
  stepOf: decisionStep,
};

/** How often a server says something unless it is asked to do so sooner. */
const PROGRESS_INTERVAL_MS = 20_000;
/** A connection that is silent for so many intervals is dead: an intermediary may have lost it without a word. */
const SILENT_INTERVALS = 3;

/** How often a request asks the server to say something, in seconds; undefined where it does not. */
export function progressSeconds({ progressInterval: given }: WatchRequest): number | undefined {
  return given === undefined ? undefined : Number(given.seconds ?? 0n) + (given.nanos ?? 0) / 1e9;
}

/** After how long without a message the connection is dead. */
export function silenceMs(request: WatchRequest): number {
  const seconds = progressSeconds(request);
  return SILENT_INTERVALS * (seconds === undefined ? PROGRESS_INTERVAL_MS : seconds * 1_000);
}

function instanceStep({ revision, event }: WatchInstanceResponse): Step<AnyResource> {
  switch (event.case) {
    case "instance":
      return updated(revision, "instance", event.value);
    case "application":
    case "deployment":
    case "replica":
      return updated(revision, event.value.name, event.value);
    default:
      return otherStep(revision, event);
  }
}

type OtherEvent =
  | { readonly case: "deleted"; readonly value: string }
  | { readonly case: "synced"; readonly value: boolean }
  | { readonly case: undefined };

interface ResourceMessage<R> {
  readonly revision: bigint;
  readonly event: { readonly case: "updated"; readonly value: R } | OtherEvent;
}

function resourceStep<R extends { readonly name: string }>({ revision, event }: ResourceMessage<R>): Step<R> {
  return event.case === "updated" ? updated(revision, event.value.name, event.value) : otherStep<R>(revision, event);
}

function decisionStep(message: WatchScalingDecisionsResponse): Step<ScalingDecision> {
  const { revision, decision, name, deleted, synced } = message;
  if (decision !== undefined) return updated(revision, name, decision);
  if (deleted !== "") return otherStep(revision, { case: "deleted", value: deleted });
  return otherStep(revision, synced ? { case: "synced", value: true } : { case: undefined });
}

function updated<R>(revision: bigint, name: string, resource: R): Step<R> {
  return { revision, event: { kind: "updated", revision, name, resource } };
}

function otherStep<R>(revision: bigint, event: OtherEvent): Step<R> {
  switch (event.case) {
    case "deleted":
      return { revision, event: { kind: "deleted", revision, name: event.value } };
    case "synced":
      return { revision, event: { kind: "synced", revision } };
    default:
      return { revision, event: undefined };
  }
}
