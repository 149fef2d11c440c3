/** `windlass/grpc`: native clients for users of @grpc/grpc-js, and their own services from generated descriptors. */
// The copy of grpc-js that clients are made with: credentials and metadata must be of the same.
export * as grpc from "@grpc/grpc-js";
export { Health } from "../../gen/grpc/health/v1/health_pb.ts";
export { ApplicationService } from "../../gen/windlass/v1/application_service_pb.ts";
export { DeploymentService } from "../../gen/windlass/v1/deployment_service_pb.ts";
export { InstanceService } from "../../gen/windlass/v1/instance_service_pb.ts";
export { TokenService } from "../../gen/windlass/v1/token_service_pb.ts";
export { type CallUnaryOptions, callUnary, type GrpcClientOptions, makeGrpcClient } from "./client.ts";
export { grpcServiceDefinition } from "./definition.ts";
export {
  errorInfoOf,
  type FieldViolation,
  type GrpcErrorDetails,
  grpcError,
  reasonOf,
  violationsOf,
} from "./errors.ts";
export type {
  GrpcBidiStreamingMethod,
  GrpcClient,
  GrpcClientStreamingMethod,
  GrpcImplementation,
  GrpcServerStreamingMethod,
  GrpcServiceDefinition,
  GrpcUnaryMethod,
} from "./types.ts";
