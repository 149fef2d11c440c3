/** Messages, their schemas and the services: `v1.Application`, `v1.ApplicationSchema`, `v1.ApplicationService`. */
export * from "../../gen/windlass/v1/application_pb.ts";
export * from "../../gen/windlass/v1/application_service_pb.ts";
export * from "../../gen/windlass/v1/deployment_pb.ts";
export * from "../../gen/windlass/v1/deployment_service_pb.ts";
export * from "../../gen/windlass/v1/error_reason_pb.ts";
export * from "../../gen/windlass/v1/instance_pb.ts";
export * from "../../gen/windlass/v1/instance_service_pb.ts";
export * from "../../gen/windlass/v1/plan_pb.ts";
export * from "../../gen/windlass/v1/revision_pb.ts";
export * from "../../gen/windlass/v1/scaling_pb.ts";
export * from "../../gen/windlass/v1/token_service_pb.ts";
