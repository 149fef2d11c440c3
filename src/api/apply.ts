/** Applying a config document: the same for REST and Connect. */
import { isAbsolute, resolve } from "node:path";
import { lint } from "../config/lint.ts";
import { lintLines } from "../config/lint-lines.ts";
import type { ConfigResult } from "../config/parse.ts";
import { restoreRedacted } from "../config/redact.ts";
import { mapTlsPaths, tlsOf } from "../config/tls-options.ts";
import type { ApplicationConfig, DeployConfig } from "../config/types.ts";
import type { Controller } from "../controller/controller.ts";
import { WindlassError } from "../core/errors.ts";
import { readTls } from "../tls/material.ts";

/** What a caller asks for; `checked` comes from config's validation. */
export interface ApplyRequest {
  readonly checked: ConfigResult<DeployConfig>;
  /** Folder that relative import paths start from. */
  readonly baseDir: string;
  readonly actor: string;
  /** Checks and changes nothing. */
  readonly validateOnly: boolean;
}

/**
 * Applies a config that was checked. Fails with INVALID_CONFIG and each problem, INVALID_REQUEST for a base folder that
 * is not absolute, and with what {@link Controller.applyConfig} fails with.
 */
export async function applyChecked(
  controller: Controller,
  request: ApplyRequest,
): Promise<{ revision: number; warnings: string[] }> {
  const { checked, baseDir, actor } = request;
  const accepted = acceptedConfig(checked);
  refuseRelative(baseDir);
  const known = [...accepted.warnings, ...lintWarnings(controller, accepted.config)];
  if (request.validateOnly) return { revision: controller.snapshot().revision, warnings: known };
  const config = {
    ...withAbsoluteFiles(accepted.config, baseDir),
    applications: accepted.config.applications.map((application) => withSecrets(controller, application)),
  };
  refuseBadTls(controller, config);
  const { revision, warnings } = await controller.applyConfig({ config, baseDir, actor });
  return { revision, warnings: [...known, ...warnings] };
}

/** Paths of certificates start from the base folder, as those of code do. */
export function withAbsoluteFiles(config: DeployConfig, baseDir: string): DeployConfig {
  if (config.http_options === undefined) return config;
  return { ...config, http_options: mapTlsPaths(config.http_options, (path) => resolve(baseDir, path)) };
}

/** A config that makes the instance decides what its proxies serve with. Throws INVALID_REQUEST for bad files. */
function refuseBadTls(controller: Controller, { http_options: http }: DeployConfig): void {
  const files = tlsOf(http ?? {});
  if (files !== null && controller.snapshot().instance.state === "absent") readTls(files);
}

/** What the config does badly, one line each, with the code of what is deployed already. */
export function lintWarnings(controller: Controller, config: DeployConfig): string[] {
  return lintLines(lint(config, (name) => controller.application(name)?.built?.deployments));
}

/** The result where nothing was found wrong. Throws INVALID_CONFIG with each problem. */
export function acceptedConfig<T>(checked: ConfigResult<T>): ConfigResult<T> & { readonly ok: true } {
  if (checked.ok) return checked;
  const { problems } = checked;
  const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
  const first = problems[0] === undefined ? "" : `: ${`${problems[0].path} ${problems[0].message}`.trim()}`;
  throw new WindlassError("INVALID_CONFIG", `the config has ${count}${first}`, {
    problems: problems.map(({ path, message }) => ({ path, message })),
  });
}

/** Throws INVALID_REQUEST for a base folder that is not absolute. */
export function refuseRelative(baseDir: string): void {
  if (isAbsolute(baseDir)) return;
  throw new WindlassError("INVALID_REQUEST", `base_dir ${JSON.stringify(baseDir)} must be an absolute path`);
}

/** A config that was read with hidden values, and sent back, keeps the values it had. */
export function withSecrets(controller: Controller, application: ApplicationConfig): ApplicationConfig {
  const stored = controller.application(application.name ?? "default");
  return stored === undefined ? application : restoreRedacted(application, stored.config);
}
