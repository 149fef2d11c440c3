import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { errorText } from "../core/errors.ts";
import { userErrorLine } from "../sdk/user-error.ts";
import { type BuildContext, buildApplication } from "./build.ts";
import { ZIP_LIMITS } from "./limits.ts";
import { preparePlace } from "./place.ts";
import type { BuilderOutcome, BuilderRequest } from "./protocol.ts";

/** Milliseconds a module may take to load, unless told otherwise. */
export const DEFAULT_IMPORT_TIMEOUT_MS = 30_000;

/**
 * The builder process: `builder <request file> [import timeout in ms]`. Writes the outcome and exits, whatever the
 * application's module leaves running.
 */
export async function main(argv: readonly string[], context: Omit<BuildContext, "importTimeoutMs">): Promise<void> {
  const requestPath = argv[2];
  if (requestPath === undefined) {
    process.stderr.write("usage: builder <request file> [import timeout in ms]\n");
    process.exit(2);
  }
  const request = JSON.parse(readFileSync(requestPath, "utf8")) as BuilderRequest;
  const importTimeoutMs = Number(argv[3] ?? DEFAULT_IMPORT_TIMEOUT_MS);
  process.setSourceMapsEnabled(true);

  let codeDir = request.baseDir;
  let written = false;
  const finish = (outcome: BuilderOutcome): void => {
    if (written) return;
    written = true;
    writeOutcome(request.resultPath, outcome);
  };
  // A module may end the process or throw outside any promise while it is loaded: that, too, is its author's to know.
  process.on("exit", (code) => {
    finish({ ok: false, error: `the module ended the process (exit code ${code}) while it was loaded` });
    process.exitCode = 0;
  });
  process.on("uncaughtException", (error) => {
    finish({ ok: false, error: userErrorLine(error, codeDir) });
    process.exit(0);
  });
  process.on("unhandledRejection", (error) => {
    process.stderr.write(`unhandled rejection: ${error instanceof Error ? error.stack : String(error)}\n`);
  });
  try {
    const place = await preparePlace(request, { clock: context.clock, limits: ZIP_LIMITS });
    codeDir = place.codeDir;
    finish(await buildApplication(request, place, { ...context, importTimeoutMs }));
  } catch (error) {
    finish({ ok: false, error: errorText(error) });
  }
  process.exit(0);
}

function writeOutcome(path: string, outcome: BuilderOutcome): void {
  const draft = `${path}.draft-${process.pid}`;
  writeFileSync(draft, JSON.stringify(outcome));
  renameSync(draft, path);
}
