import { mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { Code, ConnectError, createClient, createRouterTransport, type Interceptor } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { InstanceService } from "../../gen/windlass/v1/instance_service_pb.ts";
import { TokenService } from "../../gen/windlass/v1/token_service_pb.ts";
import { applicationConfig, metadataOf, reasonOf, violationsOf } from "../../src/client/common.ts";
import { createClient as createNodeClient } from "../../src/client/index.ts";
import { interceptorsOf } from "../../src/client/options.ts";
import { renewingTransport } from "../../src/client/renewing.ts";
import { TargetError, targetOf } from "../../src/client/target.ts";
import { createClient as createWebClient } from "../../src/client/web.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { tempDir } from "../support/temp-dir.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

/** A server that fails so often, and counts. */
function failing(error: () => Error, times: number, interceptors: Interceptor[]) {
  let calls = 0;
  const answer = (): object => {
    calls += 1;
    if (calls <= times) throw error();
    return {};
  };
  const transport = createRouterTransport(
    ({ rpc }) => {
      rpc(InstanceService.method.getInstance, answer);
      rpc(InstanceService.method.planConfig, answer);
      rpc(TokenService.method.createToken, answer);
    },
    { transport: { interceptors } },
  );
  return {
    instance: createClient(InstanceService, transport),
    tokens: createClient(TokenService, transport),
    calls: () => calls,
  };
}

const away = (): ConnectError => new ConnectError("away", Code.Unavailable);

describe("a call", () => {
  const withRetry = () => {
    const clock = new VirtualClock();
    return { clock, interceptors: interceptorsOf(undefined, { clock, random: seededRandom(1) }, {}) };
  };

  it("that only reads is tried again while the server is away", async () => {
    const { clock, interceptors } = withRetry();
    const { instance, calls } = failing(away, 3, interceptors);
    const answered = instance.getInstance({});
    await clock.advance(2_000);
    await answered;
    expect(calls()).toBe(4);
  });

  it("that its connection took along was not cancelled: it is UNAVAILABLE, and tried again if it only reads", async () => {
    const { clock, interceptors } = withRetry();
    const taken = (): ConnectError =>
      new ConnectError("http/2 stream closed with error code CANCEL (0x8)", Code.Canceled);
    const read = failing(taken, 1, interceptors);
    const answered = read.instance.getInstance({});
    await clock.advance(2_000);
    await answered;
    expect(read.calls()).toBe(2);
    const write = failing(taken, 1, interceptors);
    const failed = (await write.tokens.createToken({}).catch((error: unknown) => error)) as ConnectError;
    expect([failed.code, write.calls()]).toEqual([Code.Unavailable, 1]);
    const left = failing(taken, 1, interceptors);
    const gone = await left.instance.getInstance({}, { signal: AbortSignal.abort() }).catch((error: unknown) => error);
    expect((gone as ConnectError).code).toBe(Code.Canceled);
  });

  it("that only reads is given up after some attempts", async () => {
    const { clock, interceptors } = withRetry();
    const { instance, calls } = failing(away, 100, interceptors);
    const answered = instance.getInstance({}).catch((error: unknown) => error);
    await clock.advance(20_000);
    expect(((await answered) as ConnectError).code).toBe(Code.Unavailable);
    expect(calls()).toBe(7);
  });

  it("is not tried again without a wish for that", async () => {
    const time = { clock: new VirtualClock(), random: seededRandom(1) };
    for (const interceptors of [
      interceptorsOf(undefined, time, { retry: false }),
      interceptorsOf(undefined, undefined, {}),
    ]) {
      const { instance, calls } = failing(away, 1, interceptors);
      await expect(instance.getInstance({})).rejects.toThrow("away");
      expect(calls()).toBe(1);
    }
  });

  it.each(["createToken", "planConfig"] as const)("that may write (%s) is sent once", async (method) => {
    const { instance, tokens, calls } = failing(away, 1, withRetry().interceptors);
    await expect(method === "createToken" ? tokens.createToken({}) : instance.planConfig({})).rejects.toThrow("away");
    expect(calls()).toBe(1);
  });

  it("is not tried again after an answer", async () => {
    const { instance, calls } = failing(() => new ConnectError("no", Code.NotFound), 1, withRetry().interceptors);
    await expect(instance.getInstance({})).rejects.toThrow("no");
    expect(calls()).toBe(1);
  });

  it("has the token, unless it brings its own", async () => {
    const seen: (string | null)[] = [];
    const spy: Interceptor = (next) => (request) => {
      seen.push(request.header.get("authorization"));
      return next(request);
    };
    const { instance } = failing(away, 0, [...interceptorsOf("secret", undefined, {}), spy]);
    await instance.getInstance({});
    await instance.getInstance({}, { headers: { authorization: "Bearer other" } });
    expect(seen).toEqual(["Bearer secret", "Bearer other"]);
  });
});

describe("a transport that renews itself", () => {
  /** Transports whose first never answers. */
  function setUp() {
    const closed: number[] = [];
    let made = 0;
    const deadlines: boolean[] = [];
    const { transport, close } = renewingTransport(() => {
      const number = made++;
      const inner = createRouterTransport(({ rpc }) => {
        rpc(InstanceService.method.getInstance, async (_request, { signal, timeoutMs }) => {
          deadlines.push(timeoutMs() !== undefined);
          if (number === 0) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
          return {};
        });
      });
      return { transport: inner, close: () => void closed.push(number) };
    }, 30);
    return { instance: createClient(InstanceService, transport), close, closed, made: () => made, deadlines };
  }

  it("leaves a connection on which a call came to its deadline, and closes it", async () => {
    const { instance, close, closed, made } = setUp();
    const error = await instance.getInstance({}).catch((thrown: unknown) => thrown);
    expect((error as ConnectError).code).toBe(Code.DeadlineExceeded);
    expect(closed).toEqual([0]);
    await instance.getInstance({});
    await instance.getInstance({});
    expect(made()).toBe(2);
    close();
    expect(closed).toEqual([0, 1]);
  });

  it("lets what runs on it go on", async () => {
    const { instance, closed } = setUp();
    const leave = new AbortController();
    const patient = instance.getInstance({}, { timeoutMs: 60_000, signal: leave.signal }).catch(() => {});
    await expect(instance.getInstance({})).rejects.toThrow();
    expect(closed).toEqual([]);
    leave.abort();
    await patient;
    expect(closed).toEqual([0]);
  });

  it("makes no connection any more once it is closed, and says so", async () => {
    const { instance, close, made } = setUp();
    close();
    const error = await instance.getInstance({}).catch((thrown: unknown) => thrown);
    expect(String(error)).toBe("ConnectError: [canceled] the client was closed; make a new one");
    expect(made()).toBe(0);
  });

  it("takes infinity for no deadline", async () => {
    const { instance, deadlines } = setUp();
    await instance.getInstance({}, { timeoutMs: 1 }).catch(() => {});
    await instance.getInstance({});
    await instance.getInstance({}, { timeoutMs: Number.POSITIVE_INFINITY });
    await instance.getInstance({}, { timeoutMs: 1e12 });
    expect(deadlines).toEqual([true, true, false, false]);
  });
});

describe("a wait for an application", () => {
  it("says what stands in its way where it hears nothing", async () => {
    using client = createNodeClient({ address: "http://127.0.0.1:1", token: "" });
    await expect(client.waitUntilRunning("a", { timeoutMs: 200 })).rejects.toThrow(
      "no news of applications/a after 0.2 s; the last attempt failed: connect ECONNREFUSED 127.0.0.1:1",
    );
  });

  it("takes infinity for no deadline", async () => {
    const server = createServer();
    const address = await new Promise<AddressInfo>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve(server.address() as AddressInfo));
    });
    const heard = new Promise((resolve) => server.once("connection", resolve));
    using client = createNodeClient({ address: `http://127.0.0.1:${address.port}`, token: "" });
    const leave = new AbortController();
    const waiting = client.waitUntilRunning("a", { timeoutMs: Number.POSITIVE_INFINITY, signal: leave.signal });
    const ended = waiting.catch((error: unknown) => (error as ConnectError).code);
    await Promise.race([heard, ended]);
    leave.abort();
    expect(await ended).toBe(Code.Canceled);
    server.close();
  });
});

describe("a target", () => {
  const dir = () => {
    const state = tempDir();
    mkdirSync(state, { recursive: true });
    writeFileSync(join(state, "admin.token"), "from-file\n");
    return state;
  };

  it.each([
    { name: "the token file on a loopback address", env: {}, token: undefined, expected: "from-file" },
    {
      name: "WINDLASS_TOKEN before the file",
      env: { WINDLASS_TOKEN: " from-env " },
      token: undefined,
      expected: "from-env",
    },
    { name: "what is given before both", env: { WINDLASS_TOKEN: "from-env" }, token: "given", expected: "given" },
    { name: "none where an empty one is given", env: { WINDLASS_TOKEN: "from-env" }, token: "", expected: undefined },
    {
      name: "no file of this machine for another one",
      env: { WINDLASS_ADDRESS: "http://windlass.example" },
      token: undefined,
      expected: undefined,
    },
  ])("has $name", ({ env, token, expected }) => {
    const found = targetOf({ env: { WINDLASS_STATE_DIR: dir(), ...env }, cwd: "/", token });
    expect(found.token).toBe(expected);
  });

  it.each(["wé", "two\nlines", "two words"])("of no token (%j) is told without showing it", (token) => {
    const told = "the token has characters that no token has; give it as `windlass token` printed it";
    expect(() => targetOf({ env: {}, cwd: "/", token })).toThrow(new TargetError("token", told));
    expect(() => targetOf({ env: { WINDLASS_TOKEN: token }, cwd: "/" })).toThrow(new TargetError("token", told));
    expect(() => createWebClient({ address: "http://windlass.example", token })).toThrow(new TypeError(told));
  });

  it("of no address is told", () => {
    const address = { value: "ftp://x", source: "address" };
    expect(() => targetOf({ env: {}, cwd: "/", address })).toThrow(
      'address "ftp://x" is not an address; give one like http://127.0.0.1:8265',
    );
  });
});

it("what is said of errors is nothing where they are not from Windlass", () => {
  for (const error of [undefined, null, "text", new Error("x"), new ConnectError("x", Code.Aborted)]) {
    expect([reasonOf(error), metadataOf(error), violationsOf(error)]).toEqual([undefined, {}, []]);
  }
});

it("a config with a text for a number is told, too", () => {
  const document = { deployments: [{ name: "A", max_ongoing_requests: "many" }] };
  expect(() => applicationConfig(document)).toThrow(/^the config does not fit a message: .*"many"/);
});

it.each([
  { document: { nope: 1 }, says: "nope is not known" },
  { document: { deployments: [{ name: "A", nope: 1 }] }, says: "deployments[0].nope is not known" },
  { document: { deployments: ["A"] }, says: 'deployments[0] must be an object, got "A"' },
  { document: [], says: "it must be an object, got []" },
  { document: { explicit_nulls: [] }, says: "explicit_nulls is not known" },
])("a config that no message can hold is told: $says", ({ document, says }) => {
  expect(() => applicationConfig(document)).toThrow(new TypeError(`the config does not fit a message: ${says}`));
});
