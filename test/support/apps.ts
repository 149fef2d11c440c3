import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./temp-dir.ts";

/** Writes an application of a few lines and its config into a fresh folder; returns the config's path. */
export function writeApp(source: string, config: string, files: Record<string, string> = {}): string {
  const dir = tempDir();
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "app.ts"), source);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  const path = join(dir, "app.yaml");
  writeFileSync(path, config);
  return path;
}

/** Answers with its replica's id and pid; `/slow?ms=` takes its time. */
export const ECHO = `
import { deployment, getReplicaContext } from "windlass";
class Echo {
  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const ms = Number(url.searchParams.get("ms") ?? 0);
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    const body = request.method === "POST" ? await request.text() : "";
    return Response.json({ pid: process.pid, replica: getReplicaContext().replicaId, body });
  }
}
export const app = deployment(Echo).bind();
`;

export const ECHO_CONFIG = (replicas = 1, more = ""): string => `
applications:
  - name: echo
    import_path: ./app.ts:app
    external_scaler_enabled: true
    deployments:
      - name: Echo
        num_replicas: ${replicas}
        graceful_shutdown_timeout_s: 5
${more}`;
