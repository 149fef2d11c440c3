/** Where and as whom to call, from what the environment says. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { errorText } from "../core/errors.ts";
import { isLoopback } from "./loopback.ts";
import { stateDir } from "./state-dir.ts";
import { isToken, NO_TOKEN } from "./token.ts";
import type { Trust } from "./trust.ts";

/** Where the API is when nothing says so. */
export const DEFAULT_ADDRESS = "http://127.0.0.1:8265";

/** Where and as whom to call. */
export interface Target {
  /** "http://host:port", without a slash at the end. */
  readonly address: string;
  /** Bearer token; undefined where none was found. */
  readonly token: string | undefined;
  /** Whom to believe where the address is https. Default: what Node trusts. */
  readonly trust?: Trust | undefined;
}

/** What {@link targetOf} finds a target by. */
export interface TargetSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Beats WINDLASS_ADDRESS; `source` is what to call it in a failure. */
  readonly address?: { readonly value: string; readonly source: string } | undefined;
  /** Beats WINDLASS_TOKEN and the token file; "" is none. */
  readonly token?: string | undefined;
}

/** No target can be told: an address or a token that is none, or a token file that cannot be read. */
export class TargetError extends Error {
  override readonly name = "TargetError";
  readonly kind: "address" | "token";

  constructor(kind: "address" | "token", message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** The address and token to use. Throws {@link TargetError}. */
export function targetOf(sources: TargetSources): Target {
  const { env, address: given } = sources;
  const address = parseAddress(given?.value ?? (env.WINDLASS_ADDRESS || DEFAULT_ADDRESS), given?.source);
  const token = tokenFor(address, sources)?.trim() || undefined;
  if (token !== undefined && !isToken(token)) throw new TargetError("token", NO_TOKEN);
  return { address, token, ...trustFor(address, sources) };
}

/** The authorities that WINDLASS_CA names. */
function trustFor(address: string, { env, cwd }: TargetSources): Pick<Target, "trust"> {
  const file = env["WINDLASS_CA"];
  if (!file || !address.startsWith("https:")) return {};
  let ca: string;
  try {
    ca = readFileSync(resolve(cwd, file), "utf8");
  } catch (error) {
    const message = `cannot read WINDLASS_CA ${file} (${errorText(error)}); name a file of certificates in PEM form`;
    throw new TargetError("address", message, error);
  }
  // Node would trust nobody, and not say why.
  if (!ca.includes("-----BEGIN ")) {
    throw new TargetError("address", `WINDLASS_CA ${file} holds no certificates; name a file of them in PEM form`);
  }
  return { trust: { ca } };
}

function tokenFor(address: string, { env, cwd, token }: TargetSources): string | undefined {
  if (token !== undefined) return token;
  if (env.WINDLASS_TOKEN) return env.WINDLASS_TOKEN;
  // The admin token never leaves the machine by itself: its file is read for loopback addresses only.
  return isLoopback(new URL(address).hostname) ? readAdminToken(stateDir(env, cwd)) : undefined;
}

/** An address without a slash at its end; `source` is what to call it in a failure. Throws {@link TargetError}. */
export function parseAddress(text: string, source = "WINDLASS_ADDRESS"): string {
  const url = /^https?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== "" || url.search !== "" || url.hash !== "") {
    throw new TargetError("address", `${source} "${text}" is not an address; give one like ${DEFAULT_ADDRESS}`);
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

/** The token in a state dir; undefined where there is none. Throws {@link TargetError}. */
export function readAdminToken(dir: string): string | undefined {
  const path = join(dir, "admin.token");
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new TargetError("token", `cannot read ${path} (${errorText(error)}); set WINDLASS_TOKEN`, error);
  }
}
