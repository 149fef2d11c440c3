import { describe, expect, it, vi } from "vitest";
import {
  BackPressureError,
  batch,
  type DeploymentHandle,
  type DeploymentResponse,
  DeploymentUnavailableError,
  deployment,
  getMultiplexedModelId,
  getReplicaContext,
  getRequestContext,
  multiplexed,
  RemoteError,
  RequestCancelledError,
  RequestTimeoutError,
} from "../../src/sdk/index.ts";
import { runLocal } from "../../src/testing/index.ts";

class OwnError extends Error {
  override name = "OwnError";
}

class Back {
  readonly factor: number;
  readonly where: string;
  aborted = 0;
  constructor(factor = 2) {
    this.factor = factor;
    const { appName, deployment: name, servableObject } = getReplicaContext();
    this.where = `${appName}/${name}/${servableObject === null}`;
  }
  double(x: number): number {
    return x * this.factor;
  }
  place(): string[] {
    const { servableObject, deployment: name } = getReplicaContext();
    return [this.where, name, String(servableObject === this)];
  }
  mutate(list: number[]): number[] {
    list.push(1);
    return list;
  }
  fail(kind: string): never {
    if (kind === "range") throw new RangeError("too far");
    if (kind === "full") throw new BackPressureError("too many", { statusCode: 429, retryAfterS: 3 });
    throw new OwnError("mine");
  }
  unsendable(): () => void {
    return () => {};
  }
  async *count(to: number): AsyncGenerator<number> {
    try {
      for (let i = 0; i < to; i++) yield i;
    } finally {
      this.aborted++;
    }
  }
  async *broken(): AsyncGenerator<number> {
    yield 1;
    throw new RangeError("at two");
  }
  async hang(): Promise<void> {
    await new Promise(() => {});
  }
  model(): string {
    return getMultiplexedModelId();
  }
  left(): number {
    return this.aborted;
  }
}

class Front {
  readonly back: DeploymentHandle<Back>;
  greeting = "hello";
  disposed = false;
  constructor(back: DeploymentHandle<Back>) {
    this.back = back;
  }
  reconfigure(config: { greeting: string }): void {
    this.greeting = config.greeting;
  }
  async chain(x: number): Promise<number> {
    return await this.back.double.remote(this.back.double.remote(x));
  }
  async fan(xs: number[]): Promise<number[]> {
    return await Promise.all(xs.map((x) => this.back.double.remote(x)));
  }
  async chained(): Promise<string> {
    const failing = this.back.fail.remote("range") as unknown as DeploymentResponse<number>;
    return await this.back.double.remote(failing).then(
      () => "no error",
      (error: Error) => `${error.name}: ${error.message}`,
    );
  }
  async fetch(request: Request): Promise<Response | object> {
    const { pathname } = new URL(request.url);
    if (pathname === "/fail") throw new OwnError("secret");
    if (pathname === "/full") return { never: await this.back.fail.remote("full") };
    if (pathname === "/json") return { by: this.greeting };
    if (pathname === "/echo") return new Response(request.body, { status: 201, headers: { "x-own": "1" } });
    if (pathname === "/stream") {
      const items = this.back.options({ stream: true }).count.remote(3);
      const lines = (async function* () {
        for await (const item of items) yield `${item}\n`;
      })();
      return new Response(ReadableStream.from(lines).pipeThrough(new TextEncoderStream()));
    }
    return new Response(this.greeting);
  }
}

const back = deployment(Back).bind(3);
const front = deployment(Front).bind(back);
const start = () => runLocal(front, { onError: () => {} });

describe("an application in one process", () => {
  it("composes deployments: arguments that are running calls, fan-out, and the failure of an argument", async () => {
    await using app = await start();
    expect(await app.handle.chain.remote(1)).toBe(9);
    expect(await app.handle.fan.remote([1, 2, 3])).toEqual([3, 6, 9]);
    expect(await app.handle.chained.remote()).toBe("RangeError: too far");
  });

  it("answers requests as a replica behind a proxy does", async () => {
    await using app = await start();
    const plain = await app.fetch("/", { headers: { "x-request-id": "r1" } });
    expect([plain.status, await plain.text(), plain.headers.get("x-request-id")]).toEqual([200, "hello", "r1"]);
    const json = await app.fetch("/json");
    expect([json.headers.get("content-type"), await json.json()]).toEqual(["application/json", { by: "hello" }]);
    const echo = await app.fetch("/echo", { method: "POST", body: "back" });
    expect([echo.status, echo.headers.get("x-own"), await echo.text()]).toEqual([201, "1", "back"]);
    expect(await (await app.fetch("http://somewhere/stream")).text()).toBe("0\n1\n2\n");
  });

  it("tells clients nothing of errors in user code, and its author everything", async () => {
    const onError = vi.fn();
    await using app = await runLocal(front, { onError });
    const failed = await app.fetch("/fail");
    expect([failed.status, await failed.text()]).toEqual([500, "Internal Server Error"]);
    expect(onError.mock.calls).toEqual([[expect.any(OwnError)]]);
    const full = await app.fetch("/full");
    expect([full.status, full.headers.get("retry-after"), await full.text()]).toEqual([429, "3", "too many"]);
    expect(onError).toHaveBeenCalledTimes(1);
  });

  it("cancels what a request began when its client leaves", async () => {
    const begun = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    class Slow {
      async fetch(request: Request): Promise<Response> {
        request.signal.addEventListener("abort", () => aborted.resolve());
        begun.resolve();
        await aborted.promise;
        return new Response("late");
      }
    }
    await using app = await runLocal(deployment(Slow).bind());
    const client = new AbortController();
    const answer = app.fetch("/", { signal: client.signal });
    await begun.promise;
    client.abort(new Error("left"));
    await expect(answer).rejects.toThrow("left");
    await aborted.promise;
    await expect(app.fetch("/", { signal: client.signal })).rejects.toThrow("left");
  });

  it("lets methods that handles call know their request, and hear that nobody waits for it any more", async () => {
    const begun = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    class Slow {
      async work(): Promise<string> {
        const { requestId, multiplexedModelId, signal } = getRequestContext()!;
        if (multiplexedModelId !== "") return `${requestId} ${multiplexedModelId}`;
        signal.addEventListener("abort", () => aborted.resolve());
        begun.resolve();
        await aborted.promise;
        return "late";
      }
    }
    await using app = await runLocal(deployment(Slow).bind());
    expect(getRequestContext()).toBe(undefined);
    const named = app.handle.options({ multiplexedModelId: "m" }).work.remote();
    expect(await named).toBe(`${named.requestId} m`);
    const response = app.handle.work.remote();
    await begun.promise;
    response.cancel();
    await expect(response).rejects.toThrow(RequestCancelledError);
    await aborted.promise;
  });

  it("copies what travels, and refuses what could not", async () => {
    await using app = await start();
    const handle = app.deployment<Back>("Back");
    const list = [0];
    expect(await handle.mutate.remote(list)).toEqual([0, 1]);
    expect(list).toEqual([0]);
    await expect(handle.unsendable.remote()).rejects.toThrow(/^the result of unsendable cannot be sent/);
    await expect(handle.double.remote((() => 1) as never)).rejects.toThrow(
      /^an argument of Back.double cannot be sent/,
    );
  });

  it("says what to do about a running call inside of an argument, and about options that are none", async () => {
    await using app = await start();
    const handle = app.deployment<Back>("Back");
    const nested = handle.mutate.remote([handle.double.remote(1)] as unknown as number[]);
    await expect(nested).rejects.toThrow(
      "an argument of Back.mutate cannot be sent to another replica: it holds a running call; await that, or pass it as an argument of its own",
    );
    expect(() => handle.options({ timeout: 3 } as never)).toThrow(
      'handle.options() has no option "timeout": did you mean "timeoutS"?',
    );
    for (const priority of [10, 1.5, "urgent", Number.NaN]) {
      expect(() => handle.options({ priority: priority as number })).toThrow(
        `priority must be "low", "normal", "high" or a whole number from -9 to 9, not ${priority}`,
      );
    }
    for (const option of ["sessionId", "multiplexedModelId"]) {
      expect(() => handle.options({ [option]: 5 } as never)).toThrow(`${option} must be text, not number: 5`);
      expect(() => handle.options({ [option]: "a\nb" })).toThrow(
        `${option} must have no control characters, not "a\\nb"`,
      );
      expect(await handle.options({ [option]: "a\tü€ \u0085" }).double.remote(1)).toBeTypeOf("number");
    }
    await expect(runLocal(front, { userConfg: {} } as never)).rejects.toThrow(
      'runLocal() has no option "userConfg": did you mean "userConfig"?',
    );
    for (const timeoutS of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "2" as never]) {
      expect(() => handle.options({ timeoutS })).toThrow(`not ${timeoutS}; leave it out for no limit`);
    }
  });

  it("throws errors as they arrive over the wire, with the place where they were thrown", async () => {
    await using app = await start();
    const handle = app.deployment<Back>("Back");
    await expect(handle.fail.remote("range")).rejects.toThrow(RangeError);
    await expect(handle.fail.remote("full")).rejects.toMatchObject({ statusCode: 429, retryAfterS: 3 });
    const own = await handle.fail.remote("own").catch((error: unknown) => error);
    expect(own).toBeInstanceOf(RemoteError);
    expect(own).toMatchObject({ name: "OwnError", message: "mine", stack: expect.stringContaining("Back.fail") });
    const wrong = (handle as unknown as DeploymentHandle<{ no(): void }>).no.remote();
    await expect(wrong).rejects.toThrow(/^there is no method "no"; available: broken, count, double/);
  });

  it("streams items, and a reader that leaves ends the generator", async () => {
    await using app = await start();
    const handle = app.deployment<Back>("Back");
    const streaming = handle.options({ stream: true });
    const seen: number[] = [];
    for await (const item of streaming.count.remote(5)) {
      seen.push(item);
      if (item === 1) break;
    }
    expect([seen, await handle.left.remote()]).toEqual([[0, 1], 1]);
    const broken: number[] = [];
    await expect(
      (async () => {
        for await (const item of streaming.broken.remote()) broken.push(item);
      })(),
    ).rejects.toThrow(new RangeError("at two"));
    expect(broken).toEqual([1]);
    await expect(handle.count.remote(1)).rejects.toThrow("Back.count returns a stream");
    const none = (streaming as unknown as DeploymentHandle<{ double(x: number): number[] }, true>).double.remote(1);
    await expect(none[Symbol.asyncIterator]().next()).rejects.toThrow("Back.double does not return a stream");
  });

  it("cancels calls and ends those that take too long", async () => {
    await using app = await start();
    const handle = app.deployment<Back>("Back");
    const response = handle.hang.remote();
    expect(response.cancelled).toBe(false);
    response.cancel();
    await expect(response).rejects.toThrow(RequestCancelledError);
    expect(response.cancelled).toBe(true);
    const late = handle.options({ timeoutS: 0.01 }).hang.remote();
    await expect(late).rejects.toThrow(new RequestTimeoutError("Back.hang took longer than 0.01 s"));
  });

  it("says in each deployment where it runs", async () => {
    await using app = await runLocal(front, { name: "mine" });
    expect(await app.deployment<Back>("Back").place.remote()).toEqual(["mine/Back/true", "Back", "true"]);
    expect(() => getReplicaContext()).toThrow("only inside a replica");
    expect(() => app.deployment("Bakc")).toThrow('has no deployment "Bakc": did you mean "Back"?');
  });

  it("configures as a deploy does", async () => {
    await using app = await runLocal(front, { userConfig: { Front: { greeting: "hi" } } });
    expect(await (await app.fetch("/")).text()).toBe("hi");
    await app.reconfigure("Front", { greeting: "hey" });
    expect(await (await app.fetch("/")).text()).toBe("hey");
    await expect(app.reconfigure("Back", 1)).rejects.toThrow("Back has no method reconfigure(userConfig)");
    await expect(runLocal(front, { userConfig: { Nobody: 1 } })).rejects.toThrow('has no deployment "Nobody"');
  });

  it("fails as a replica that cannot start, having let go of what was begun", async () => {
    const ended: string[] = [];
    class Fine {
      call() {}
      [Symbol.asyncDispose](): void {
        ended.push("fine");
      }
    }
    class Ill {
      readonly fine: DeploymentHandle<Fine>;
      constructor(fine: DeploymentHandle<Fine>) {
        this.fine = fine;
      }
      checkHealth(): void {
        throw new OwnError("ill");
      }
    }
    await expect(runLocal(deployment(Ill).bind(deployment(Fine).bind()))).rejects.toThrow(new OwnError("ill"));
    expect(ended).toEqual(["fine"]);
  });

  it("is over when it was stopped", async () => {
    const app = await start();
    await Promise.all([app.stop(), app.stop()]);
    await expect(app.handle.chain.remote(1)).rejects.toThrow(DeploymentUnavailableError);
  });

  it("batches and keeps models, time after time", async () => {
    const events: string[] = [];
    const model = multiplexed({ unload: (name: string) => events.push(`unload ${name}`) }, (id) => {
      events.push(`load ${id}`);
      return id;
    });
    class Shared {
      sum = batch({ maxBatchSize: 3, batchWaitTimeoutS: 5 }, (xs: number[]) => xs.map((x) => [x, xs.length]));
      async model(): Promise<string> {
        return await model();
      }
    }
    const application = deployment(Shared).bind();
    for (const round of ["one", "two"]) {
      await using app = await runLocal(application);
      const sums = await Promise.all([1, 2, 3].map((x) => app.handle.sum.remote(x)));
      expect(sums).toEqual([
        [1, 3],
        [2, 3],
        [3, 3],
      ]);
      expect(await app.handle.options({ multiplexedModelId: round }).model.remote()).toBe(round);
    }
    expect(events).toEqual(["load one", "unload one", "load two", "unload two"]);
  });
});
