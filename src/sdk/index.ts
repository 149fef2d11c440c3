/**
 * The public SDK: what application authors import from "windlass".
 *
 *     import { deployment } from "windlass";
 *     class Hello { fetch() { return new Response("hello"); } }
 *     export const app = deployment(Hello).bind();
 */

export {
  type PendingRequest,
  type ReplicaRanks,
  type RequestRouter,
  type RequestRouterClass,
  type RoutableReplica,
  rankByLocality,
  rankByModels,
  selectAvailable,
} from "../routing/request-router.ts";
export { AutoscalingConfig } from "./autoscaling-config.ts";
export { type Batched, type BatchedFunction, type BatchedStream, batch, type ItemsOf } from "./batch.ts";
export type { BatchOptions } from "./batch-options.ts";
export {
  type ApplicationBuilder,
  type ArgsOf,
  type ArgsSchema,
  builder,
  InvalidArgsError,
  type SchemaIssue,
  type SchemaResult,
} from "./builder.ts";
export { deployment } from "./deployment.ts";
export {
  BackPressureError,
  DeploymentUnavailableError,
  RemoteError,
  RequestCancelledError,
  RequestShedError,
  RequestTimeoutError,
  WindlassUserError,
} from "./errors.ts";
export { getAppHandle, getDeploymentHandle, type HandleTo } from "./get-handle.ts";
export { type GrpcMethods, type GrpcServer, grpc } from "./grpc.ts";
export { disconnect } from "./handle.ts";
export { ingress } from "./ingress.ts";
export type { GRPCOptions, HTTPOptions, ProxyLocation } from "./instance-options.ts";
export {
  type ControlOptions,
  deleteApplication,
  deleteApplication as delete,
  type RunOptions,
  run,
  type StartOptions,
  shutdown,
  start,
  status,
} from "./lifecycle.ts";
export * as metrics from "./metrics.ts";
export { type MultiplexedFunction, type MultiplexedOptions, multiplexed } from "./multiplexed.ts";
export type { NodeHandler } from "./node-handler.ts";
export type { ActorOptions, AutoscalingOptions, DeploymentOptions, LoggingOptions, RolloutOptions } from "./options.ts";
export type { NamedApplication } from "./own-export.ts";
export type {
  ApplicationAutoscalingPolicy,
  ApplicationPolicyOutput,
  AutoscalingPolicy,
  AutoscalingPolicyClass,
  PolicyInput,
  PolicyOutput,
} from "./policy.ts";
export {
  type BatchContext,
  getBatchContext,
  getMultiplexedModelId,
  getReplicaContext,
  getRequestContext,
  getSessionId,
  type ReplicaContext,
  type RequestContext,
} from "./runtime.ts";
export type { ApplicationStatus, DeploymentStatus, InstanceStatus } from "./status.ts";
export { type ResponseTrailers, withTrailers } from "./trailers.ts";
export type {
  Application,
  BindArg,
  BindArgs,
  Deployment,
  DeploymentHandle,
  DeploymentResponse,
  DeploymentResponseGenerator,
  FetchHandler,
  HandleBase,
  HandleOptions,
  RemoteFunction,
} from "./types.ts";
export {
  isWebSocketRequest,
  type ServerWebSocket,
  upgradeWebSocket,
  type WebSocketUpgrade,
  type WebSocketUpgradeOptions,
} from "./websocket.ts";
