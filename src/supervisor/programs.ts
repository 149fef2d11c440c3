import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Role } from "./protocol.ts";

const HERE = dirname(fileURLToPath(import.meta.url));

/** The file of one of our programs: beside this one when bundled (dist/), in ../bin when run from sources. */
export function programPath(role: Exclude<Role, "command">): string {
  const candidates = [join(HERE, "bin", `${role}.js`), join(HERE, `${role}.js`), join(HERE, "..", "bin", `${role}.ts`)];
  const found = candidates.find((path) => existsSync(path));
  if (!found) throw new Error(`program ${role} is missing from this installation; install windlass again`);
  return found;
}
