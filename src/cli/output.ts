import type { CliContext } from "./context.ts";
import { toYaml } from "./yaml.ts";

/** Values of `-o`. */
export type OutputFormat = "yaml" | "json";

/** Prints one document. */
export function printDocument(
  ctx: CliContext,
  document: Readonly<Record<string, unknown>>,
  format: OutputFormat,
): void {
  ctx.out(documentText(document, format));
}

/** A document as text. */
export function documentText(document: Readonly<Record<string, unknown>>, format: OutputFormat): string {
  return format === "json" ? `${JSON.stringify(document, null, 2)}\n` : toYaml(document);
}

/** Prints documents as they come: JSON as one object a line, YAML divided by a line `---`. */
export function documentStream(
  ctx: CliContext,
  format: OutputFormat,
): (document: Readonly<Record<string, unknown>>) => void {
  let first = true;
  return (document) => {
    if (format === "json") ctx.out(`${JSON.stringify(document)}\n`);
    else ctx.out(`${first ? "" : "---\n\n"}${toYaml(document)}`);
    first = false;
  };
}

/** Colours of the states, on terminals only. */
export function paint(ctx: CliContext, state: string): string {
  if (!ctx.errHasColour) return state;
  const colour = COLOURS[state];
  return colour === undefined ? state : `\u001b[${colour}m${state}\u001b[0m`;
}

/** Codes of the colours of states, as terminals number them. */
export const COLOURS: Readonly<Record<string, number>> = {
  RUNNING: 32,
  HEALTHY: 32,
  DEPLOYING: 33,
  UPDATING: 33,
  UPSCALING: 33,
  DOWNSCALING: 33,
  DELETING: 33,
  UNHEALTHY: 31,
  DEPLOY_FAILED: 31,
};
