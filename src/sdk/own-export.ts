import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import { APPLICATION, hasBrand } from "./brands.ts";
import type { Application } from "./types.ts";

/** An application under the name of its export: `{ app }`. */
export type NamedApplication<T> = { readonly [exportName: string]: Application<T> };

/**
 * The import path of an application that the module `file` exports. Rejects with a TypeError where it cannot be told
 * what is its export.
 */
export async function nameOfExport(app: object, file: string | undefined): Promise<string> {
  if (file === undefined || !/^\.[cm]?[jt]sx?$/.test(extname(file))) {
    throw new TypeError(`run() cannot tell which module exports the application: ${HINT}`);
  }
  if (!hasBrand(app, APPLICATION)) return `${file}:${onlyKey(app)}`;
  const module = await alreadyLoaded(file);
  const found = Object.keys(module ?? {}).find((key) => module?.[key] === app);
  if (found !== undefined) return `${file}:${found}`;
  throw new TypeError(
    module === undefined
      ? "run(app) at the top level of a module cannot see its exports yet: write run({ app })"
      : `run() got an application that ${file} does not export: ${HINT}`,
  );
}

const HINT = 'export it and pass { app }, or pass its import path, "./app.ts:app"';

function onlyKey(app: object): string {
  const keys = Object.keys(app);
  if (keys.length === 1 && hasBrand((app as Record<string, unknown>)[keys[0]!], APPLICATION)) return keys[0]!;
  throw new TypeError(`run() needs an application: ${HINT}`);
}

/** The exports of a module; undefined while it is still being evaluated, as it may be by who waits for this. */
async function alreadyLoaded(file: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const loading = import(pathToFileURL(file).href) as Promise<Readonly<Record<string, unknown>>>;
  loading.catch(() => {});
  const turns = (async () => {
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
    return undefined;
  })();
  return await Promise.race([loading, turns]);
}
