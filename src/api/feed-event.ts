import type { Application } from "../../gen/windlass/v1/application_pb.ts";
import type { Deployment, Replica } from "../../gen/windlass/v1/deployment_pb.ts";
import type { Instance } from "../../gen/windlass/v1/instance_pb.ts";

/** What happened to one resource, in the shape of WatchInstanceResponse's oneof. */
export type ResourceEvent =
  | { readonly case: "instance"; readonly value: Instance }
  | { readonly case: "application"; readonly value: Application }
  | { readonly case: "deployment"; readonly value: Deployment }
  | { readonly case: "replica"; readonly value: Replica }
  | { readonly case: "deleted"; readonly value: string };
