/** Who may do what, and how secrets are made and compared. Pure: no store, no clock. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { assertNever } from "../core/assert-never.ts";
import { WindlassError } from "../core/errors.ts";

/** What a token allows; see contract of the control port. */
export type Role = "admin" | "deployer" | "scaler" | "viewer";

/** Who sent a request. */
export interface Identity {
  readonly role: Role;
  /** For the journal: "admin", "token/<id>", "application/<name>". */
  readonly actor: string;
  /** The only application it is for; set for scalers. */
  readonly application?: string;
  /** The largest target it may set; absent is no limit. */
  readonly maxReplicas?: number;
}

/** What a call needs. */
export type Permission =
  | { readonly kind: "read" }
  | { readonly kind: "read-application"; readonly application: string }
  | { readonly kind: "scale"; readonly application: string; readonly target?: number }
  /** By hand, or over somebody's lease. */
  | { readonly kind: "scale-over"; readonly how: "by hand" | "by force" }
  | { readonly kind: "deploy" }
  | { readonly kind: "delete-application" }
  | { readonly kind: "read-application-token" }
  | { readonly kind: "manage-tokens" }
  | { readonly kind: "shutdown" };

/** A token that was made, as the store keeps it under `token/<id>`. Times are epoch milliseconds. */
export interface TokenRecord {
  readonly id: string;
  /** SHA-256 of the secret, hex. */
  readonly hash: string;
  readonly role: Role;
  readonly application: string | null;
  readonly maxReplicas: number | null;
  readonly createdAt: number;
  readonly expiresAt: number | null;
}

/** The admin itself; everyone, where authentication is off. */
export const ADMIN: Identity = { role: "admin", actor: "admin" };

/** Throws PERMISSION_DENIED unless `identity` may do what `permission` says. */
export function authorize(identity: Identity, permission: Permission): void {
  const refusal = refusalOf(identity, permission);
  if (refusal !== undefined) throw new WindlassError("PERMISSION_DENIED", refusal);
}

/** Why not; undefined where it is allowed. */
function refusalOf(identity: Identity, permission: Permission): string | undefined {
  const { role } = identity;
  if (role === "admin") return undefined;
  switch (permission.kind) {
    case "read":
      return role === "scaler" ? denied(identity, "read more than its own application") : undefined;
    case "read-application":
      if (role !== "scaler" || permission.application === identity.application) return undefined;
      return denied(identity, "read other applications");
    case "scale":
      return refusalToScale(identity, permission);
    case "scale-over":
      return role === "deployer" ? undefined : denied(identity, `scale ${permission.how}`);
    case "deploy":
      return role === "deployer" ? undefined : denied(identity, "deploy");
    case "delete-application":
      return role === "deployer" ? undefined : denied(identity, "delete applications");
    case "read-application-token":
      return role === "deployer" ? undefined : denied(identity, "read an application's token");
    case "manage-tokens":
      return denied(identity, "manage tokens");
    case "shutdown":
      return denied(identity, "end the instance");
    default:
      return assertNever(permission);
  }
}

function refusalToScale(
  identity: Identity,
  { application, target }: Permission & { kind: "scale" },
): string | undefined {
  if (identity.role === "viewer") return denied(identity, "scale");
  if (identity.role !== "scaler") return undefined;
  if (application !== identity.application) return denied(identity, "scale other applications");
  if (target !== undefined && identity.maxReplicas !== undefined && target > identity.maxReplicas) {
    return `target_num_replicas ${target} must be <= ${identity.maxReplicas}, the most this token may set`;
  }
  return undefined;
}

function denied(identity: Identity, what: string): string {
  const may = "a token of another role is needed";
  return `the token's role ${identity.role} does not allow to ${what}: ${may}`;
}

/** Whether secrets in a config may be shown to it. */
export function mayReadSecrets(identity: Identity): boolean {
  return identity.role === "admin" || identity.role === "deployer";
}

/** The token in an `Authorization` header. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^bearer +([^\s,]+) *$/i.exec(authorization ?? "")?.[1];
}

/** The scaler token of an application: the same as long as key, uid and rotation are. */
export function scalerToken(instanceKey: string, applicationUid: string, rotation: number): string {
  const mac = createHmac("sha256", instanceKey).update(`scaler\n${applicationUid}\n${rotation}`).digest("base64url");
  return `wls_${mac}`;
}

/** SHA-256, hex: what the store keeps of a secret. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Compares two secrets in a time that does not tell how much of them is equal. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash("sha256").update(a).digest(), createHash("sha256").update(b).digest());
}
