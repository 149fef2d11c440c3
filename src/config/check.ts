/** Both layers in one call: what REST, the CLI and Connect run on a config before it is applied. */
import type * as z from "zod";
import { type CheckResult, checkApplicationConfig, checkDeployConfig, misspeltKeys } from "./check-rules.ts";
import { type ConfigResult, type ParseOptions, parseApplicationConfig, parseDeployConfig } from "./parse.ts";
import { APPLICATION_SCHEMA, DEPLOY_SCHEMA } from "./schema-deploy.ts";
import type { ApplicationConfig, DeployConfig } from "./types.ts";

export { CHECK_RULES, type CheckRule, checkApplicationConfig, checkDeployConfig } from "./check-rules.ts";

/** Parses and checks a whole document. Warnings are one line each, `path: text`. */
export function validateDeployConfig(input: unknown, options?: ParseOptions): ConfigResult<DeployConfig> {
  const parsed = parseDeployConfig(input, options);
  if (!parsed.ok) return withTypos(parsed, DEPLOY_SCHEMA, input);
  return combine(parsed, checkDeployConfig(input, parsed.config));
}

/** Parses and checks one application; paths start from it. */
export function validateApplicationConfig(input: unknown, options?: ParseOptions): ConfigResult<ApplicationConfig> {
  const parsed = parseApplicationConfig(input, options);
  if (!parsed.ok) return withTypos(parsed, APPLICATION_SCHEMA, input);
  return combine(parsed, checkApplicationConfig(input, parsed.config));
}

function withTypos<T>(parsed: ConfigResult<T> & { ok: false }, schema: z.ZodType, input: unknown): ConfigResult<T> {
  const known = new Set(parsed.problems.map((problem) => problem.path));
  const typos = misspeltKeys(schema, input).filter((problem) => !known.has(problem.path));
  return { ok: false, problems: [...parsed.problems, ...typos] };
}

function combine<T>(parsed: ConfigResult<T> & { ok: true }, checked: CheckResult): ConfigResult<T> {
  if (checked.problems.length > 0) return { ok: false, problems: checked.problems };
  return { ...parsed, warnings: [...parsed.warnings, ...checked.warnings] };
}
