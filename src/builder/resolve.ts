import { existsSync, statSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";

/** A build cannot go on. The message is one line for the user. */
export class BuildError extends Error {
  override readonly name = "BuildError";
}

/** An import path taken apart. */
export interface ImportPath {
  /** Absolute path of the module. */
  readonly file: string;
  readonly exportName: string;
}

const EXTENSION = /\.(?:[cm]?[jt]s|[jt]sx)$/;
const IMPLIED = [".ts", ".mts", ".js", ".mjs", "/index.ts"] as const;

/**
 * `./app.ts:app`, `src/app.js:app` or `app:app`: the module relative to `baseDir`, then the export. Without an
 * extension the first of app.ts, app.mts, app.js, app.mjs, app/index.ts is meant; dots do not stand for folders.
 * `place`: how an error names the folder.
 */
export function resolveImportPath(importPath: string, baseDir: string, place = join(baseDir, "/")): ImportPath {
  const colon = importPath.lastIndexOf(":");
  const module = importPath.slice(0, colon);
  const exportName = importPath.slice(colon + 1);
  if (colon <= 0 || exportName === "" || /[\\/]/.test(exportName)) {
    throw new BuildError(`import_path "${importPath}" must be "<module>:<export>", like "./app.ts:app"`);
  }
  const path = resolve(baseDir, module);
  const candidates = EXTENSION.test(path) ? [path] : IMPLIED.map((suffix) => path + suffix);
  const file = candidates.find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
  if (file !== undefined) return { file, exportName };
  const looked = candidates.map((candidate) => relative(baseDir, candidate) || candidate).join(", ");
  throw new BuildError(`import_path "${importPath}": no such file; looked for ${looked} in ${place}`);
}

/** The same inside the unpacked zip of `runtime_env.working_dir`, which holds all of an application's code. */
export function resolveInZip(importPath: string, folder: string): ImportPath {
  const place = "the zip of runtime_env.working_dir (a folder that holds everything in it is left out)";
  const found = resolveImportPath(importPath, folder, place);
  if (!relative(folder, found.file).startsWith(`..${sep}`)) return found;
  throw new BuildError(`import_path "${importPath}" must lie inside the zip of runtime_env.working_dir`);
}
