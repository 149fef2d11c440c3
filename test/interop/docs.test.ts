import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { callUnary, grpc, Health, makeGrpcClient, reasonOf } from "../../src/grpc/index.ts";
import { ECHO, ECHO_CONFIG, writeApp } from "../support/apps.ts";
import { runProgram } from "../support/python.ts";
import { tempDir } from "../support/temp-dir.ts";
import { clientEnv, ROOT, startWindlass, waitForStatus } from "../support/windlass.ts";

const [client, server] = [
  ...readFileSync(join(ROOT, "docs", "interop.md"), "utf8").matchAll(/^```ts\n(.*?)^```$/gms),
].map(([, code]) => code!);

/** A project of a user of the package; gives the path of a file in it. */
function project(code: string): string {
  const folder = tempDir();
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules", "windlass"));
  const options = {
    strict: true,
    exactOptionalPropertyTypes: true,
    module: "nodenext",
    target: "es2024",
    noEmit: true,
  };
  const compilerOptions = { ...options, types: ["node"], typeRoots: [join(ROOT, "node_modules", "@types")] };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["main.ts"] }));
  writeFileSync(join(folder, "main.ts"), code);
  return join(folder, "main.ts");
}

async function typeErrors(main: string): Promise<string> {
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  return (await runProgram(process.execPath, [tsc, "-p", dirname(main)])).out;
}

it("the client of docs/interop.md type-checks and runs as printed", async () => {
  const main = project(client!);
  expect(await typeErrors(main)).toBe("");
  const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG())]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const { out, err } = await runProgram(process.execPath, [main], { env: clientEnv(windlass) });
  expect({ out, err }).toEqual({ out: "[ 'applications/echo' ]\n5 NOT_FOUND\n", err: "" });
});

it("the server of docs/interop.md type-checks and runs as printed", async () => {
  const main = project(server!);
  expect(await typeErrors(main)).toBe("");
  const child = spawn(process.execPath, [main], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill());
  const port = await new Promise<string>((resolve) =>
    child.stdout.once("data", (text) => resolve(String(text).trim())),
  );
  const health = makeGrpcClient(Health, `127.0.0.1:${port}`);
  onTestFinished(() => health.close());
  expect((await callUnary(health, "check", {})).status).toBe(1);
  const error: unknown = await callUnary(health, "check", { service: "x" }).catch((thrown: unknown) => thrown);
  expect([(error as grpc.ServiceError).code, reasonOf(error)]).toEqual([grpc.status.NOT_FOUND, "NO_SERVICE"]);
});
