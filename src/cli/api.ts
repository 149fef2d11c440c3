import { type Client, createClient } from "@connectrpc/connect";
import { ApplicationService } from "../../gen/windlass/v1/application_service_pb.ts";
import { DeploymentService } from "../../gen/windlass/v1/deployment_service_pb.ts";
import { InstanceService } from "../../gen/windlass/v1/instance_service_pb.ts";
import { TokenService } from "../../gen/windlass/v1/token_service_pb.ts";
import type { Connections } from "../client/client.ts";
import { nodeConnections } from "../client/node-connections.ts";
import type { Target } from "./address.ts";
import { callError } from "./call-errors.ts";

/** Clients of every service of the API at one address. */
export interface Api {
  readonly target: Target;
  readonly connections: Pick<Connections, "separate">;
  readonly instance: Client<typeof InstanceService>;
  readonly applications: Client<typeof ApplicationService>;
  readonly deployments: Client<typeof DeploymentService>;
  readonly tokens: Client<typeof TokenService>;
}

/** Runs `use` with clients for `target`; a failed call becomes a CliError that may send the user to `whereToLook`. */
export async function withApi<T>(
  target: Target,
  use: (api: Api) => Promise<T>,
  whereToLook = "windlass status",
): Promise<T> {
  try {
    return await use(connect(target));
  } catch (error) {
    throw callError(error, target, whereToLook);
  }
}

/** A command fails at once where nobody answers, and waits as long as the server takes. */
function connect(target: Target): Api {
  const connections = nodeConnections(target, undefined, { httpVersion: "1.1", timeoutMs: Number.POSITIVE_INFINITY });
  const { transport } = connections;
  return {
    target,
    connections,
    instance: createClient(InstanceService, transport),
    applications: createClient(ApplicationService, transport),
    deployments: createClient(DeploymentService, transport),
    tokens: createClient(TokenService, transport),
  };
}
