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

/** Nothing answers at the address, or none that can be spoken with; `error` is what the connection failed with. */
export function cannotConnect({ address, trust }: Target, error?: unknown): CliError {
  const said = (why: string): CliError => new CliError(EXIT.cannotConnect, `cannot connect to ${address}${why}`);
  const code = codeOf(error);
  if (address.startsWith("https:")) {
    if (/CERT|SIGNED|VERIFY/.test(code)) {
      return said(
        trust === undefined
          ? `: its certificate is not trusted (${code}); set WINDLASS_CA to the file of its authority`
          : `: WINDLASS_CA does not vouch for its certificate (${code}); set it to the file of its authority`,
      );
    }
    if (/EPROTO|WRONG_VERSION|PACKET_LENGTH/.test(code)) return said(": it does not speak TLS; write http:// instead");
    return said("; run `windlass start` with --tls-cert, or set WINDLASS_ADDRESS or -a");
  }
  if (/ECONNRESET|EPIPE|UND_ERR_SOCKET/.test(code)) {
    return said(": the connection is closed at once; if TLS is spoken there, write https:// instead");
  }
  return said("; run `windlass start`, or set WINDLASS_ADDRESS or -a");
}

/** The first code of a system's error among the causes; empty where there is none. */
function codeOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code === "string") return code;
  }
  return "";
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
