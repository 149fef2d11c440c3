/** windlass.v1.TokenService. */

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type CreateTokenRequest,
  RoleSchema,
  TokenSchema,
  type TokenService,
} from "../../../gen/windlass/v1/token_service_pb.ts";
import { WindlassError } from "../../core/errors.ts";
import { type Role, scalerToken, type TokenRecord } from "../auth.ts";
import { enumValue, enumWord } from "../enums.ts";
import { notFound } from "../lookup.ts";
import { createToken, listTokens, revokeToken } from "../tokens.ts";
import { type ApiDeps, callerWith } from "./context.ts";
import { applicationOf } from "./names.ts";

/** Makes the service's handlers. */
export function tokenService(deps: ApiDeps): ServiceImpl<typeof TokenService> {
  const { controller, store, clock, instanceKey } = deps;
  return {
    getApplicationToken(request, context) {
      callerWith(context, { kind: "read-application-token" });
      const name = applicationOf(request.name);
      const record = controller.application(name);
      if (record === undefined) throw notFound(`application ${JSON.stringify(name)}`);
      return { secret: scalerToken(instanceKey, record.uid, record.tokenRotation) };
    },
    async rotateApplicationToken(request, context) {
      const { identity } = callerWith(context, { kind: "manage-tokens" });
      const record = await controller.rotateToken(applicationOf(request.name), identity.actor);
      return { secret: scalerToken(instanceKey, record.uid, record.tokenRotation) };
    },
    async createToken(request, context) {
      callerWith(context, { kind: "manage-tokens" });
      const { record, secret } = await createToken(store, clock, wanted(request));
      return { token: tokenView(record), secret };
    },
    listTokens(_request, context) {
      callerWith(context, { kind: "manage-tokens" });
      return { tokens: listTokens(store).map(tokenView) };
    },
    async revokeToken(request, context) {
      callerWith(context, { kind: "manage-tokens" });
      if (!(await revokeToken(store, request.id))) throw notFound(`token ${JSON.stringify(request.id)}`);
      return {};
    },
  };
}

/** What a request asks for, checked. Throws INVALID_REQUEST. */
function wanted(request: CreateTokenRequest): Pick<TokenRecord, "role" | "application" | "maxReplicas"> & {
  ttlMs: number | null;
} {
  const refuse = (message: string): never => {
    throw new WindlassError("INVALID_REQUEST", message);
  };
  const role = enumWord(RoleSchema, request.role)?.toLowerCase() ?? "unspecified";
  if (role === "unspecified") refuse("role is missing: set it to admin, deployer, scaler or viewer");
  if (role === "scaler" && request.application === "") {
    refuse("application is missing: a scaler token is for one application");
  }
  if (role !== "scaler" && request.application !== "") {
    refuse(`application must be empty for a token of role ${role}: only scaler tokens are for one application`);
  }
  if (role !== "scaler" && request.maxReplicas !== undefined) {
    refuse(`max_replicas must be absent for a token of role ${role}: only scaler tokens have it`);
  }
  const { ttl } = request;
  const ttlMs = ttl === undefined ? null : Number(ttl.seconds) * 1000 + ttl.nanos / 1e6;
  if (ttlMs !== null && !(ttlMs > 0 && ttlMs <= MAX_TTL_MS)) {
    refuse(`ttl ${ttlMs / 1000} s must be > 0 and at most 100 years: leave it out for a token that lasts`);
  }
  return {
    role: role as Role,
    application: request.application === "" ? null : request.application,
    maxReplicas: request.maxReplicas ?? null,
    ttlMs,
  };
}

const MAX_TTL_MS = 100 * 365 * 24 * 3600 * 1000;

function tokenView(record: TokenRecord) {
  const fields: MessageInitShape<typeof TokenSchema> = {
    id: record.id,
    role: enumValue(RoleSchema, record.role),
    application: record.application ?? "",
    createTime: timestampFromMs(record.createdAt),
    ...(record.maxReplicas === null ? {} : { maxReplicas: record.maxReplicas }),
    ...(record.expiresAt === null ? {} : { expireTime: timestampFromMs(record.expiresAt) }),
  };
  return create(TokenSchema, fields);
}
