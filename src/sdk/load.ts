import { APPLICATION, DEPLOYMENT, hasBrand, isClass } from "./brands.ts";
import { deployment, isFetchHandler } from "./deployment.ts";
import { suggest } from "./options.ts";
import type { Application, Deployment } from "./types.ts";

/** The import path names something that cannot be deployed. The message is one line for the user. */
export class NotAnApplicationError extends Error {
  override readonly name = "NotAnApplicationError";
}

/**
 * The application that an export stands for: a bound or bare deployment, an object or class with `fetch`, or a
 * builder function of one parameter, which is given `args`. What a builder function throws is thrown on.
 */
export async function applicationFromExport(
  module: Readonly<Record<string, unknown>>,
  exportName: string,
  args: Readonly<Record<string, unknown>>,
): Promise<Application> {
  if (!Object.hasOwn(module, exportName))
    throw new NotAnApplicationError(noSuchExport(exportName, Object.keys(module)));
  const exported = module[exportName];
  const application = asApplication(exported);
  if (application !== undefined) {
    if (Object.keys(args).length === 0) return application;
    throw new NotAnApplicationError(
      `args were given, but export "${exportName}" is an application, not a builder function: leave args out`,
    );
  }
  if (typeof exported !== "function") {
    throw new NotAnApplicationError(
      `export "${exportName}" is not an application but ${kindOf(exported)}: ${EXPECTED}`,
    );
  }
  if (isClass(exported) || exported.length !== 1) {
    const what = isClass(exported) ? "a class" : `a function of ${exported.length} parameters`;
    throw new NotAnApplicationError(`export "${exportName}" is ${what}: ${EXPECTED}`);
  }
  const built: unknown = await build(exported as (args: unknown) => unknown, args);
  const result = asApplication(built);
  if (result !== undefined) return result;
  throw new NotAnApplicationError(
    `builder function "${exportName}" returned ${kindOf(built)}: return deployment(...).bind(...)`,
  );
}

async function build(builder: (args: unknown) => unknown, args: unknown): Promise<unknown> {
  try {
    return await builder(args);
  } catch (error) {
    // By name: an application may bring a copy of the SDK.
    if (error instanceof Error && error.name === "InvalidArgsError") throw new NotAnApplicationError(error.message);
    throw error;
  }
}

const EXPECTED =
  "export deployment(...).bind(...), an object with fetch(request), or a function of one parameter (args)";

function asApplication(value: unknown): Application | undefined {
  if (hasBrand(value, APPLICATION)) return value as Application;
  if (hasBrand(value, DEPLOYMENT)) return (value as Deployment).bind();
  if (isClass(value)) {
    return isFetchHandler(value.prototype) ? (deployment(value) as Deployment).bind() : undefined;
  }
  if (isFetchHandler(value)) return deployment(value).bind();
  return undefined;
}

function noSuchExport(exportName: string, names: readonly string[]): string {
  if (names.length === 0) return `no export "${exportName}": the module exports nothing`;
  const near = suggest(exportName, names);
  const hint = near === undefined ? "" : `: did you mean "${near}"?`;
  return `no export "${exportName}"${hint} (the module exports ${names.join(", ")})`;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  if (typeof value !== "object") return `a ${typeof value}`;
  const name = value.constructor?.name;
  return name === undefined || name === "Object" ? "an object" : `a ${name}`;
}
