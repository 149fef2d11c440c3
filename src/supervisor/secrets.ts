import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The two secrets of an instance, each in a 0600 file of the state dir, made at the first start. */
export interface Secrets {
  /** Bearer token that allows everything; the CLI reads it from `admin.token` on loopback. */
  readonly adminToken: string;
  /** What scaler tokens are derived from; never sent anywhere. */
  readonly instanceKey: string;
}

export function loadSecrets(stateDir: string): Secrets {
  return {
    adminToken: loadOrMake(join(stateDir, "admin.token"), () => `wla_${randomBytes(24).toString("base64url")}`),
    instanceKey: loadOrMake(join(stateDir, "instance.key"), () => randomBytes(32).toString("base64url")),
  };
}

function loadOrMake(path: string, make: () => string): string {
  try {
    const text = readFileSync(path, "utf8").trim();
    if (text !== "") {
      chmodSync(path, 0o600);
      return text;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const secret = make();
  writeFileSync(path, `${secret}\n`, { mode: 0o600 });
  return secret;
}
