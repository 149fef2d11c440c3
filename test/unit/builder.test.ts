import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { BuilderOutcome } from "../../src/builder/protocol.ts";
import { resolveImportPath } from "../../src/builder/resolve.ts";
import { COMMAND_IMPORT_PATH } from "../../src/config/types.ts";
import { tempDir } from "../support/temp-dir.ts";
import { zipOf } from "../support/zip.ts";

const BUILDER = fileURLToPath(new URL("../../src/bin/builder.ts", import.meta.url));

interface Build {
  readonly files: Record<string, string>;
  readonly importPath?: string;
  readonly args?: Record<string, unknown>;
  readonly timeoutMs?: number;
  readonly folder?: string;
  /** Of a zip that holds the code. */
  readonly zip?: Record<string, string>;
  readonly policies?: string[];
  readonly shadowPolicies?: string[];
}

/** Runs a real builder over an application written to a fresh folder. */
async function build({
  files,
  importPath = "./app.ts:app",
  args = {},
  timeoutMs,
  folder = tempDir(),
  zip,
  policies,
  shadowPolicies,
}: Build) {
  const baseDir = join(folder, "app");
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(baseDir, name)), { recursive: true });
    writeFileSync(join(baseDir, name), text);
  }
  const resultPath = join(folder, "result.json");
  const requestPath = join(folder, "request.json");
  const bundlesDir = join(folder, "bundles");
  const uri = `file://${join(folder, "app.zip")}`;
  if (zip) writeFileSync(join(folder, "app.zip"), zipOf(zip));
  const workingDirs = zip ? { uris: [uri], code: uri, folder: join(folder, "working-dirs") } : undefined;
  writeFileSync(
    requestPath,
    JSON.stringify({ importPath, baseDir, args, bundlesDir, resultPath, workingDirs, policies, shadowPolicies }),
  );
  const argv = timeoutMs === undefined ? [BUILDER, requestPath] : [BUILDER, requestPath, String(timeoutMs)];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  const [code] = (await once(child, "close")) as [number];
  if (!existsSync(resultPath)) throw new Error(`no result: exit ${code}, ${output}`);
  return { code, output, folder, outcome: JSON.parse(readFileSync(resultPath, "utf8")) as BuilderOutcome };
}

async function errorOf(request: Build): Promise<string> {
  const { code, outcome } = await build(request);
  expect(code).toBe(0);
  if (outcome.ok) throw new Error("the build succeeded");
  return outcome.error;
}

const HELLO = 'import { deployment } from "windlass"; class Hello { fetch() { return new Response("hi"); } }';

describe("building", () => {
  it("reports the graph of a TypeScript application, whatever it prints and leaves running", async () => {
    const { outcome, code } = await build({
      files: {
        "app.ts": `import { deployment, type DeploymentHandle } from "windlass";
          import { Mode } from "./lib/mode.ts";
          console.log("noise"); process.stdout.write("{}"); setInterval(() => {}, 1000);
          class Back { constructor(private readonly mode: Mode) {} call() { return this.mode; } }
          class Front { constructor(public back: DeploymentHandle<Back>[]) {} }
          const Backs = deployment(Back, { maxOngoingRequests: 3 });
          export const app = deployment(Front, { name: "Entry", numReplicas: 2 }).bind([Backs.bind(Mode.Fast), Backs.bind(Mode.Slow)]);`,
        "lib/mode.ts": "export enum Mode { Fast, Slow }",
      },
    });
    expect(code).toBe(0);
    expect(outcome).toMatchObject({
      ok: true,
      result: {
        exportName: "app",
        ingress: "Entry",
        deployments: [
          { name: "Entry", options: { num_replicas: 2 }, outbound: ["Back", "Back_1"] },
          { name: "Back", options: { max_ongoing_requests: 3 }, outbound: [] },
          { name: "Back_1", options: { max_ongoing_requests: 3 }, outbound: [] },
        ],
      },
    });
    if (!outcome.ok) throw new Error(outcome.error);
    expect(dirname(outcome.result.bundlePath).endsWith(outcome.result.bundleHash)).toBe(true);
    expect(outcome.result.deployments[0]!.options).not.toHaveProperty("name");
  });

  it("gives the same hash for the same code, another for changed code, and keeps positions current", async () => {
    const first = await build({ files: { "app.ts": `${HELLO}\nexport const app = deployment(Hello).bind();` } });
    const hash = (one: typeof first) => (one.outcome.ok ? one.outcome.result.bundleHash : one.outcome.error);
    const map = (one: typeof first) => readFileSync(join(one.folder, "bundles", hash(one), "app.mjs.map"), "utf8");
    const firstMap = map(first);
    const { folder } = first;
    const second = await build({
      folder,
      files: { "app.ts": `// note\n${HELLO}\nexport const app = deployment(Hello).bind();` },
    });
    expect(hash(second)).toBe(hash(first));
    expect(map(second)).not.toBe(firstMap);
    const third = await build({
      folder,
      files: { "app.ts": `${HELLO}\nexport const app = deployment(Hello, { name: "B" }).bind();` },
    });
    expect(hash(third)).not.toBe(hash(first));
  });

  it("lets modules find files beside their source", async () => {
    const { outcome } = await build({
      files: {
        "app.ts": `import { readFileSync } from "node:fs"; import { deployment } from "windlass"; import { near } from "./lib/near.ts";
          const name = readFileSync(new URL("./name.txt", import.meta.url), "utf8") + near;
          export const app = deployment({ fetch: () => new Response() }, { name }).bind();`,
        "name.txt": "from-file",
        "lib/near.ts":
          'import { readFileSync } from "node:fs"; export const near = readFileSync(import.meta.dirname + "/n.txt", "utf8");',
        "lib/n.txt": "-near",
      },
    });
    expect(outcome).toMatchObject({ ok: true, result: { ingress: "from-file-near" } });
  });

  it("leaves packages where they are, CommonJS ones too", async () => {
    const { outcome } = await build({
      importPath: "app:app",
      files: {
        "app.js": `import esm from "esm-package"; import local from "./local.cjs"; import { deployment } from "windlass";
          export const app = deployment({ fetch: () => new Response() }, { name: esm + local }).bind();`,
        "local.cjs": 'module.exports = require("cjs-package") + require("node:path").sep;',
        "node_modules/esm-package/package.json": '{"name":"esm-package","type":"module","main":"i.js"}',
        "node_modules/esm-package/i.js": 'export default "esm-";',
        "node_modules/cjs-package/package.json": '{"name":"cjs-package","main":"i.js"}',
        "node_modules/cjs-package/i.js": 'module.exports = "cjs";',
      },
    });
    expect(outcome).toMatchObject({ ok: true, result: { ingress: "esm-cjs/" } });
  });

  it("finds what else Windlass exports where the application's folder has no packages", async () => {
    const { outcome } = await build({
      files: {
        "app.ts": `import { deployment } from "windlass"; import { createClient } from "windlass/client";
          import { makeGrpcClient } from "windlass/grpc"; import { runLocal } from "windlass/testing";
          const names = [createClient, makeGrpcClient, runLocal].map((f) => typeof f).join("-");
          export const app = deployment({ fetch: () => new Response() }, { name: names }).bind();`,
      },
    });
    expect(outcome).toMatchObject({ ok: true, result: { ingress: "function-function-function" } });
  });

  it("takes code from a zip, packages from the zip first and then from the base dir", async () => {
    const packaged = (name: string, text: string) => ({
      [`node_modules/${name}/package.json`]: `{"name":"${name}","type":"module","main":"i.js"}`,
      [`node_modules/${name}/i.js`]: `export default "${text}";`,
    });
    const { outcome, folder } = await build({
      files: { "app.ts": "export const app = 1;", ...packaged("a", "base"), ...packaged("b", "base") },
      zip: {
        "app.ts": `import a from "a"; import b from "b"; import { deployment } from "windlass";
          export const app = deployment({ fetch: () => new Response() }, { name: a + "-" + b }).bind();`,
        ...packaged("a", "zip"),
      },
    });
    expect(outcome).toMatchObject({ ok: true, result: { ingress: "zip-base" } });
    const found = Object.values((outcome.ok && outcome.result.workingDirs) || {});
    expect(found.map(({ path }) => path)).toEqual(found.map(({ hash }) => join(folder, "working-dirs", hash)));
    expect(found).toHaveLength(1);
  });

  it("gives args to a builder function", async () => {
    const { outcome } = await build({
      args: { name: "x", replicas: 3 },
      files: {
        "app.ts": `${HELLO}\nexport const app = async (args: any) => deployment(Hello, { name: args.name, numReplicas: args.replicas }).bind();`,
      },
    });
    expect(outcome).toMatchObject({ ok: true, result: { deployments: [{ name: "x", options: { num_replicas: 3 } }] } });
  });
});

describe("errors in one line", () => {
  it.each<[string, Build, RegExp]>([
    [
      "a missing file, with what was looked for",
      { files: { "x.ts": "" }, importPath: "ap:app" },
      /^import_path "ap:app": no such file; looked for ap\.ts, ap\.mts, ap\.js, ap\.mjs, ap\/index\.ts in \//,
    ],
    ["an import path without an export", { files: {}, importPath: "./app.ts" }, /must be "<module>:<export>"/],
    [
      "a missing export, with a suggestion",
      { files: { "app.ts": "export const apq = 1;" } },
      /^import_path "\.\/app\.ts:app": no export "app": did you mean "apq"\?/,
    ],
    [
      "an export that is no application",
      { files: { "app.ts": "export const app = 1;" } },
      /is not an application but a number/,
    ],
    ["a syntax error", { files: { "app.ts": "\nexport const = 1;" } }, /^app\.ts:2:14: Expected identifier/],
    [
      "a missing package",
      { files: { "app.ts": 'export * from "./a.ts";', "a.ts": '\nimport "no-such-package/sub";' } },
      /^a\.ts:2:8: cannot find package "no-such-package\/sub": run npm install no-such-package/,
    ],
    [
      "a missing local module",
      { files: { "app.ts": 'import "./gone.ts";' } },
      /^app\.ts:1:8: Could not resolve "\.\/gone\.ts"/,
    ],
    [
      "a module that throws, at its first frame in user sources",
      {
        files: {
          "app.ts": 'import { f } from "./a.ts";\nexport const app = f();',
          "a.ts": '\n\nexport function f() {\n  throw new TypeError("bad\\nthing");\n}',
        },
      },
      /^TypeError: bad thing \(a\.ts:4:9\)$/,
    ],
    [
      "an SDK call that throws, at the user's line",
      { files: { "app.ts": `${HELLO}\nexport const app = deployment(Hello, { numReplica: 1 } as never).bind();` } },
      /^TypeError: unknown deployment option "numReplica": did you mean "numReplicas"\? \(app\.ts:2:20\)$/,
    ],
    [
      "a builder function that throws",
      { files: { "app.ts": 'export const app = async (_args: object) => {\n  throw new Error("no");\n};' } },
      /^Error: no \(app\.ts:2:9\)$/,
    ],
    ["a thrown string", { files: { "app.ts": 'throw "up";' } }, /^Error: threw "up"$/],
    [
      "a module that never finishes",
      { timeoutMs: 200, files: { "app.ts": "await new Promise(() => {}); export const app = 1;" } },
      /took longer than 0\.2 s/,
    ],
    [
      "a module that ends the process",
      { files: { "app.ts": "process.exit(3); export const app = 1;" } },
      /ended the process \(exit code 3\)/,
    ],
    [
      "a module that throws later, outside any promise",
      {
        timeoutMs: 5000,
        files: {
          "app.ts":
            'setImmediate(() => {\n  throw new Error("late");\n});\nawait new Promise(() => {});\nexport const app = 1;',
        },
      },
      /^Error: late \(app\.ts:2:9\)$/,
    ],
    [
      "two deployments without a name",
      {
        files: {
          "app.ts":
            'import { deployment as d } from "windlass";\nconst o = { fetch: () => new Response() };\nexport const app = d(class A {}).bind(d(o).bind());',
        },
      },
      /has no name/,
    ],
  ])("%s", async (_name, request, message) => {
    const error = await errorOf(request);
    expect(error).toMatch(message);
    expect(error).not.toContain("\n");
  });
});

describe("import paths", () => {
  it.each([
    ["app:app", "app.ts"],
    ["b:x", "b.js"],
    ["b.js:x", "b.js"],
    ["./sub:x", "sub/index.ts"],
    ["my.app:x", "my.app.mjs"],
  ])("%s means %s", (importPath, expected) => {
    const folder = tempDir();
    for (const name of ["app.ts", "app.mts", "app.js", "b.js", "b.mjs", "sub/index.ts", "my.app.mjs"]) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), "");
    }
    const [module, exportName] = [
      resolveImportPath(importPath, folder).file,
      resolveImportPath(importPath, folder).exportName,
    ];
    expect([module, exportName]).toEqual([join(folder, expected), importPath.split(":")[1]]);
    expect(resolveImportPath(`${join(folder, "app.ts")}:x`, "/elsewhere").file).toBe(join(folder, "app.ts"));
  });
});

describe("scaling policies", () => {
  const POLICY = "export const policy = () => ({ desired: 1 });";
  const SCALED = `import { deployment } from "windlass";
class Hello { fetch() { return new Response("hi"); } }
export const app = deployment(Hello, { autoscalingConfig: { policy: { policyFunction: "./scale:policy" } } }).bind();`;

  it("are bundled, those of the config and those of the code", async () => {
    const { outcome } = await build({
      files: { "app.ts": SCALED, "scale.ts": POLICY, "more/policy.ts": `${POLICY} export const other = 2;` },
      policies: ["./more/policy.ts:other"],
    });
    if (!outcome.ok) throw new Error(outcome.error);
    const { policies = {}, bundlePath } = outcome.result;
    expect(Object.entries(policies).map(([name, { exportName }]) => [name, exportName])).toEqual([
      ["./more/policy.ts:other", "other"],
      ["./scale:policy", "policy"],
    ]);
    for (const { bundlePath: path } of Object.values(policies)) {
      expect(path).not.toBe(bundlePath);
      expect(existsSync(path)).toBe(true);
    }
  });

  it.each([
    ["./none.ts:policy", 'policy_function "./none.ts:policy": no such file; looked for none.ts in '],
    ["./bad.ts:policy", 'policy_function "./bad.ts:policy": bad.ts:1:23: Unexpected ";"'],
    ["./good.ts:Policy", 'policy_function "./good.ts:Policy": no export "Policy": the module exports default, policy'],
    ["./empty.ts:policy", 'policy_function "./empty.ts:policy": no export "policy": the module exports nothing'],
  ])("that cannot be had fail the build, followed or not: %s", async (name, expected) => {
    const app = `${HELLO} export const app = deployment(Hello).bind();`;
    const good = `${POLICY} export default policy;`;
    const files = { "app.ts": app, "bad.ts": "export const policy = ;", "good.ts": good, "empty.ts": "" };
    for (const wanted of [{ policies: [name] }, { shadowPolicies: [name] }]) {
      const error = await errorOf({ files, ...wanted });
      expect(error.startsWith(expected), error).toBe(true);
    }
  });

  it("may pass on what a package exports, which is not known before it is loaded", async () => {
    const { outcome } = await build({
      files: {
        "app.ts": `${HELLO} export const app = deployment(Hello).bind();`,
        "policy.ts": 'export * from "rules";',
        "node_modules/rules/package.json": '{"name":"rules","type":"module","exports":"./index.js"}',
        "node_modules/rules/index.js": POLICY,
      },
      policies: ["./policy.ts:policy"],
    });
    expect(outcome).toMatchObject({
      ok: true,
      result: { policies: { "./policy.ts:policy": { exportName: "policy" } } },
    });
  });

  it("that only shadows have are told from those that are followed", async () => {
    const code = SCALED.replace("} })", '}, autoscalingShadow: { policy: { policyFunction: "./tried:policy" } } })');
    const { outcome } = await build({
      files: { "app.ts": code, "scale.ts": POLICY, "tried.ts": POLICY, "new.ts": POLICY },
      shadowPolicies: ["./scale:policy", "./new.ts:policy"],
    });
    if (!outcome.ok) throw new Error(outcome.error);
    const shadows = Object.entries(outcome.result.policies ?? {}).map(([name, { shadow = false }]) => [name, shadow]);
    expect(Object.fromEntries(shadows)).toEqual({
      "./scale:policy": false,
      "./new.ts:policy": true,
      "./tried:policy": true,
    });
  });

  it("of programs are all that is built of them", async () => {
    const wanted = { importPath: COMMAND_IMPORT_PATH, policies: ["./policy.ts:policy"] };
    const { outcome, folder } = await build({ files: { "policy.ts": POLICY }, ...wanted });
    if (!outcome.ok) throw new Error(outcome.error);
    const { policies = {}, ...rest } = outcome.result;
    expect(rest).toEqual({ bundlePath: "", bundleHash: "", exportName: "", ingress: "", deployments: [] });
    const first = policies["./policy.ts:policy"];
    const edited = await build({ files: { "policy.ts": POLICY.replace("1", "2") }, ...wanted, folder });
    if (!edited.outcome.ok || first === undefined) throw new Error("not built");
    expect(edited.outcome.result.policies?.["./policy.ts:policy"]?.bundleHash).not.toBe(first.bundleHash);
    expect(existsSync(first.bundlePath)).toBe(true);
  });
});
