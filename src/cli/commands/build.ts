import { writeFileSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { DEFAULT_PROXY_LOCATION, GRPC_DEFAULTS, HTTP_DEFAULTS, LOGGING_DEFAULTS } from "../../config/defaults.ts";
import { errorText } from "../../core/errors.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT } from "../exit.ts";
import { type Inspected, inspect } from "../inspect.ts";
import { VERSION } from "../version.ts";
import { toYaml } from "../yaml.ts";

/** Options of `windlass build`. */
export interface BuildOptions {
  /** File to write instead of stdout. */
  readonly outputPath?: string;
  /** Written as `grpc_servicer_functions`; default: none. */
  readonly grpcServicerFunctions?: readonly string[];
  /** Written as `enable_reflection: false`. */
  readonly grpcDisableReflection?: boolean;
  /** Folder that import paths start from; default: the present one. */
  readonly appDir?: string;
}

/** `windlass build`: a config for the applications at import paths, with the options that their code sets. */
export async function build(ctx: CliContext, importPaths: readonly string[], options: BuildOptions): Promise<void> {
  const baseDir = resolve(ctx.cwd, options.appDir ?? ".");
  const file = options.outputPath === undefined ? undefined : resolve(ctx.cwd, options.outputPath);
  const inspected: Inspected[] = [];
  for (const importPath of importPaths) inspected.push(await inspect(ctx, importPath, baseDir));
  const { calledFirst, problemsOf, writtenOptions } = await import("../built-config.ts");
  const problems = inspected.flatMap(problemsOf);
  if (problems.length > 0) throw new CliError(EXIT.failed, problems);

  const text = toYaml({
    proxy_location: DEFAULT_PROXY_LOCATION,
    http_options: { host: HTTP_DEFAULTS.host, port: HTTP_DEFAULTS.port },
    grpc_options: {
      port: GRPC_DEFAULTS.port,
      grpc_servicer_functions: options.grpcServicerFunctions ?? GRPC_DEFAULTS.grpc_servicer_functions,
      enable_reflection: options.grpcDisableReflection ? false : GRPC_DEFAULTS.enable_reflection,
    },
    logging_config: LOGGING_DEFAULTS,
    applications: inspected.map((application, index) => ({
      name: `app${index + 1}`,
      route_prefix: importPaths.length === 1 ? "/" : `/app${index + 1}`,
      import_path: importPathFrom(file === undefined ? baseDir : dirname(file), importPaths[index]!, baseDir),
      runtime_env: {},
      deployments: calledFirst(application).map(({ name, options: set }) => ({ name, ...writtenOptions(set) })),
    })),
  });
  const note = "names are app1, app2 and so on: give each application its own\n";
  const document = `# Made by \`windlass build\`, version ${VERSION}.\n\n${text}`;
  if (file === undefined) {
    // stdout is the document alone.
    ctx.err(note);
    ctx.out(document);
    return;
  }
  write(file, document, options.outputPath!);
  ctx.out(`${options.outputPath} is written; ${note}`);
}

/** In a config, import paths start from its own folder. */
function importPathFrom(folder: string, importPath: string, baseDir: string): string {
  const colon = importPath.lastIndexOf(":");
  const module = importPath.slice(0, colon);
  if (folder === baseDir || isAbsolute(module)) return importPath;
  const path = relative(folder, resolve(baseDir, module));
  return `${path.startsWith("..") ? path : `./${path}`}${importPath.slice(colon)}`;
}

function write(path: string, text: string, shown: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new CliError(EXIT.failed, `cannot write ${shown}: ${errorText(error)}; give another file with -o`, error);
  }
}
