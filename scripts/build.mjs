// Bundles our own processes and the SDK into dist/ and emits the SDK's types.
// Splitting keeps one copy of what processes and user code share, the SDK above all.
// An unchanged tree is not built again: a Windlass that runs from dist/ is not disturbed by `npm test` or `npm start`.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
// A packed copy ships dist/ without sources: nothing to build.
if (!existsSync("src/bin/cli.ts")) process.exit(0);

const stamp = hashOf(["package.json", "tsconfig.json", "tsconfig.types.json", "scripts/build.mjs", "src", "gen"]);
if (existsSync("dist/stamp") && readFileSync("dist/stamp", "utf8") === stamp) process.exit(0);

const { build } = await import("esbuild");
const out = "dist.new";
rmSync(out, { recursive: true, force: true });
const bins = ["cli", "controller", "proxy", "replica", "builder", "policy-host"];
await build({
  entryPoints: Object.fromEntries([
    ...bins.map((name) => [`bin/${name}`, `src/bin/${name}.ts`]),
    ["sdk/index", "src/sdk/index.ts"],
    ["grpc/index", "src/grpc/index.ts"],
    ["client/index", "src/client/index.ts"],
    ["testing/index", "src/testing/index.ts"],
  ]),
  outdir: out,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "none",
  logLevel: "warning",
  // Credentials and metadata of grpc-js are known by their class: users' own copy is the one to be used.
  external: ["esbuild", "@grpc/grpc-js"],
  // CommonJS dependencies inside an ES module still call require for Node's own modules.
  banner: {
    js: 'import { createRequire as __windlassRequire } from "node:module"; const require = __windlassRequire(import.meta.url);',
  },
}).catch(() => process.exit(1)); // esbuild has said why
// For pages: by itself, without what Node needs.
await build({
  entryPoints: { "client/web": "src/client/web.ts" },
  outdir: out,
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "none",
  logLevel: "warning",
}).catch(() => process.exit(1));
const tsc = ["node_modules/typescript/bin/tsc", "-p", "tsconfig.types.json", "--outDir", `${out}/types`];
execFileSync(process.execPath, tsc, { stdio: "inherit" });
writeFileSync(`${out}/stamp`, stamp);
rmSync("dist", { recursive: true, force: true });
renameSync(out, "dist");
if (!process.argv.includes("--quiet")) process.stdout.write("built dist/\n");

function hashOf(paths) {
  const hash = createHash("sha256");
  const add = (path) => {
    const entries = existsSync(path) && !/\.[a-z]+$/.test(path) ? readdirSync(path, { withFileTypes: true }) : null;
    if (entries === null) hash.update(path).update(readFileSync(path));
    else for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) add(join(path, entry.name));
  };
  for (const path of paths) add(path);
  return hash.digest("hex");
}
