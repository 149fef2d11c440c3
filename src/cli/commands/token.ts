import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Role, RoleSchema, type Token } from "../../../gen/windlass/v1/token_service_pb.ts";
import { applicationName } from "../../core/names.ts";
import type { Target } from "../address.ts";
import { withApi } from "../api.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT } from "../exit.ts";
import { isoTime, label } from "../labels.ts";
import { type OutputFormat, printDocument } from "../output.ts";
import { table } from "../table.ts";

/** `windlass token [APP]`: the scaler token of an application; without APP the token that commands here use. */
export async function showToken(
  ctx: CliContext,
  target: Target,
  application: string | undefined,
  rotate: boolean,
  output?: OutputFormat,
): Promise<void> {
  const print = (token: string): void => {
    if (output === undefined) ctx.out(`${token}\n`);
    else printDocument(ctx, { application: application ?? null, token }, output);
  };
  if (application === undefined) {
    if (rotate) throw new CliError(EXIT.usage, "--rotate needs an application: windlass token APP --rotate");
    if (target.token !== undefined) return print(target.token);
    throw new CliError(
      EXIT.failed,
      "no token found; set WINDLASS_TOKEN, or WINDLASS_STATE_DIR to the state dir of a Windlass",
    );
  }
  const name = applicationName(application);
  const secret = await withApi(target, async ({ tokens }) => {
    const answer = rotate ? await tokens.rotateApplicationToken({ name }) : await tokens.getApplicationToken({ name });
    return answer.secret;
  });
  print(secret);
}

/** Options of `windlass token create`. */
export interface CreateTokenOptions {
  readonly role: RoleName;
  readonly app?: string;
  readonly maxReplicas?: number;
  /** Seconds; undefined is for ever. */
  readonly ttl?: number;
  readonly output?: OutputFormat;
}

/** Values of `--role`. */
export type RoleName = "admin" | "deployer" | "scaler" | "viewer";

/** `windlass token create`: the secret goes to stdout, once. */
export async function createToken(ctx: CliContext, target: Target, options: CreateTokenOptions): Promise<void> {
  if (options.role === "scaler" && options.app === undefined) {
    throw new CliError(EXIT.usage, "a scaler token needs --app: it is for one application");
  }
  if (options.role !== "scaler" && (options.app !== undefined || options.maxReplicas !== undefined)) {
    throw new CliError(EXIT.usage, `--app and --max-replicas are for --role scaler, not for ${options.role}`);
  }
  const answer = await withApi(target, (api) =>
    api.tokens.createToken({
      role: ROLES[options.role],
      application: options.app ?? "",
      ...(options.maxReplicas === undefined ? {} : { maxReplicas: options.maxReplicas }),
      ...(options.ttl === undefined ? {} : { ttl: durationOf(options.ttl) }),
    }),
  );
  const view = answer.token === undefined ? {} : tokenView(answer.token);
  if (options.output !== undefined) return printDocument(ctx, { ...view, secret: answer.secret }, options.output);
  ctx.out(`${answer.secret}\n`);
  ctx.err(`made token ${answer.token?.id ?? ""}; its secret is shown only now\n`);
}

/** `windlass token list`. */
export async function listTokens(ctx: CliContext, target: Target, output: OutputFormat | undefined): Promise<void> {
  const { tokens } = await withApi(target, (api) => api.tokens.listTokens({}));
  if (output !== undefined) return printDocument(ctx, { tokens: tokens.map(tokenView) }, output);
  const rows = tokens.map((token) => [
    token.id,
    roleName(token.role),
    token.application || "-",
    token.maxReplicas === undefined ? "-" : String(token.maxReplicas),
    token.expireTime === undefined ? "never" : expiry(token, ctx.clock.now()),
  ]);
  ctx.out(table([["ID", "ROLE", "APP", "MAX REPLICAS", "EXPIRES"], ...rows]));
}

/** `windlass token revoke`. */
export async function revokeToken(ctx: CliContext, target: Target, id: string): Promise<void> {
  await withApi(target, (api) => api.tokens.revokeToken({ id }), "windlass token list");
  ctx.out(`revoked ${id}\n`);
}

const ROLES = { admin: Role.ADMIN, deployer: Role.DEPLOYER, scaler: Role.SCALER, viewer: Role.VIEWER } as const;

function roleName(role: Role): string {
  return label(RoleSchema, role).toLowerCase();
}

function tokenView(token: Token): Record<string, unknown> {
  return {
    id: token.id,
    role: roleName(token.role),
    application: token.application || null,
    max_replicas: token.maxReplicas ?? null,
    create_time: isoTime(token.createTime),
    expire_time: isoTime(token.expireTime),
  };
}

function expiry(token: Token, now: number): string {
  const text = isoTime(token.expireTime) ?? "never";
  return token.expireTime !== undefined && timestampMs(token.expireTime) <= now ? `${text} (over)` : text;
}

function durationOf(seconds: number): { seconds: bigint; nanos: number } {
  const whole = Math.floor(seconds);
  return { seconds: BigInt(whole), nanos: Math.round((seconds - whole) * 1e9) };
}
