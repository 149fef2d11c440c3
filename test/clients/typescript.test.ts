import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { describeClient, type Program } from "./run-cases.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FOLDER = join(ROOT, "clients/typescript");
const INSTALL_TIMEOUT_MS = 240_000;

let project: string | undefined;
afterAll(() => {
  if (project !== undefined) rmSync(project, { recursive: true, force: true });
});

/** A project of a user's: the packed package in its node_modules, and Node alone to run it. */
function install(): string {
  if (project !== undefined) return project;
  project = mkdtempSync(join(tmpdir(), "windlass-typescript-"));
  const packed = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project], {
    cwd: ROOT,
    encoding: "utf8",
  });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  const installed = join(project, "node_modules/windlass");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(project, filename), "-C", installed, "--strip-components=1"]);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "mine", type: "module", private: true }));
  cpSync(join(FOLDER, "lab/cases.ts"), join(project, "cases.ts"));
  return project;
}

const program =
  (...args: string[]) =>
  async (): Promise<Program> => ({ command: process.execPath, args: ["cases.ts", ...args], cwd: install() });

describeClient("TypeScript", program("connect", "2"), INSTALL_TIMEOUT_MS);
describeClient("TypeScript, over HTTP/1.1,", program("connect", "1.1"), INSTALL_TIMEOUT_MS);
describeClient("TypeScript, over gRPC,", program("grpc", "2"), INSTALL_TIMEOUT_MS);
