/** The generated code that end-to-end tests use, as one import. */
export * from "../../gen/windlass/v1/deployment_pb.ts";
export * from "../../gen/windlass/v1/deployment_service_pb.ts";
