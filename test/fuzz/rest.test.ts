import { spawn } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { OPERATIONS } from "../../src/api/rest/openapi-operations.ts";
import { exchange } from "../../src/conformance/rest/exchange.ts";
import { pythonProgram } from "../support/python.ts";
import { tempDir } from "../support/temp-dir.ts";
import { api, eventually, ROOT, startWindlass, type Windlass } from "../support/windlass.ts";

const FIXTURES = join(ROOT, "test", "conformance", "fixtures");
const HERE = join(ROOT, "test", "fuzz");

/** How long requests are made up; more with WINDLASS_FUZZ_SECONDS. */
const SECONDS = Number(process.env["WINDLASS_FUZZ_SECONDS"] ?? 35);

/** Operations that end the instance or stream for ever; a test below sends them odd requests of its own. */
const EXCLUDED = ["endInstance", "endInstanceV1", "watch"];

/**
 * What must hold of every answer. Not among them: that whatever breaks the schema is refused, for the reference's
 * coercions are lax (`target_capacity: false` is 0), and an empty query parameter is as none.
 */
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "ignored_auth",
  "unsupported_method",
  "allow_header_conformance",
  "no_stack_trace",
  "problems_are_lines",
];

it("no request that can be made up of /openapi.json gets a 500, a stack trace or an undocumented answer", {
  timeout: (SECONDS + 120) * 1000,
}, async () => {
  const program = await pythonProgram("schemathesis", ["schemathesis==4.32.5"]);
  const windlass = await startWindlass(["--app-dir", FIXTURES]);
  const { code, out } = await schemathesis(program("st"), windlass);
  expect(code, out).toBe(0);
  const { paths } = (await api(windlass, "/openapi.json")).json as { paths: Record<string, object> };
  // Schemathesis leaves out the path that it reads the document from.
  delete paths["/openapi.json"];
  const total = Object.values(paths).flatMap((item) => Object.keys(item).filter((key) => key !== "parameters")).length;
  expect(out).toContain(`Selected: ${total - EXCLUDED.length}/${total}`);
  expect(out).toContain(`Tested: ${total - EXCLUDED.length}`);
  const generated = Number(/(\d+) generated/.exec(out)?.[1]);
  expect(generated).toBeGreaterThan(300);
  console.log(`${generated} requests`);
  await expectUnharmed(windlass);
});

it("requests that end the instance or watch are answered as documented, whatever comes with them", {
  timeout: 120_000,
}, async () => {
  const windlass = await startWindlass(["--app-dir", FIXTURES]);
  const text = fc.string({ unit: "grapheme", maxLength: 20 });
  const query = fc.dictionary(fc.constantFrom("name", "since", "api_type", "x"), text, { maxKeys: 3 });
  const header = fc.option(fc.stringMatching(/^[ -~]{0,20}$/).map((value) => value.trim()));
  const method = fc.constantFrom(
    "DELETE /api/serve/applications/",
    "DELETE /api/serve/deployments/",
    "GET /api/v1/watch",
  );
  await fc.assert(
    fc.asyncProperty(method, query, header, fc.option(text), async (operation, parameters, last, body) => {
      const [verb = "", path = ""] = operation.split(" ");
      const headers = {
        authorization: `Bearer ${windlass.token}`,
        ...(last === null ? {} : { "last-event-id": last }),
      };
      const url = `${path}?${new URLSearchParams(parameters)}`;
      const { status, said } =
        verb === "GET" ? await firstOf(windlass, url, headers) : await whole(windlass, verb, url, headers, body);
      expect([200, ...(OPERATIONS[operation]?.fails ?? [])]).toContain(status);
      expect(said).not.toMatch(/^\s*at .*:\d+:\d+\)?$/m);
    }),
    { numRuns: 60 },
  );
  await expectUnharmed(windlass);
});

/** Runs it in a folder of its own, where it leaves what it remembers. */
function schemathesis(file: string, windlass: Windlass): Promise<{ code: number | null; out: string }> {
  const args = ["--config-file", join(HERE, "schemathesis.toml"), "run", `${windlass.control}/openapi.json`];
  args.push("--header", `Authorization: Bearer ${windlass.token}`, "--checks", CHECKS.join(","));
  args.push("--phases", "examples,coverage,fuzzing", "--max-time", String(SECONDS), "--request-timeout", "20");
  args.push("--continue-on-failure", "--no-color", ...EXCLUDED.flatMap((id) => ["--exclude-operation-id", id]));
  return new Promise((resolve, reject) => {
    const env = {
      ...process.env,
      PYTHONDONTWRITEBYTECODE: "1",
      SCHEMATHESIS_HOOKS: join(HERE, "hooks.py"),
      FUZZ_TOKEN: windlass.token,
    };
    const child = spawn(file, args, { cwd: tempDir(), env, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    child.stdout.on("data", (text) => (out += text));
    child.stderr.on("data", (text) => (out += text));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, out }));
  });
}

/** The same controller still answers, and nothing was written that only a bug writes. */
async function expectUnharmed(windlass: Windlass): Promise<void> {
  const ready = await api(windlass, "/-/readyz");
  expect([ready.status, (ready.json as { pid: number }).pid]).toEqual([200, windlass.pids.controller]);
  expect(windlass.output().stderr).not.toMatch(/^\s*at .*:\d+:\d+\)?$|internal error|unhandled/im);
  await eventually(
    async () =>
      (await api(windlass, "/api/serve/applications/", { method: "PUT", body: { applications: [] } })).status === 200,
  );
  await eventually(
    async () =>
      Object.keys(((await api(windlass, "/api/serve/applications/")).json as { applications: object }).applications)
        .length === 0,
  );
}

async function whole(
  windlass: Windlass,
  method: string,
  path: string,
  headers: Record<string, string>,
  body: string | null,
) {
  const answer = await exchange(windlass.control, { method, path, headers, ...(body === null ? {} : { body }) });
  return { status: answer.status, said: answer.text };
}

/** Status and first piece of an answer that may go on for ever. */
async function firstOf(windlass: Windlass, path: string, headers: Record<string, string>) {
  const leave = new AbortController();
  const response = await fetch(`${windlass.control}${path}`, { headers, signal: leave.signal });
  const { value } = await response.body!.getReader().read();
  leave.abort();
  return { status: response.status, said: new TextDecoder().decode(value) };
}
