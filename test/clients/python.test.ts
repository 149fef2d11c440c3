import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { pythonProgram, runProgram } from "../support/python.ts";
import { describeClient, type Program } from "./run-cases.ts";

const FOLDER = fileURLToPath(new URL("../../clients/python/", import.meta.url));

/** What the package depends on, and what builds it: its own code is installed anew each time. */
const REQUIREMENTS = ["grpcio==1.85.1", "protobuf==7.36.2", "hatchling==1.33.0"];

/** As a user would: by pip, from the folder. */
async function install(): Promise<(name: string) => string> {
  const program = await pythonProgram("client-python", REQUIREMENTS);
  const pip = ["install", "--quiet", "--disable-pip-version-check", "--no-build-isolation", "--force-reinstall"];
  const { code, err } = await runProgram(program("pip"), [...pip, "--no-deps", FOLDER]);
  expect(code, err).toBe(0);
  return program;
}

async function lab(name: string): Promise<Program> {
  const program = await install();
  return { command: program("python"), args: [`tests/lab/${name}.py`], cwd: FOLDER };
}

describeClient("Python", () => lab("sync_cases"), 300_000);
