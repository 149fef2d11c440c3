import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { type Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { onTestFinished } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { ApplicationService } from "../../gen/windlass/v1/application_service_pb.ts";
import { DeploymentService } from "../../gen/windlass/v1/deployment_service_pb.ts";
import {
  InstanceService,
  type WatchInstanceRequest,
  type WatchInstanceResponseSchema,
} from "../../gen/windlass/v1/instance_service_pb.ts";
import { TokenService } from "../../gen/windlass/v1/token_service_pb.ts";

/** A message of the feed as a test writes it. */
export type FeedMessage = MessageInitShape<typeof WatchInstanceResponseSchema>;

/** Canned answers; what is left out answers UNIMPLEMENTED (404 on REST). */
export interface FakeAnswers {
  readonly instance?: Partial<ServiceImpl<typeof InstanceService>>;
  readonly applications?: Partial<ServiceImpl<typeof ApplicationService>>;
  readonly deployments?: Partial<ServiceImpl<typeof DeploymentService>>;
  readonly tokens?: Partial<ServiceImpl<typeof TokenService>>;
  /** WatchInstance plays these one after the other, the last one again and again. */
  readonly feed?: readonly FeedAttempt[];
  /** Everything that is not a Connect call. */
  rest?(request: IncomingMessage, response: ServerResponse): void;
}

/** A running fake. */
export interface FakeApi {
  /** "http://127.0.0.1:PORT". */
  readonly address: string;
  /** Path and Authorization header of each request, in order. */
  readonly requests: readonly { readonly path: string; readonly authorization: string | undefined }[];
  /** The WatchInstance requests, in order. */
  readonly watches: readonly WatchInstanceRequest[];
}

/** An API with canned answers on a real port; ends with the test. */
export async function fakeApi(answers: FakeAnswers): Promise<FakeApi> {
  const requests: { path: string; authorization: string | undefined }[] = [];
  const watches: WatchInstanceRequest[] = [];
  const sockets = new Set<Socket>();
  const feed = answers.feed;
  const watchInstance = (request: WatchInstanceRequest, context: HandlerContext) => {
    watches.push(request);
    // What was sent still arrives, the end of the answer does not.
    const breakConnections = () => sockets.forEach((socket) => void socket.destroySoon());
    return play(feed![Math.min(watches.length, feed!.length) - 1]!, context, breakConnections);
  };
  const handler = connectNodeAdapter({
    routes(router) {
      router.service(InstanceService, { ...(feed === undefined ? {} : { watchInstance }), ...answers.instance });
      router.service(ApplicationService, answers.applications ?? {});
      router.service(DeploymentService, answers.deployments ?? {});
      router.service(TokenService, answers.tokens ?? {});
    },
    fallback(request, response) {
      // The server is HTTP/1.1 alone.
      const h1 = response as ServerResponse;
      if (answers.rest) answers.rest(request as IncomingMessage, h1);
      else h1.writeHead(404).end("404: Not Found");
    },
  });
  const server = createServer((request, response) => {
    requests.push({ path: request.url ?? "", authorization: request.headers.authorization });
    handler(request, response);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, watches };
}

/** An error as the API answers: with its machine-readable reason. */
export function apiError(
  code: Code,
  message: string,
  reason: string,
  metadata: Record<string, string> = {},
): ConnectError {
  const info = { desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason, domain: "windlass", metadata }) };
  return new ConnectError(message, code, undefined, [info]);
}

/** One attempt of a feed: what it sends, and how it ends. */
export interface FeedAttempt {
  readonly send: readonly FeedMessage[];
  /** What it waits for before it ends. */
  readonly until?: Promise<unknown>;
  /** `break` closes the connection in the middle of the answer, `hold` stays open until the client leaves. */
  readonly end: "break" | "hold" | ConnectError;
}

async function* play(attempt: FeedAttempt, context: HandlerContext, breakConnections: () => void) {
  yield* attempt.send;
  await attempt.until;
  if (attempt.end instanceof ConnectError) throw attempt.end;
  // A connection that breaks at once may take messages with it that the client has not read; Node 26's does.
  if (attempt.end === "break") setTimeout(breakConnections, 50);
  await new Promise<void>((resolve) => {
    if (context.signal.aborted) resolve();
    context.signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
