/** User services on the gRPC port of a whole Windlass. */
import { join } from "node:path";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, it } from "vitest";
import { Greeter } from "../../examples/grpc/greeter_pb.ts";
import {
  api,
  eventually,
  ROOT,
  runningPids,
  startWindlass,
  type Windlass,
  waitForStatus,
} from "../support/windlass.ts";

function clientOf({ grpc }: Windlass, application: string) {
  return createClient(
    Greeter,
    createGrpcTransport({
      baseUrl: `http://${grpc}`,
      interceptors: [
        (next) => (request) => {
          request.header.set("application", application);
          return next(request);
        },
      ],
    }),
  );
}

async function deploy(windlass: Windlass, config: object): Promise<void> {
  const headers = { "x-windlass-base-dir": join(ROOT, "test/support") };
  const answer = await api(windlass, "/api/serve/applications/", { method: "PUT", headers, body: config });
  expect([answer.status, answer.text]).toEqual([200, ""]);
}

it("routes by the application metadata, bounds calls, and loses none but those in a replica that is killed", async () => {
  const windlass = await startWindlass(["--no-instance"]);
  await deploy(windlass, {
    grpc_options: { request_timeout_s: 0.5 },
    applications: [
      {
        name: "connected",
        import_path: "./grpc-app.ts:connected",
        deployments: [{ name: "Connected", num_replicas: 2, health_check_period_s: 1 }],
      },
      { name: "js", route_prefix: null, import_path: "./grpc-app.ts:js" },
      { name: "plain", route_prefix: "/plain", import_path: "./grpc-app.ts:plain" },
    ],
  });
  for (const name of ["connected", "js", "plain"]) await waitForStatus(windlass, name, "RUNNING");
  const connected = clientOf(windlass, "connected");
  const js = clientOf(windlass, "js");
  // Each worker follows the routes on its own; each connection belongs to one of them.
  const served = (client: typeof js) => async () =>
    (await client.sayHello({ name: "Ada" }).catch(() => undefined))?.message === "3";
  await eventually(served(connected));
  await eventually(served(js));

  const failure = (call: Promise<unknown>) => call.then(() => undefined, ConnectError.from);
  expect(await failure(clientOf(windlass, "plain").sayHello({}))).toMatchObject({
    code: Code.Unimplemented,
    rawMessage: 'application "plain" serves no gRPC method /greeter.v1.Greeter/SayHello',
  });
  expect(await failure(clientOf(windlass, "other").sayHello({}))).toMatchObject({ code: Code.NotFound });

  const late = await failure(connected.sayHello({ name: "hang" }));
  expect(late).toMatchObject({ code: Code.DeadlineExceeded, rawMessage: "Request timed out after 0.5s." });

  const codes: (Code | undefined)[] = [];
  const calls = new Set<Promise<void>>();
  let going = true;
  const one = async (): Promise<void> => {
    while (going) codes.push((await failure(connected.greetAll(names())))?.code);
  };
  for (let i = 0; i < 4; i++) calls.add(one());
  await eventually(async () => codes.length > 100);
  const [pid] = await runningPids(windlass, "connected", "Connected");
  process.kill(pid!, "SIGKILL");
  const before = codes.length;
  await eventually(async () => codes.length > before + 200);
  going = false;
  await Promise.all(calls);
  // At most the calls that it had taken.
  const failed = codes.filter((code) => code !== undefined);
  expect(failed.length).toBeLessThanOrEqual(4);
  expect(failed.every((code) => code === Code.Unavailable)).toBe(true);
  expect(await windlass.stop()).toBe(0);
});

async function* names() {
  yield { name: "Ada" };
  yield { name: "Bob" };
}
