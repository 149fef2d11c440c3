/** Writing one application, whole or in part: the same for REST and Connect. */
import type { ParseOptions } from "../config/parse.ts";
import type { ApplicationConfig } from "../config/types.ts";
import { type Controller, etagOf, type PutOneApplicationResult } from "../controller/controller.ts";
import type { ApplicationRecord } from "../controller/records.ts";
import { WindlassError } from "../core/errors.ts";
import { acceptedConfig, lintWarnings, refuseRelative, withSecrets } from "./apply.ts";
import { notFound } from "./lookup.ts";
import { fromApplication, validateOne } from "./one-document.ts";

/** What every write says besides the config. */
export interface OneApplicationRequest {
  readonly name: string;
  /** Folder that relative import paths start from; undefined: `appDir`, or as stored where a part is written. */
  readonly baseDir: string | undefined;
  readonly allowMissing: boolean;
  /** Refuses with STALE_ETAG where there is one already. Default: false. */
  readonly onlyNew?: boolean;
  /** "" is not looked at. */
  readonly etag: string;
  readonly validateOnly: boolean;
  readonly requestId: string;
  /** The set that it belongs to from now on; absent or "": none, or as stored where a part is written. */
  readonly managedBy?: string;
  /** Default: declarative. Only for {@link putOne}. */
  readonly source?: "declarative" | "imperative";
  readonly actor: string;
}

/** A config document, neither parsed nor checked. */
export interface OneDocument {
  readonly value: unknown;
  readonly floats?: ParseOptions["floats"];
}

/** What a write stands on. */
export interface OneApplicationDeps {
  readonly controller: Controller;
  readonly appDir: string;
}

type Written = PutOneApplicationResult & { readonly warnings: readonly string[] };

/**
 * Makes or replaces an application. Fails with INVALID_CONFIG and each problem, INVALID_REQUEST for a base folder that
 * is not absolute, and with what {@link Controller.putOneApplication} fails with.
 */
export async function putOne(
  { controller, appDir }: OneApplicationDeps,
  request: OneApplicationRequest,
  document: OneDocument,
): Promise<Written> {
  const baseDir = request.baseDir ?? appDir;
  const { config: whole, warnings } = acceptedConfig(
    validateOne(withName(document.value, request.name), document.floats ? { floats: document.floats } : {}),
  );
  refuseRelative(baseDir);
  refuseSetName(request.managedBy);
  const config = withSecrets(controller, whole.applications[0]!);
  const linted = lintWarnings(controller, whole).map(fromApplication);
  return {
    ...(await controller.putOneApplication({ ...request, config, baseDir })),
    warnings: [...warnings, ...linted],
  };
}

/** How often a change is made anew because somebody else was faster. */
const MAX_ATTEMPTS = 50;

/**
 * Writes what `change` makes of the stored config. Without an etag the change is made anew on what another writer left,
 * so that neither is lost. Fails as {@link putOne} does, with NOT_FOUND for what has no config, and with what `change`
 * throws.
 */
export async function changeOne(
  deps: OneApplicationDeps,
  request: OneApplicationRequest,
  change: (stored: ApplicationConfig) => OneDocument,
): Promise<Written> {
  for (let attempt = 1; ; attempt++) {
    const record = storedConfig(deps.controller, request);
    const baseDir = request.baseDir ?? record?.baseDir;
    const etag = request.etag === "" && record !== undefined ? etagOf(record) : request.etag;
    const managedBy = request.managedBy || record?.managedBy;
    const kept = managedBy === undefined ? {} : { managedBy };
    const document = change(record?.config ?? { name: request.name, import_path: "" });
    try {
      return await putOne(deps, { ...request, ...kept, baseDir, etag, onlyNew: record === undefined }, document);
    } catch (error) {
      const overtaken = error instanceof WindlassError && error.reason === "STALE_ETAG" && request.etag === "";
      if (!overtaken || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** The record whose config is changed; undefined where one may be made. */
function storedConfig(
  controller: Controller,
  { name, allowMissing }: OneApplicationRequest,
): ApplicationRecord | undefined {
  const record = controller.application(name);
  if (record !== undefined && !record.deleting && record.source === "declarative") return record;
  if (record === undefined || record.deleting) {
    if (allowMissing) return undefined;
    throw notFound(`application ${JSON.stringify(name)}`);
  }
  throw new WindlassError(
    "INVALID_REQUEST",
    `application ${JSON.stringify(name)} was not written by a config, so no part of it can be changed: put it whole`,
  );
}

/** The application with its name, which the path or resource name tells. Throws INVALID_CONFIG where it has another. */
function withName(application: unknown, name: string): unknown {
  if (typeof application !== "object" || application === null || Array.isArray(application)) return application;
  const given: unknown = (application as { name?: unknown }).name;
  if (given === undefined) return { ...application, name };
  if (typeof given !== "string" || given === name) return application;
  const message = `must be ${JSON.stringify(name)}, the name that is written to, got ${JSON.stringify(given)}; leave it out`;
  throw new WindlassError("INVALID_CONFIG", `name ${message}`, { problems: [{ path: "name", message }] });
}

/** The longest name of a set, in characters. */
const MAX_SET_LENGTH = 256;

/** Throws INVALID_REQUEST for the name of a set that is too long, or no text. */
function refuseSetName(name = ""): void {
  const refuse = (message: string): never => {
    const problems = [{ path: "managed_by", message }];
    throw new WindlassError("INVALID_REQUEST", `managed_by ${message}`, { problems });
  };
  if (name.length > MAX_SET_LENGTH) refuse(`has ${name.length} characters, at most ${MAX_SET_LENGTH} are allowed`);
  if (!name.isWellFormed() || /\p{Cc}/u.test(name)) refuse("holds control characters or half of a surrogate pair");
}
