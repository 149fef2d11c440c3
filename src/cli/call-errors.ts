import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { isConnectionFailure, violationsOf } from "../client/errors.ts";
import { cannotConnect, type Target, unauthorised } from "./address.ts";
import { CliError, EXIT } from "./exit.ts";

/**
 * What a failed call means for the user. `whereToLook` is the command that lists what there is, for unknown names.
 * Anything that is not a ConnectError passes through.
 */
export function callError(error: unknown, target: Target, whereToLook: string): unknown {
  if (!(error instanceof ConnectError)) return error;
  switch (error.code) {
    case Code.Unauthenticated:
      return unauthorised(target, "");
    case Code.PermissionDenied:
      return unauthorised(target, error.rawMessage);
    case Code.InvalidArgument: {
      const lines = violationsOf(error).map((v) => (v.field === "" ? v.description : `${v.field}: ${v.description}`));
      return new CliError(EXIT.failed, lines.length > 0 ? lines : error.rawMessage, error);
    }
    case Code.NotFound:
      return new CliError(
        EXIT.failed,
        `${error.rawMessage}; \`${listing(error) ?? whereToLook}\` shows what there is`,
        error,
      );
    case Code.Canceled:
      return new CliError(EXIT.failed, "stopped before the server answered", error);
    case Code.Unimplemented:
      return new CliError(EXIT.failed, `${target.address} does not speak Windlass's API; check the address`, error);
    default:
      return isConnectionFailure(error)
        ? cannotConnect(target, error)
        : new CliError(EXIT.failed, error.rawMessage, error);
  }
}

/** The command that lists what an unknown revision is one of; undefined where something else is unknown. */
function listing(error: ConnectError): string | undefined {
  const [info] = error.findDetails(ErrorInfoSchema);
  const { application, revision } = info?.metadata ?? {};
  return application === undefined || revision === undefined ? undefined : `windlass history ${application}`;
}
