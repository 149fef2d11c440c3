import { fileURLToPath } from "node:url";
import { eventually, type Started, start } from "./children.ts";
import type { Target } from "./load.ts";

const PROGRAM = fileURLToPath(new URL("../programs/bare-server.ts", import.meta.url));

/** Starts the handlers on bare node:http; resolves once it listens. */
export async function startBare(): Promise<{ started: Started; target: Target; url: string }> {
  const started = start(process.execPath, [PROGRAM]);
  const port = await eventually("the bare server's port", () => Number(started.output().stdout) || undefined);
  return { started, target: { host: "127.0.0.1", port }, url: `http://127.0.0.1:${port}` };
}
