import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";

/** Installs a package of Debian's unless its program is there. Throws with what to do where that is impossible. */
export async function installPackage(name: string, program: string): Promise<void> {
  if (existsSync(program)) return;
  const apt = async (...args: string[]): Promise<void> => {
    await promisify(execFile)("apt-get", args, { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  };
  try {
    await apt("update");
    await apt("install", "--yes", "--no-install-recommends", name);
  } catch (error) {
    throw new Error(`this test needs ${name}; install it: apt-get install ${name} (${String(error)})`);
  }
}
