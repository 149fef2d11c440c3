/** Messages of configs: `configV1.ApplicationConfig`. */
export * from "../../gen/windlass/config/v1/application_pb.ts";
export * from "../../gen/windlass/config/v1/autoscaling_pb.ts";
export * from "../../gen/windlass/config/v1/deployment_pb.ts";
export * from "../../gen/windlass/config/v1/http_pb.ts";
export * from "../../gen/windlass/config/v1/logging_pb.ts";
export * from "../../gen/windlass/config/v1/rollout_pb.ts";
