/** Tokens that were made: their records in the store. A secret is shown once and kept only as its SHA-256. */
import { randomBytes } from "node:crypto";
import { keys } from "../controller/records.ts";
import type { Clock } from "../core/clock.ts";
import type { Store } from "../store/store.ts";
import { hashSecret, type TokenRecord } from "./auth.ts";

/** Makes a token: `wlt_<id>_<secret>`. `ttlMs` null: for ever. */
export async function createToken(
  store: Store,
  clock: Clock,
  wanted: Pick<TokenRecord, "role" | "application" | "maxReplicas"> & { ttlMs: number | null },
): Promise<{ record: TokenRecord; secret: string }> {
  const { ttlMs, ...rest } = wanted;
  for (;;) {
    const id = randomBytes(5).toString("hex");
    const secret = `wlt_${id}_${randomBytes(32).toString("base64url")}`;
    const createdAt = clock.now();
    const expiresAt = ttlMs === null ? null : createdAt + ttlMs;
    const record: TokenRecord = { id, hash: hashSecret(secret), ...rest, createdAt, expiresAt };
    const key = keys.token(id);
    const result = await store.txn([{ key, modRevision: 0 }], [{ kind: "put", key, value: JSON.stringify(record) }]);
    if (result.ok) return { record, secret };
  }
}

/** Every token that was made and not revoked, ordered by id. */
export function listTokens(store: Store): TokenRecord[] {
  return store.range("token/").map(({ value }) => JSON.parse(value) as TokenRecord);
}

/** Ends a token at once; false where there is none of that id. */
export async function revokeToken(store: Store, id: string): Promise<boolean> {
  const key = keys.token(id);
  const stored = store.get(key);
  if (stored === undefined) return false;
  const result = await store.txn([{ key, modRevision: stored.modRevision }], [{ kind: "delete", key }]);
  return result.ok;
}
