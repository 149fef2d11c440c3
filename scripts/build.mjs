// Bundles our own processes and the SDK into dist/ and emits the SDK's types.
// Splitting keeps one copy of what processes and user code share, the SDK above all.
import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
// A packed copy ships dist/ without sources: nothing to build.
if (!existsSync("src/bin/cli.ts")) process.exit(0);
const { build } = await import("esbuild");
rmSync("dist", { recursive: true, force: true });
const bins = ["cli", "controller", "proxy", "replica", "builder"].filter((name) => existsSync(`src/bin/${name}.ts`));
await build({
  entryPoints: Object.fromEntries([
    ...bins.map((name) => [`bin/${name}`, `src/bin/${name}.ts`]),
    ["sdk/index", "src/sdk/index.ts"],
  ]),
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "none",
  logLevel: "warning",
  external: ["esbuild"],
  // CommonJS dependencies inside an ES module still call require for Node's own modules.
  banner: {
    js: 'import { createRequire as __windlassRequire } from "node:module"; const require = __windlassRequire(import.meta.url);',
  },
});
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.types.json"], { stdio: "inherit" });
if (!process.argv.includes("--quiet")) process.stdout.write("built dist/\n");
