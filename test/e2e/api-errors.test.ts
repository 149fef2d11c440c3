/** Provokes every reason of docs/errors.md and compares code, status and message with what the page says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { expect, it } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { ApplicationService } from "../../gen/windlass/v1/application_service_pb.ts";
import { DeploymentService } from "../../gen/windlass/v1/deployment_service_pb.ts";
import { ErrorReasonSchema } from "../../gen/windlass/v1/error_reason_pb.ts";
import { InstanceService } from "../../gen/windlass/v1/instance_service_pb.ts";
import { Role, TokenService } from "../../gen/windlass/v1/token_service_pb.ts";
import { ERROR_REASONS, type ErrorReason } from "../../src/core/errors.ts";
import { StoreError } from "../../src/store/store.ts";
import { ADMIN_TOKEN, type Ask, ask, startTestApi } from "../support/api-harness.ts";
import { writeApp } from "../support/apps.ts";
import { openStream } from "../support/event-stream.ts";
import { ROOT, startWindlass, waitForStatus } from "../support/windlass.ts";

interface PageEntry {
  readonly grpc: string;
  readonly rest: string;
  readonly connect: string;
  readonly example: string;
}

/** The page's table and its sections. */
function readPage(): Map<string, PageEntry> {
  const page = readFileSync(join(ROOT, "docs", "errors.md"), "utf8");
  const rows = [...page.matchAll(/^\| \[(\w+)\]\(#(\w+)\) \| (\w+) \| (\S+) \| (\w+) \|$/gm)];
  const sections = new Map(
    [...page.matchAll(/^## ([A-Z_]+)\n\n(.+)\n\n```text\n(.+)\n```\n\n(.+)\n$/gm)].map((match) => [
      match[1]!,
      match[3]!,
    ]),
  );
  expect([...sections.keys()]).toEqual(rows.map(([, reason]) => reason));
  return new Map(
    rows.map(([, reason, anchor, grpc, rest, connect]) => {
      expect(anchor).toBe(reason!.toLowerCase());
      return [reason!, { grpc: grpc!, rest: rest!, connect: connect!, example: sections.get(reason!)! }];
    }),
  );
}

/** What a client saw: "INVALID_ARGUMENT INVALID_REQUEST", and the message. */
interface Seen {
  readonly code: string;
  readonly reason: string | undefined;
  readonly message: string;
}

type Clients = ReturnType<typeof clientsOf>;

const PROTOCOLS = ["gRPC", "Connect"] as const;

function clientsOf(control: string, token: string, protocol: (typeof PROTOCOLS)[number], headers = {}) {
  const options = {
    baseUrl: control,
    interceptors: [
      (next: (request: never) => Promise<never>) => (request: never) => {
        const fields = { authorization: `Bearer ${token}`, ...headers };
        for (const [name, value] of Object.entries(fields)) (request as { header: Headers }).header.set(name, value);
        return next(request);
      },
    ] as never,
  };
  const transport =
    protocol === "gRPC" ? createGrpcTransport(options) : createConnectTransport({ ...options, httpVersion: "1.1" });
  return {
    instance: createClient(InstanceService, transport),
    applications: createClient(ApplicationService, transport),
    deployments: createClient(DeploymentService, transport),
    tokens: createClient(TokenService, transport),
  };
}

async function seenBy(call: Promise<unknown> | AsyncIterable<unknown>): Promise<Seen> {
  try {
    if (Symbol.asyncIterator in call) for await (const _ of call) break;
    else await call;
  } catch (error) {
    const failure = ConnectError.from(error);
    const info = failure.findDetails(ErrorInfoSchema)[0];
    expect(info?.domain).toBe("windlass");
    return { code: Code[failure.code], reason: info?.reason, message: failure.rawMessage };
  }
  throw new Error("the call succeeded");
}

/** How one reason is brought about. */
interface Provocation {
  readonly rpc: (clients: Clients) => Promise<unknown> | AsyncIterable<unknown>;
  /** Absent where no REST path can fail so. */
  readonly rest?: Ask;
  /** Called before each attempt. */
  readonly before?: () => void;
  readonly token?: string;
  readonly headers?: Record<string, string>;
  /** Where REST's own text is not the message of the page. */
  readonly restText?: string | RegExp;
}

const page = readPage();
const provoked = new Set<string>();

/** Provokes one reason over gRPC, Connect and REST, and compares everything with the page. */
async function provoke(reason: ErrorReason, control: string, token: string, how: Provocation): Promise<void> {
  const entry = page.get(reason)!;
  const sender = how.token ?? token;
  for (const protocol of PROTOCOLS) {
    how.before?.();
    const seen = await seenBy(how.rpc(clientsOf(control, sender, protocol, how.headers)));
    const code = protocol === "gRPC" ? upperSnake(seen.code) : upperSnake(seen.code).toLowerCase();
    expect([protocol, code, seen.reason]).toEqual([protocol, protocol === "gRPC" ? entry.grpc : entry.connect, reason]);
    expect(shape(seen.message)).toBe(shape(entry.example));
    expectOneLine(seen.message);
  }
  expect(how.rest === undefined ? "—" : "a status").toBe(entry.rest === "—" ? "—" : "a status");
  if (how.rest !== undefined) {
    const port = Number(new URL(control).port);
    how.before?.();
    const answer = await ask(port, { token: sender, ...how.rest, headers: { ...how.headers, ...how.rest.headers } });
    expect([reason, answer.status]).toEqual([reason, Number(entry.rest)]);
    const text = answer.headers["content-type"]?.startsWith("application/json")
      ? (answer.json as { error: string }).error
      : answer.text;
    expectOneLine(text);
    if (how.restText instanceof RegExp) expect(text).toMatch(how.restText);
    else expect(shape(text)).toBe(shape(how.restText ?? entry.example));
  }
  provoked.add(reason);
}

function expectOneLine(message: string): void {
  expect(message).toMatch(/^[^\n\r]{5,400}$/);
  expect(message).not.toMatch(/\bat \S+ \(|node_modules|\.[jt]s:\d+/);
}

/** Without what differs from run to run. */
function shape(message: string): string {
  return message.replace(/"[\w-]{12,}-\d+"/g, '"ETAG"').replace(/\d+/g, "N");
}

/** "InvalidArgument" → "INVALID_ARGUMENT". */
function upperSnake(name: string): string {
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

const CONFIG = `
applications:
  - name: echo
    route_prefix: /
    import_path: ./app.ts:app
    external_scaler_enabled: true
    deployments:
      - { name: Echo, graceful_shutdown_timeout_s: 10 }
  - name: closed
    route_prefix: /closed
    import_path: ./closed.ts:app
`;
/** Sends its head at once and no end. */
const ENDLESS = `
import { deployment } from "windlass";
const body = () => new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode("…")) });
export const app = deployment(class Echo { fetch() { return new Response(body()); } }, { name: "Echo" }).bind();
`;
const CLOSED = `
import { deployment } from "windlass";
export const app = deployment(class Closed { fetch() { return new Response("closed"); } }, { name: "Closed" }).bind();
`;

const scalePath = (app: string, deployment: string): string =>
  `/api/v1/applications/${app}/deployments/${deployment}/scale`;
const nameOf = (app: string, deployment: string): string => `applications/${app}/deployments/${deployment}`;

it("the page has the code's reasons, with its codes, and no other", () => {
  expect([...page.keys()]).toEqual(Object.keys(ERROR_REASONS));
  for (const [reason, { grpc, rest, connect }] of page) {
    const { code, http } = ERROR_REASONS[reason as ErrorReason];
    expect([reason, grpc, connect]).toEqual([reason, code, code.toLowerCase()]);
    if (rest !== "—") expect([reason, rest]).toEqual([reason, String(http)]);
  }
  const inProto = ErrorReasonSchema.values.map(({ name }) => name.replace("ERROR_REASON_", ""));
  expect([...page.keys()].sort()).toEqual(inProto.filter((name) => name !== "UNSPECIFIED").sort());
});

it("each reason that a running Windlass can give is given as the page says", async () => {
  const windlass = await startWindlass([writeApp(ENDLESS, CONFIG, { "closed.ts": CLOSED })]);
  await waitForStatus(windlass, "echo", "RUNNING");
  await waitForStatus(windlass, "closed", "RUNNING");
  const { control, token } = windlass;
  const port = Number(new URL(control).port);
  const admin = clientsOf(control, token, "gRPC");
  const viewer = (await admin.tokens.createToken({ role: Role.VIEWER })).secret;
  const scale = (app: string, deployment: string, body: unknown = { target_num_replicas: 1 }): Ask => ({
    path: scalePath(app, deployment),
    body,
  });
  const on = (reason: ErrorReason, how: Provocation): Promise<void> => provoke(reason, control, token, how);

  await on("INVALID_REQUEST", {
    rpc: ({ deployments }) => deployments.scaleDeployment({ name: nameOf("echo", "Echo") }),
    rest: { method: "PUT", path: "/api/serve/applications/", body: "{" },
    restText: /^the body is not JSON: /,
  });
  const bad = { name: "Echo", maxOngoingRequests: 0 };
  await on("INVALID_CONFIG", {
    rpc: ({ instance }) =>
      instance.applyConfig({ config: { applications: [{ importPath: "./app.ts:app", deployments: [bad] }] } }),
    rest: {
      method: "PUT",
      path: "/api/serve/applications/",
      body: {
        applications: [{ import_path: "./app.ts:app", deployments: [{ name: "Echo", max_ongoing_requests: 0 }] }],
      },
    },
    restText: "applications[0].deployments[0].max_ongoing_requests: must be a whole number > 0, got 0",
  });
  await on("NOT_FOUND", {
    rpc: ({ applications }) => applications.getApplication({ name: "applications/nope" }),
    rest: scale("nope", "Echo"),
    restText: "Application or Deployment not found",
  });
  await on("EXTERNAL_SCALER_DISABLED", {
    rpc: ({ deployments }) => deployments.scaleDeployment({ name: nameOf("closed", "Closed"), targetNumReplicas: 2 }),
    rest: scale("closed", "Closed"),
  });
  await on("STALE_ETAG", {
    rpc: ({ deployments }) =>
      deployments.scaleDeployment({ name: nameOf("echo", "Echo"), targetNumReplicas: 2, etag: "stale" }),
    rest: { method: "DELETE", path: "/api/v1/applications/echo", headers: { "if-match": "stale" } },
  });
  const held = { targetNumReplicas: 1, owner: "keda", fence: 7n, ttl: { seconds: 600n, nanos: 0 } };
  await admin.deployments.scaleDeployment({ name: nameOf("echo", "Echo"), ...held });
  await on("STALE_FENCE", {
    rpc: ({ deployments }) =>
      deployments.scaleDeployment({ name: nameOf("echo", "Echo"), targetNumReplicas: 1, fence: 6n }),
    rest: scale("echo", "Echo", { target_num_replicas: 1, fence: 6 }),
  });
  await on("LEASE_HELD", {
    rpc: ({ deployments }) => deployments.scaleDeployment({ name: nameOf("echo", "Echo"), targetNumReplicas: 1 }),
    rest: scale("echo", "Echo"),
  });
  await on("NOT_POSSIBLE_NOW", {
    rpc: ({ applications }) => applications.rollbackApplication({ name: "applications/echo" }),
    rest: { method: "POST", path: "/api/v1/applications/echo/rollback" },
  });
  await on("STALE_PLAN", {
    rpc: ({ instance }) => instance.applyConfig({ planToken: "plan-nope" }),
    rest: { method: "POST", path: "/api/v1/plan/plan-nope/apply" },
  });
  await on("UNAUTHENTICATED", {
    token: "wrong",
    rpc: ({ instance }) => instance.getInstance({}),
    rest: { path: "/api/serve/applications/" },
  });
  await on("PERMISSION_DENIED", {
    token: viewer,
    rpc: ({ deployments }) => deployments.scaleDeployment({ name: nameOf("echo", "Echo"), targetNumReplicas: 2 }),
    rest: scale("echo", "Echo"),
  });
  await on("ORIGIN_DENIED", {
    headers: { origin: "http://evil.example" },
    rpc: ({ instance }) => instance.getInstance({}),
    rest: { path: "/api/serve/applications/" },
  });
  await on("HISTORY_COMPACTED", {
    rpc: ({ instance }) => instance.watchInstance({ startRevision: 900_000n }),
    rest: { path: "/api/v1/watch?since=900000" },
  });

  const streams = await Promise.all(
    Array.from({ length: 256 }, () => openStream(port, "/api/v1/watch", { authorization: `Bearer ${viewer}` })),
  );
  expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
  await on("TOO_MANY_STREAMS", {
    token: viewer,
    rpc: ({ instance }) => instance.watchInstance({}),
    rest: { path: "/api/v1/watch" },
  });
  for (const { cut } of streams) cut();

  // While its replica answers a request, the deployment is being deleted.
  const leave = new AbortController();
  expect((await fetch(windlass.http, { signal: leave.signal })).status).toBe(200);
  await admin.applications.deleteApplication({ name: "applications/echo" });
  await on("DEPLOYMENT_DELETED", {
    rpc: ({ deployments }) => deployments.scaleDeployment({ name: nameOf("echo", "Echo"), targetNumReplicas: 2 }),
    rest: scale("echo", "Echo"),
  });

  leave.abort();
  await ask(port, { method: "DELETE", path: "/api/serve/applications/", token });
  await on("INSTANCE_UNAVAILABLE", {
    rpc: ({ deployments }) => deployments.scaleDeployment({ name: nameOf("echo", "Echo"), targetNumReplicas: 2 }),
    rest: scale("echo", "Echo"),
  });
  expect(windlass.process.exitCode).toBeNull();
}, 60_000);

it("each reason that only a fault gives is given as the page says", async () => {
  await using api = await startTestApi();
  const faults: [ErrorReason, () => Error][] = [
    ["STORE_UNAVAILABLE", () => new StoreError("unwritable", "disk full: /secret/path")],
    ["INTERNAL", () => new TypeError("secret detail")],
  ];
  for (const [reason, fault] of faults) {
    await provoke(reason, `http://127.0.0.1:${api.port}`, ADMIN_TOKEN, {
      before: () => {
        api.controller.failNext = fault();
      },
      rpc: ({ deployments }) => deployments.scaleDeployment({ name: nameOf("a", "Echo"), targetNumReplicas: 2 }),
      rest: { path: scalePath("a", "Echo"), body: { target_num_replicas: 2 } },
    });
  }
  // What the caller is not told.
  expect(api.logged.join("")).toMatch(/disk full[\s\S]*secret detail/);
});

it("every reason of the page was provoked", () => {
  expect([...provoked].sort()).toEqual([...page.keys()].sort());
});
