/** Findings of the lint as lines for people. */
import type { LintFinding } from "./lint-rules.ts";

/** So many other deployments are named in a line. */
const NAMED = 5;

/** A finding as one line. */
export function lintText({ path, message }: Pick<LintFinding, "path" | "message">): string {
  return `${path}: ${message}`;
}

/** Findings as lines, in their order; what is said of several deployments alike is one line that lists them. */
export function lintLines(findings: readonly LintFinding[]): string[] {
  return Array.from(Map.groupBy(findings, alike).values(), (group) => {
    const [first, ...others] = group as [LintFinding, ...LintFinding[]];
    const { path, message } = first;
    return lintText({ path: others.length === 0 ? path : `${path} (${alsoIn(first, others)})`, message });
  });
}

/** Equal where two findings say the same of different deployments. */
function alike({ rule, path, deployment, message }: LintFinding): string {
  return JSON.stringify(
    deployment === undefined ? [path, rule, message] : [path.slice(deployment.length), rule, message, "deployment"],
  );
}

function alsoIn(first: LintFinding, others: readonly LintFinding[]): string {
  const own = applicationIn(first.deployment!);
  const named = others.slice(0, NAMED).map(({ deployment = "" }) => {
    // The application need not be said again.
    return applicationIn(deployment) === own ? deployment.slice(own.length) : deployment;
  });
  const more = others.length - named.length;
  return `also in ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** `applications[0].` of `applications[0].deployments[1]`; "" where there is none. */
function applicationIn(deployment: string): string {
  return /^applications\[\d+\]\./.exec(deployment)?.[0] ?? "";
}
