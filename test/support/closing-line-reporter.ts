import type { Reporter, SerializedError, TestModule } from "vitest/node";

/** What the lines about failures begin with; `.ci/run` repeats these lines at its end. */
const FAILED = "FAILED";

const MESSAGE_LIMIT = 600;

/** `FAILED NAME: MESSAGE (FILE:LINE)`, on one line. */
function failure(name: string, error: SerializedError | undefined): string {
  const message = (error?.message ?? "no message").replace(/\s+/g, " ").trim().slice(0, MESSAGE_LIMIT);
  // Where in the tree it was, in the test rather than in what that uses; what stands in packages says little.
  const frames = (error?.stacks ?? []).filter(({ file }) => !file.includes("node_modules"));
  const frame = frames.find(({ file }) => file.endsWith(".test.ts")) ?? frames[0];
  const place = frame === undefined ? "" : ` (${frame.file.replace(`${process.cwd()}/`, "")}:${frame.line})`;
  return `${FAILED} ${name}: ${message}${place}`;
}

/** A line for each test that failed, each error of a module or of its hooks, and each error nobody handled. */
export function failureLines(
  modules: ReadonlyArray<TestModule>,
  errors: ReadonlyArray<SerializedError>,
): ReadonlyArray<string> {
  const lines = errors.map((error) => failure("an error nobody handled", error));
  for (const module of modules) {
    for (const error of module.errors()) lines.push(failure(module.relativeModuleId, error));
    for (const suite of module.children.allSuites()) {
      for (const error of suite.errors()) lines.push(failure(`${module.relativeModuleId} > ${suite.fullName}`, error));
    }
    for (const test of module.children.allTests("failed")) {
      lines.push(failure(`${module.relativeModuleId} > ${test.fullName}`, test.result().errors?.[0]));
    }
  }
  return lines;
}

/**
 * Tells each failure in a line, and then `N passed, N failed` as the very last one. Errors of modules, of hooks
 * and those that nobody handled count as failures too.
 */
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, errors: ReadonlyArray<SerializedError>): void {
    const failures = failureLines(modules, errors);
    let passed = 0;
    let skipped = 0;
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") passed += 1;
        else if (state !== "failed") skipped += 1;
      }
    }
    process.on("exit", () => {
      const closing = `${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
      process.stdout.write(`${[...failures, closing].join("\n")}\n`);
    });
  }
}
