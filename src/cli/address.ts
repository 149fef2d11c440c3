import { readFileSync } from "node:fs";
import { join } from "node:path";
import { errorText } from "../core/errors.ts";
import type { CliContext } from "./context.ts";
import { CliError, EXIT } from "./exit.ts";
import { isLoopback } from "./loopback.ts";
import { stateDir } from "./state-dir.ts";

/** Where the API is when neither `-a` nor WINDLASS_ADDRESS says so. */
export const DEFAULT_ADDRESS = "http://127.0.0.1:8265";

/** Where and as whom to call. */
export interface Target {
  /** "http://host:port", without a slash at the end. */
  readonly address: string;
  /** Bearer token; undefined where none was found. */
  readonly token: string | undefined;
}

/** The address and token to use: `-a` beats WINDLASS_ADDRESS; WINDLASS_TOKEN beats the token file. */
export function findTarget(ctx: CliContext, flag: string | undefined): Target {
  const given = flag ?? (ctx.env.WINDLASS_ADDRESS || DEFAULT_ADDRESS);
  const address = parseAddress(given, flag === undefined ? "WINDLASS_ADDRESS" : "--address");
  return { address, token: findToken(ctx, address) };
}

function parseAddress(text: string, source: string): string {
  const url = /^https?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== "" || url.search !== "" || url.hash !== "") {
    throw new CliError(EXIT.usage, `${source} "${text}" is not an address; give one like ${DEFAULT_ADDRESS}`);
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

/** The admin token never leaves the machine by itself: its file is read for loopback addresses only. */
function findToken(ctx: CliContext, address: string): string | undefined {
  if (ctx.env.WINDLASS_TOKEN) return ctx.env.WINDLASS_TOKEN.trim();
  if (!isLoopback(new URL(address).hostname)) return undefined;
  return readAdminToken(stateDir(ctx.env, ctx.cwd));
}

/** The token in a state dir; undefined where there is none. */
export function readAdminToken(dir: string): string | undefined {
  const path = join(dir, "admin.token");
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new CliError(EXIT.unauthorised, `cannot read ${path} (${errorText(error)}); set WINDLASS_TOKEN`, error);
  }
}

/** Nothing answers at the address. */
export function cannotConnect(target: Target): CliError {
  return new CliError(
    EXIT.cannotConnect,
    `cannot connect to ${target.address}; run \`windlass start\`, or set WINDLASS_ADDRESS or -a`,
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
