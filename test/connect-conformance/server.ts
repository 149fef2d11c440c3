/** The server that Connect's conformance runner tests: the control port's stack with the ConformanceService on it. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createConnectHandler } from "../../src/api/connect/adapter.ts";
import { createDualServer } from "../../src/api/dual-server.ts";
import { createStreamLimit } from "../../src/api/stream-limit.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { silentLogger } from "../../src/observability/logger.ts";
import {
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from "./gen/connectrpc/conformance/v1/server_compat_pb.ts";
import { conformanceRoutes } from "./service.ts";
import { readMessage, writeMessage } from "./stdio.ts";

const wanted = fromBinary(ServerCompatRequestSchema, (await readMessage(process.stdin)) ?? new Uint8Array());
const handler = createConnectHandler({
  routes: conformanceRoutes,
  gate: () => ({ identity: { role: "admin", actor: "conformance" }, revealEnv: false }),
  streams: createStreamLimit(),
  logger: silentLogger,
  fallback: (_request, response) => {
    response.writeHead(404);
    response.end();
  },
  ...(wanted.messageReceiveLimit === 0 ? {} : { readMaxBytes: wanted.messageReceiveLimit }),
});
const server = createDualServer({ handler, clock: systemClock });
const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
process.on("SIGTERM", () => void server.close(1_000).then(() => process.exit(0)));
writeMessage(
  process.stdout,
  toBinary(ServerCompatResponseSchema, create(ServerCompatResponseSchema, { host: "127.0.0.1", port })),
);
