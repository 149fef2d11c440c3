import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Role } from "./protocol.ts";

const HERE = dirname(fileURLToPath(import.meta.url));

/** The file of one of our programs: beside this one when bundled (dist/), in ../bin when run from sources. */
export function programPath(role: Exclude<Role, "command">): string {
  const program = role === "spare" ? "replica" : role;
  const candidates = [
    join(HERE, "bin", `${program}.js`),
    join(HERE, `${program}.js`),
    join(HERE, "..", "bin", `${program}.ts`),
  ];
  const found = candidates.find((path) => existsSync(path));
  if (!found) throw new Error(`program ${program} is missing from this installation; install windlass again`);
  return found;
}
