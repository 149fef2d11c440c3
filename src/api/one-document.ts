/** One application on its own, checked as a document of one: problems and warnings start from the application. Pure. */
import { validateDeployConfig } from "../config/check.ts";
import type { ConfigResult, ParseOptions } from "../config/parse.ts";
import type { DeployConfig } from "../config/types.ts";
import { WindlassError } from "../core/errors.ts";

/** What of a whole document may stand beside the application. */
export type Beside = Readonly<{ http_options?: Readonly<Record<string, unknown>> }>;

/** Parses and checks one application by every rule that a whole document is under. */
export function validateOne(
  application: unknown,
  options: ParseOptions = {},
  beside: Beside = {},
): ConfigResult<DeployConfig> {
  const checked = validateDeployConfig({ ...beside, applications: [application] }, options);
  if (checked.ok) return { ...checked, warnings: checked.warnings.map(fromApplication) };
  const problems = checked.problems.map((problem) => ({
    ...problem,
    path: fromApplication(problem.path),
    message: fromApplication(problem.message),
  }));
  return { ok: false, problems };
}

/** The text of a path, or one that begins with a path, as it reads from the application. */
export function fromApplication(text: string): string {
  return text.replace(/^(applications\[0\]|http_options)(\.|: |$)/, "");
}

/** The same of an error about the whole document. */
export function errorFromApplication(error: unknown): unknown {
  if (!(error instanceof WindlassError) || error.problems.length === 0) return error;
  const problems = error.problems.map(({ path, message }) => ({ path: fromApplication(path), message }));
  return new WindlassError(error.reason, fromApplication(error.message), { metadata: error.metadata, problems });
}
