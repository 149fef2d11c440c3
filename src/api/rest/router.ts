/** Runs a route table: finds the route, lets the gate decide, sends the answer or the mapped failure. */
import { errorText, WindlassError } from "../../core/errors.ts";
import { authorize, type Identity, type Permission } from "../auth.ts";
import type { ApiDeps } from "../connect/context.ts";
import { problemText, toRestReply } from "../errors.ts";
import type { Gate, HostGate } from "../gate.ts";
import {
  BodyTooLargeError,
  ClientLeftError,
  json,
  leftSignal,
  type NodeHandler,
  type NodeRequest,
  type Reply,
  type StreamReply,
  send,
  sendStream,
  text,
} from "../http.ts";

/** A request that passed the gate. */
export interface RestRequest {
  readonly request: NodeRequest;
  readonly deps: ApiDeps;
  /** Named parts of the path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly identity: Identity;
  /** Whether values of environment variables may be shown to the caller. */
  readonly revealEnv: boolean;
  /** Aborts when the client leaves. To be asked for before anything is awaited. */
  left(): AbortSignal;
}

/** One method of one path. */
export interface Route {
  readonly method: "GET" | "PUT" | "PATCH" | "POST" | "DELETE";
  /** Exact path; `{x}` is one part of it, never empty. */
  readonly path: string;
  /** Answered without a token. Default: false. */
  readonly open?: boolean;
  /** How failures are written: as text lines, or as `{"error": …}`. Default: "text". */
  readonly errors?: "text" | "json";
  /** What the caller must be allowed to do. Default: nothing but to have a token, unless `handle` asks for more. */
  readonly permission?: (params: Readonly<Record<string, string>>) => Permission;
  /** The answer may go on without end: counted among the token's streams. Default: false. */
  readonly stream?: boolean;
  readonly handle: (request: RestRequest) => Reply | Promise<Reply | StreamReply>;
}

const NOBODY: Identity = { role: "viewer", actor: "nobody" };

/** Makes a handler for a table. Paths that are not in it are 404, methods that are not 405. */
export function createRestHandler(
  routes: readonly Route[],
  deps: ApiDeps,
  hostGate: HostGate,
  gate: Gate,
): NodeHandler {
  const compiled = routes.map((route) => ({ route, pattern: patternOf(route.path) }));

  const answer = async (request: NodeRequest, left: () => AbortSignal): Promise<Reply | StreamReply> => {
    const [path = "", ...rest] = (request.url ?? "").split("?");
    const here = compiled.flatMap(({ route, pattern }) => {
      const match = pattern.exec(path);
      return match === null ? [] : [{ route, params: decodeAll(match.groups ?? {}) }];
    });
    const found = here.find(({ route }) => accepts(route, request.method));
    const errors = (found ?? here[0])?.route.errors ?? "text";
    const where = `${request.method} ${path}`;
    try {
      const open = here.length > 0 && here.every(({ route }) => route.open === true);
      if (open) hostGate(request);
      const caller = open ? { identity: NOBODY, revealEnv: false } : gate(request);
      if (here.length === 0) return text(404, "404: Not Found");
      if (found === undefined) {
        const allow = here.flatMap(({ route }) => (route.method === "GET" ? ["GET", "HEAD"] : [route.method]));
        return text(405, "405: Method Not Allowed", { allow: allow.sort().join(",") });
      }
      const { route, params } = found;
      if (route.permission !== undefined) authorize(caller.identity, route.permission(params));
      if (route.stream === true && request.method !== "HEAD") deps.streams.open(caller.identity, left());
      const query = new URLSearchParams(rest.join("?"));
      return await route.handle({ request, deps, params, query, left, ...caller });
    } catch (error) {
      if (error instanceof ClientLeftError) throw error;
      const reply = toRestReply(error, deps.logger, where);
      return errors === "json" ? asJson(error, reply) : reply;
    }
  };

  return (request, response) => {
    let signal: AbortSignal | undefined;
    const left = (): AbortSignal => {
      signal ??= leftSignal(response);
      return signal;
    };
    answer(request, left)
      .then((reply) => ("chunks" in reply ? sendStream(response, reply, left()) : send(request, response, reply)))
      .catch((error: unknown) => {
        deps.logger.debug("a request was not answered", { path: request.url, reason: errorText(error) });
        response.destroy();
      });
  };
}

function asJson(error: unknown, { status, body, headers }: Reply): Reply {
  const message = error instanceof WindlassError && error.problems.length > 0 ? problemText(error) : (body ?? "");
  const close = error instanceof BodyTooLargeError ? { connection: "close" } : {};
  return json(status, { error: message.replaceAll("\n", "; ") }, { ...headers, ...close });
}

function accepts(route: Route, method: string | undefined): boolean {
  return route.method === method || (route.method === "GET" && method === "HEAD");
}

function patternOf(path: string): RegExp {
  const source = path
    .split(/(\{\w+\})/)
    .map((part) =>
      part.startsWith("{") ? `(?<${part.slice(1, -1)}>[^/]+)` : part.replace(/[.*+?^$()|[\]\\]/g, "\\$&"),
    );
  return new RegExp(`^${source.join("")}$`);
}

function decodeAll(groups: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decode(value)]));
}

/** A part that is not well escaped stands for itself. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
