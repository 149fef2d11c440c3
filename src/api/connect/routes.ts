/** Every service of the control port. */
import type { ConnectRouter } from "@connectrpc/connect";
import { file_google_rpc_error_details } from "../../../gen/google/rpc/error_details_pb.ts";
import { Health } from "../../../gen/grpc/health/v1/health_pb.ts";
import { ApplicationService } from "../../../gen/windlass/v1/application_service_pb.ts";
import { DeploymentService } from "../../../gen/windlass/v1/deployment_service_pb.ts";
import { file_windlass_v1_error_reason } from "../../../gen/windlass/v1/error_reason_pb.ts";
import { InstanceService } from "../../../gen/windlass/v1/instance_service_pb.ts";
import { TokenService } from "../../../gen/windlass/v1/token_service_pb.ts";
import { applicationService } from "./application.ts";
import type { ApiDeps } from "./context.ts";
import { deploymentService } from "./deployment.ts";
import { healthService } from "./health.ts";
import { instanceService } from "./instance.ts";
import { registerReflection } from "./reflection.ts";
import { tokenService } from "./token.ts";

const SERVICES = [InstanceService, ApplicationService, DeploymentService, TokenService] as const;

/** Registers the services. */
export function apiRoutes(deps: ApiDeps): (router: ConnectRouter) => void {
  return (router) => {
    router.service(InstanceService, instanceService(deps));
    router.service(ApplicationService, applicationService(deps));
    router.service(DeploymentService, deploymentService(deps));
    router.service(TokenService, tokenService(deps));
    const names = SERVICES.map(({ typeName }) => typeName);
    router.service(Health, healthService(deps, names));
    registerReflection(router, {
      services: [...names, Health.typeName],
      files: [
        ...[...SERVICES, Health].map(({ file }) => file),
        // What errors carry as details.
        file_google_rpc_error_details,
        file_windlass_v1_error_reason,
      ],
      closed: deps.feed.closed,
    });
  };
}
