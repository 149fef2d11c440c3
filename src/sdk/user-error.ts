import { isAbsolute, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * An error of application code in one line: `TypeError: x is not a function (src/app.ts:12:9)`. The position is the
 * first one inside the application's sources, relative to `baseDir` where it lies below; it needs source maps
 * (`process.setSourceMapsEnabled(true)`) from before the module was imported.
 */
export function userErrorLine(error: unknown, baseDir: string): string {
  if (!(error instanceof Error))
    return `Error: threw ${typeof error === "string" ? JSON.stringify(error) : String(error)}`;
  const text = oneLine(error.message === "" ? error.name : `${error.name}: ${error.message}`);
  const position = userPosition(error.stack ?? "", baseDir);
  return position === undefined ? text : `${text} (${position})`;
}

/** Line breaks and runs of space become one space each. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** `file:line:column` of the topmost stack frame in user sources. */
export function userPosition(stack: string, baseDir: string): string | undefined {
  for (const line of stack.split("\n")) {
    const match = /^\s*at (?:async )?(?:.*?\()?((?:file:\/\/|\/).*?):(\d+):(\d+)\)?$/.exec(line);
    if (match === null) continue;
    const file = toPath(match[1]!);
    if (file === undefined || file.includes(`${sep}node_modules${sep}`) || isOurs(file)) continue;
    return `${shortPath(file, baseDir)}:${match[2]}:${match[3]}`;
  }
  return undefined;
}

/** `file` relative to `baseDir`, or as it is when it lies elsewhere. */
export function shortPath(file: string, baseDir: string): string {
  const short = relative(baseDir, file);
  return short === "" || short.startsWith(`..${sep}`) || isAbsolute(short) ? file : short;
}

function toPath(location: string): string | undefined {
  if (!location.startsWith("file:")) return location;
  try {
    return fileURLToPath(location);
  } catch {
    return undefined;
  }
}

/** Folder that holds our src/ when run from sources, our dist/ when built. */
const OWN_ROOT = /^(.*[\\/])(?:src|dist)[\\/]/.exec(fileURLToPath(import.meta.url))?.[1];

/** Whether the file belongs to Windlass. Source maps turn dist/ into src/, so both count. */
export function isOurs(file: string): boolean {
  return (
    OWN_ROOT !== undefined && ["src", "dist", "gen"].some((folder) => file.startsWith(`${OWN_ROOT}${folder}${sep}`))
  );
}
