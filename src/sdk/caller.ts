import { fileURLToPath } from "node:url";
import { getCallSites } from "node:util";
import { isOurs } from "./user-error.ts";

/** The file of the code that called into the SDK; undefined where it has none. */
export function callerFile(): string | undefined {
  for (const { scriptName } of getCallSites(30)) {
    if (!scriptName.startsWith("file:") && !scriptName.startsWith("/")) continue;
    const path = scriptName.startsWith("file:") ? fileURLToPath(scriptName) : scriptName;
    if (!isOurs(path)) return path;
  }
  return undefined;
}
