import { readAdminToken as readTokenFile, type Target, TargetError, targetOf } from "../client/target.ts";
import type { CliContext } from "./context.ts";
import { CliError, EXIT } from "./exit.ts";

export { DEFAULT_ADDRESS, type Target } from "../client/target.ts";

/** The address and token to use: `-a` beats WINDLASS_ADDRESS; WINDLASS_TOKEN beats the token file. */
export function findTarget({ env, cwd }: CliContext, flag: string | undefined): Target {
  const address = flag === undefined ? undefined : { value: flag, source: "--address" };
  return asCliError(() => targetOf({ env, cwd, address }));
}

/** The token in a state dir; undefined where there is none. */
export function readAdminToken(dir: string): string | undefined {
  return asCliError(() => readTokenFile(dir));
}

function asCliError<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    throw new CliError(error.kind === "address" ? EXIT.usage : EXIT.unauthorised, error.message, error);
  }
}

/** Nothing answers at the address. */
export function cannotConnect(target: Target): CliError {
  return new CliError(
    EXIT.cannotConnect,
    target.address.startsWith("https:")
      ? `cannot connect to ${target.address}; set WINDLASS_CA to the authority of a certificate that is not publicly trusted, or run \`windlass start\` with --tls-cert, or set WINDLASS_ADDRESS or -a`
      : `cannot connect to ${target.address}; run \`windlass start\`, or set WINDLASS_ADDRESS or -a`,
  );
}

/** The call was refused: `reason` is the server's, empty where the token is missing or unknown to it. */
export function unauthorised(target: Target, reason: string): CliError {
  if (reason !== "") return new CliError(EXIT.unauthorised, `${reason}; use another token in WINDLASS_TOKEN`);
  const what = target.token === undefined ? "wants a token" : "does not know the token sent";
  return new CliError(
    EXIT.unauthorised,
    `${target.address} ${what}; set WINDLASS_TOKEN, or WINDLASS_STATE_DIR to the state dir of that Windlass`,
  );
}
