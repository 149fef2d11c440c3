import { tempFolder } from "../lib/children.ts";
import type { Context } from "../lib/context.ts";
import { runIsolated } from "./isolated.ts";
import { findNginx } from "./nginx.ts";
import type { SideResults } from "./side.ts";
import { sideTables } from "./side-table.ts";

/** Of the length of one load elsewhere: there are five of them and thirteen workloads. */
const SHARE_OF_SECONDS = 1 / 3;

/**
 * Starts bare node:http, nginx before it, Windlass and Ray Serve with and without HAProxy, puts the same loads on them in
 * turns and returns tables. What is not to be had is left out, with a line that says why. `ray` is its program.
 */
export async function compareSideBySide(context: Context & { readonly ray: string | undefined }): Promise<string> {
  const { ray = "", seconds, rounds, progress } = context;
  let missingNginx: string | undefined;
  const nginx = await findNginx(tempFolder(), progress).catch((error: Error) => {
    missingNginx = error.message;
    progress(error.message);
    return "";
  });
  const args = [ray, nginx, String(seconds * SHARE_OF_SECONDS), String(rounds)];
  const { figures, missing } = await runIsolated<SideResults>({ program: "side-main.ts", args, progress });
  return sideTables({ figures, missing: { ...missing, ...(missingNginx && { nginx: missingNginx }) } });
}
