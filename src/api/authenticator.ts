/** Finds out who sent a request, from the admin token, the applications' scaler tokens and the tokens that were made. */

import type { Controller } from "../controller/controller.ts";
import { keys } from "../controller/records.ts";
import type { Clock } from "../core/clock.ts";
import type { Store } from "../store/store.ts";
import { ADMIN, hashSecret, type Identity, sameSecret, scalerToken, type TokenRecord } from "./auth.ts";

/** How callers prove who they are. */
export type AuthOptions =
  | { readonly kind: "off"; readonly instanceKey: string }
  | { readonly kind: "on"; readonly adminToken: string; readonly instanceKey: string };

/** What an {@link createAuthenticator | authenticator} reads. */
export interface AuthenticatorDeps {
  readonly controller: Controller;
  readonly store: Store;
  readonly clock: Clock;
  readonly auth: AuthOptions;
}

/** Who sent a bearer token; undefined where nobody is known by it. */
export type Authenticator = (token: string | undefined) => Identity | undefined;

/** Makes an {@link Authenticator}. It reads the present state on each call, so revoked and rotated tokens end at once. */
export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const { auth } = deps;
  if (auth.kind === "off") return () => ADMIN;
  const findScaler = createScalerIndex(deps);
  return (token) => {
    if (token === undefined) return undefined;
    if (sameSecret(token, auth.adminToken)) return ADMIN;
    if (token.startsWith("wls_")) return findScaler(token);
    if (token.startsWith("wlt_")) return findMade(deps, token);
    return undefined;
  };
}

/** A made token is `wlt_<id>_<secret>`, so that its record is found without a search. */
function findMade({ store, clock }: AuthenticatorDeps, token: string): Identity | undefined {
  const id = /^wlt_([a-z0-9]+)_/.exec(token)?.[1];
  const stored = id === undefined ? undefined : store.get(keys.token(id));
  if (stored === undefined) return undefined;
  const record = JSON.parse(stored.value) as TokenRecord;
  if (!sameSecret(hashSecret(token), record.hash)) return undefined;
  if (record.expiresAt !== null && record.expiresAt <= clock.now()) return undefined;
  return {
    role: record.role,
    actor: `token/${record.id}`,
    ...(record.application === null ? {} : { application: record.application }),
    ...(record.maxReplicas === null ? {} : { maxReplicas: record.maxReplicas }),
  };
}

/** Looks derived tokens up by their hash: one lookup a request, however many applications there are. */
function createScalerIndex({ controller, store, auth }: AuthenticatorDeps): (token: string) => Identity | undefined {
  let byHash = new Map<string, { application: string; token: string }>();
  let builtAt = -1;
  const current = (token: string): { application: string; token: string } | undefined => {
    const entry = byHash.get(hashSecret(token));
    const record = entry && controller.application(entry.application);
    if (!entry || !record) return undefined;
    return scalerToken(auth.instanceKey, record.uid, record.tokenRotation) === entry.token ? entry : undefined;
  };
  const rebuild = (): void => {
    if (builtAt === store.revision) return;
    builtAt = store.revision;
    byHash = new Map(
      controller.snapshot().applications.map(({ name, uid, tokenRotation }) => {
        const token = scalerToken(auth.instanceKey, uid, tokenRotation);
        return [hashSecret(token), { application: name, token }];
      }),
    );
  };
  return (token) => {
    let found = current(token);
    if (found === undefined) {
      rebuild();
      found = current(token);
    }
    if (found === undefined || !sameSecret(found.token, token)) return undefined;
    return { role: "scaler", actor: `application/${found.application}`, application: found.application };
  };
}
