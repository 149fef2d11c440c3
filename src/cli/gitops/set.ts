/** Which set of applications a run of `windlass apply` keeps. Pure. */
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { isLoopback } from "../../client/loopback.ts";
import { CliError, EXIT } from "../exit.ts";
import { STDIN } from "./files.ts";

/** The longest name of a set, in characters; the API has the same limit. */
const MAX_LENGTH = 256;

/** What {@link setName} knows. */
export interface SetChoice {
  /** `--set`. */
  readonly given: string | undefined;
  readonly from: readonly string[];
  readonly cwd: string;
  /** "http://host:port". */
  readonly address: string;
  readonly prune: boolean;
}

/**
 * The set's name: as given, else the absolute paths of what `-f` names, links not followed. Throws a usage error where a
 * path says too little to delete by: from standard input, and for an instance elsewhere, where others may have the
 * same path.
 */
export function setName({ given, from, cwd, address, prune }: SetChoice): string {
  if (given !== undefined) return checked(given);
  const help = "name the set of applications that is pruned with --set";
  if (prune && from.includes(STDIN))
    throw new CliError(EXIT.usage, `standard input has no path to tell it by: ${help}`);
  if (prune && !isLoopback(new URL(address).hostname)) {
    throw new CliError(EXIT.usage, `on ${address} others may apply from a folder of the same path: ${help}`);
  }
  const paths = from.map((each) => (each === STDIN ? `${cwd} ${STDIN}` : resolve(cwd, each)));
  const name = [...new Set(paths)].sort().join(" ");
  return name.length <= MAX_LENGTH ? name : `sha256 ${createHash("sha256").update(name).digest("hex")}`;
}

function checked(name: string): string {
  if (name.length >= 1 && name.length <= MAX_LENGTH && name.isWellFormed() && !/\p{Cc}/u.test(name)) return name;
  const what = `must have 1 to ${MAX_LENGTH} characters and none that control`;
  throw new CliError(
    EXIT.usage,
    `--set ${JSON.stringify(name.slice(0, 60))} ${what}; give a short name such as team/shop`,
  );
}
