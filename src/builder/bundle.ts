import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { type BuildFailure, build, type Message, type Metafile, type Plugin, stop } from "esbuild";
import { oneLine } from "../sdk/user-error.ts";
import { BuildError } from "./resolve.ts";

/** Where a bundle lies. */
export interface Bundle {
  readonly path: string;
  /** SHA-256 of the code, as hex. Equal sources give an equal hash; comments do not count. */
  readonly hash: string;
  /** Names that it exports; null: it passes on all that a package exports, which is known only once it is loaded. */
  readonly exports: readonly string[] | null;
}

/** What to bundle. */
export interface BundleRequest {
  /** Absolute path of the entry module. */
  readonly file: string;
  readonly baseDir: string;
  /** Folder where packages are looked for that a module does not find from where it lies. Default: baseDir. */
  readonly packagesDir?: string;
  readonly bundlesDir: string;
  /** URL that `import "windlass"` becomes; what else this package exports lies beside its folder. */
  readonly sdkUrl: string;
}

/**
 * Bundles an application's own sources into `<bundlesDir>/<sha256>/app.mjs`, written whole or not at all. Packages
 * stay where they are: their imports become file URLs, so the bundle may lie anywhere.
 */
export async function bundleApplication(request: BundleRequest): Promise<Bundle> {
  // Source maps name sources relative to their folder: the temporary one lies as deep as the final one.
  const draft = join(request.bundlesDir, `.draft-${randomBytes(6).toString("hex")}`);
  const { code, map, exports } = await run(request, join(draft, "app.mjs"));
  const hash = createHash("sha256").update(code).digest("hex");
  const folder = join(request.bundlesDir, hash);
  const path = join(folder, "app.mjs");
  await mkdir(draft, { recursive: true });
  try {
    await writeFile(join(draft, "app.mjs"), code);
    await writeFile(join(draft, "app.mjs.map"), map);
    if (!existsSync(path)) await rename(draft, folder).catch(ignoreIfThere(path));
    // Equal code may come from sources that differ in comments: positions must be those of the present sources.
    const mapPath = `${path}.map`;
    if (existsSync(draft) && (await readFile(mapPath, "utf8").catch(() => "")) !== map) {
      await rename(join(draft, "app.mjs.map"), mapPath);
    }
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return { path, hash, exports };
}

/** Ends the bundler's own process, which otherwise stays for the next bundle. */
export async function endBundler(): Promise<void> {
  await stop();
}

/** Another builder may have been faster. */
function ignoreIfThere(path: string): (error: unknown) => void {
  return (error) => {
    if (!existsSync(path)) throw error;
  };
}

async function run(request: BundleRequest, outfile: string): Promise<Output> {
  const result = await build({
    entryPoints: [request.file],
    absWorkingDir: request.baseDir,
    outfile,
    write: false,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    keepNames: true,
    sourcemap: "linked",
    sourcesContent: false,
    metafile: true,
    logLevel: "silent",
    conditions: [],
    define: OWN_LOCATION,
    plugins: [externalPackages(request.sdkUrl, request.packagesDir ?? request.baseDir), ownLocation()],
  }).catch((error: unknown) => {
    throw new BuildError(buildFailureLine(error));
  });
  const output = (suffix: string): string => result.outputFiles.find((file) => file.path.endsWith(suffix))?.text ?? "";
  const code = output(".mjs");
  return { ...withRequire(result.metafile, code, output(".map")), exports: exportsOf(result.metafile, code) };
}

interface Output {
  readonly code: string;
  readonly map: string;
  readonly exports: Bundle["exports"];
}

function exportsOf({ outputs }: Metafile, code: string): Bundle["exports"] {
  if (/^export \* from "/m.test(code)) return null;
  return Object.values(outputs).find(({ entryPoint }) => entryPoint !== undefined)?.exports ?? null;
}

function externalPackages(sdkUrl: string, packagesDir: string): Plugin {
  const SKIP = "windlass-skip";
  return {
    name: "external-packages",
    setup(builder) {
      // Bare names only: "./x" and "/x" are the application's own, "#x" is resolved by its package.json.
      builder.onResolve({ filter: /^[^./#]/ }, async (args) => {
        if (args.pluginData === SKIP || args.kind === "entry-point" || args.path.startsWith("node:")) return undefined;
        if (args.path.startsWith("file:")) return { path: args.path, external: true };
        const own = ownModule(args.path, sdkUrl);
        if (own !== undefined) return { path: own, external: true };
        const { kind, resolveDir, importer } = args;
        const beside = await builder.resolve(args.path, { kind, resolveDir, importer, pluginData: SKIP });
        const found =
          beside.errors.length === 0
            ? beside
            : await builder.resolve(args.path, { kind, resolveDir: packagesDir, importer, pluginData: SKIP });
        if (found.errors.length > 0) return { errors: [{ text: missingPackage(args.path) }] };
        // Aliases and workspace packages are the application's own sources.
        if (found.external || !found.path.includes(`${sep}node_modules${sep}`)) return found;
        return { path: kind === "require-call" ? found.path : pathToFileURL(found.path).href, external: true };
      });
    },
  };
}

/** What lies beside the SDK, and is imported from there wherever the application lies. */
const BESIDE_SDK: Readonly<Record<string, string>> = {
  "windlass/client": "../client/index",
  "windlass/client/web": "../client/web",
  "windlass/grpc": "../grpc/index",
  "windlass/testing": "../testing/index",
};

/** Where a module of this package lies; undefined: it is of another one. */
function ownModule(path: string, sdkUrl: string): string | undefined {
  if (path === "windlass") return sdkUrl;
  const beside = Object.hasOwn(BESIDE_SDK, path) ? BESIDE_SDK[path] : undefined;
  return beside && new URL(`${beside}${sdkUrl.slice(sdkUrl.lastIndexOf("."))}`, sdkUrl).href;
}

function missingPackage(name: string): string {
  const packageName = name.split("/", name.startsWith("@") ? 2 : 1).join("/");
  return `cannot find package "${name}": run npm install ${packageName} where the application lies`;
}

const OWN_LOCATION = {
  "import.meta.url": "__windlass_url",
  "import.meta.dirname": "__windlass_dirname",
  "import.meta.filename": "__windlass_filename",
  __dirname: "__windlass_dirname",
  __filename: "__windlass_filename",
};

/** Modules that ask where they are mean their source, not the bundle. */
function ownLocation(): Plugin {
  return {
    name: "own-location",
    setup(builder) {
      builder.onLoad({ filter: /\.(?:[cm]?[jt]s|[jt]sx)$/ }, async ({ path }) => {
        if (path.includes(`${sep}node_modules${sep}`)) return undefined;
        const source = await readFile(path, "utf8");
        if (!/import\.meta\.|__dirname|__filename/.test(source)) return undefined;
        const location = [pathToFileURL(path).href, dirname(path), path].map((text) => JSON.stringify(text));
        const prelude = `var __windlass_url=${location[0]},__windlass_dirname=${location[1]},__windlass_filename=${location[2]};`;
        // On the first line, so that line numbers stay; a shebang must stay first.
        const contents = source.startsWith("#!") ? source.replace(/\n|$/, `\n${prelude}`) : prelude + source;
        return { contents, loader: loaderOf(path), resolveDir: dirname(path) };
      });
    },
  };
}

function loaderOf(path: string): "ts" | "tsx" | "js" | "jsx" {
  if (path.endsWith("tsx")) return "tsx";
  if (path.endsWith("jsx")) return "jsx";
  return path.endsWith("ts") ? "ts" : "js";
}

/** Gives CommonJS sources a `require` for Node's modules and packages; others stay as they are. */
function withRequire(metafile: Metafile, code: string, map: string): { code: string; map: string } {
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  if (!imports.some((one) => one.kind === "require-call" && one.external)) return { code, map };
  const line =
    'import { createRequire as __windlassRequire } from "node:module"; const require = __windlassRequire(import.meta.url);';
  const parsed = JSON.parse(map) as { mappings: string };
  return { code: `${line}\n${code}`, map: JSON.stringify({ ...parsed, mappings: `;${parsed.mappings}` }) };
}

function buildFailureLine(error: unknown): string {
  const errors: Message[] = (error as Partial<BuildFailure>).errors ?? [];
  const first = errors[0];
  if (first === undefined) return oneLine(error instanceof Error ? error.message : String(error));
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const at = first.location;
  const where = at === null ? "" : `${at.file}:${at.line}:${at.column + 1}: `;
  return `${where}${oneLine(first.text)}${more}`;
}
