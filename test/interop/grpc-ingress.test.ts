/** The gRPC port as Python programs see it that were written for Ray Serve. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { pythonProgram, runProgram } from "../support/python.ts";
import { api, ROOT, startWindlass, waitForStatus } from "../support/windlass.ts";

const PYTHON = join(ROOT, "test/interop/python");

it.each(["connected", "js"])("grpcio calls services of all four kinds, registered as in %s", async (registered) => {
  const requirements = readFileSync(join(PYTHON, "requirements.txt"), "utf8").trim().split("\n");
  const python = (await pythonProgram("interop", requirements))("python");
  const windlass = await startWindlass();
  const put = await api(windlass, "/api/serve/applications/", {
    method: "PUT",
    headers: { "x-windlass-base-dir": join(ROOT, "test/support") },
    body: { applications: [{ name: "connected", import_path: `./grpc-app.ts:${registered}` }, other] },
  });
  expect([put.status, put.text]).toEqual([200, ""]);
  for (const name of ["connected", "other"]) await waitForStatus(windlass, name, "RUNNING");
  const run = await runProgram(python, [join(PYTHON, "ingress.py"), windlass.grpc, join(ROOT, "examples/grpc")]);
  expect(run.code, run.err).toBe(0);
  expect(JSON.parse(run.out)).toEqual({
    unary: "3",
    trailers: "py-1",
    "server stream": ["A", "d", "a"],
    "client stream": "3000000",
    bidi: ["one", "two"],
    status: ["NOT_FOUND", "no such friend"],
    error: ["INTERNAL", "it's broken: ä"],
    deadline: "DEADLINE_EXCEEDED",
    first: "a",
    cancelled: "CANCELLED",
    unknown: "NOT_FOUND",
  });
});

const other = { name: "other", route_prefix: "/other", import_path: "./grpc-app.ts:plain" };
