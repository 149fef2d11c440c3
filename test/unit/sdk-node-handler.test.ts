import { once } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { type NodeHandler, webHandlerOf } from "../../src/sdk/node-handler.ts";
import { type RequestContext, runtime } from "../../src/sdk/runtime.ts";

/** What a handler answers to a request. */
const answer = (handler: NodeHandler, path = "/", init: RequestInit & { duplex?: "half" } = {}): Promise<Response> =>
  webHandlerOf(handler)(new Request(`http://shop.test${path}`, init));

describe("a handler for Node's HTTP server", () => {
  it("gets method, path, headers and body, and what it answers arrives", async () => {
    const response = await answer(
      async (request, response) => {
        const body = Buffer.concat(await request.toArray()).toString();
        const { method, url, headers } = request;
        response.setHeader("set-cookie", ["a=1", "b=2"]);
        response.writeHead(201, "Made", { "content-type": "application/json" });
        response.end(JSON.stringify({ method, url, body, host: headers.host, x: headers["x-own"] }));
      },
      "/a%20b/c?d=%C3%A9",
      { method: "PUT", body: "hello", headers: { "x-own": "1" } },
    );
    expect([response.status, response.statusText, response.headers.getSetCookie()]).toEqual([
      201,
      "Made",
      ["a=1", "b=2"],
    ]);
    expect(response.headers.get("connection")).toBeNull();
    expect(await response.json()).toEqual({
      method: "PUT",
      url: "/a%20b/c?d=%C3%A9",
      body: "hello",
      host: "shop.test",
      x: "1",
    });
  });

  it.each([
    { init: { method: "GET" }, status: 204, body: "" },
    { init: { method: "GET" }, status: 304, body: "" },
    { init: { method: "HEAD" }, status: 200, body: "" },
    { init: { method: "POST" }, status: 404, body: "404" },
    { init: { method: "DELETE", body: "x" }, status: 200, body: "200" },
  ])("may answer $init.method with $status", async ({ init, status, body }) => {
    const response = await answer(
      (_request, response) => void response.writeHead(status).end(String(status)),
      "/",
      init,
    );
    expect([response.status, await response.text()]).toEqual([status, body]);
  });

  it("may use the memory of a piece again once it was told that it is written", async () => {
    const response = await answer(async (_request, response) => {
      const piece = Buffer.alloc(10_000);
      for (let i = 0; i < 50; i++) {
        piece.fill(i);
        await new Promise((done) => response.write(piece, done));
      }
      piece.fill("x");
      response.end();
    });
    // Slowly: pieces wait on their way.
    const pieces: Uint8Array[] = [];
    for await (const piece of response.body!) {
      pieces.push(piece);
      for (let i = 0; i < 10; i++) await new Promise(setImmediate);
    }
    const body = Buffer.concat(pieces);
    const expected = Buffer.concat(Array.from({ length: 50 }, (_, i) => Buffer.alloc(10_000, i)));
    expect(body.equals(expected)).toBe(true);
  });

  it("streams both ways: each piece is there before the next one is sent", async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const up = writable.getWriter();
    const answering = answer((request, response) => void request.pipe(response), "/", {
      method: "POST",
      body: readable,
      duplex: "half",
    });
    void up.write(Buffer.from("1"));
    const down = (await answering).body!.getReader();
    expect(Buffer.from((await down.read()).value!).toString()).toBe("1");
    void up.write(Buffer.from("2"));
    expect(Buffer.from((await down.read()).value!).toString()).toBe("2");
    void up.close();
    expect((await down.read()).done).toBe(true);
  });

  it("carries 32 MB up and down, and holds a fast writer back", async () => {
    let ahead = 0;
    let written = 0;
    const response = await answer(
      async (request, response) => {
        for await (const piece of request) {
          written += piece.length;
          if (!response.write(piece)) await once(response, "drain");
        }
        response.end();
      },
      "/",
      { method: "POST", body: new Uint8Array(32 << 20).fill(7) },
    );
    let read = 0;
    for await (const piece of response.body!) {
      read += piece.length;
      ahead = Math.max(ahead, written - read);
      expect(Buffer.from(piece).every((byte) => byte === 7)).toBe(true);
    }
    expect(read).toBe(32 << 20);
    expect(ahead).toBeLessThan(4 << 20);
  });

  it("may answer an upload without reading it", async () => {
    const response = await answer((_request, response) => void response.writeHead(413).end("too much"), "/", {
      method: "POST",
      body: new Uint8Array(8 << 20),
    });
    expect([response.status, await response.text()]).toEqual([413, "too much"]);
  });

  it("hears that its connection is closed when the request is cancelled, before and after the head", async () => {
    for (const writes of [false, true]) {
      const closed = Promise.withResolvers<boolean>();
      const begun = Promise.withResolvers<void>();
      const leaving = new AbortController();
      const answering = answer(
        (_request, response) => {
          response.once("close", () => closed.resolve(response.writableFinished));
          if (writes) response.write("first");
          begun.resolve();
        },
        "/",
        { signal: leaving.signal },
      );
      if (writes) {
        const reader = (await answering).body!.getReader();
        await reader.read();
        leaving.abort();
        await expect(reader.read()).rejects.toThrow();
      } else {
        await begun.promise;
        leaving.abort();
        await expect(answering).rejects.toThrow(/aborted/);
      }
      expect(await closed.promise).toBe(false);
    }
  });

  it("hears that its connection is closed when nobody reads its answer on", async () => {
    const closed = Promise.withResolvers<void>();
    const response = await answer((_request, response) => {
      response.once("close", closed.resolve);
      response.write("first");
    });
    await response.body!.cancel();
    await closed.promise;
  });

  it.each([
    [
      "throws",
      () => {
        throw new RangeError("no such shop");
      },
    ],
    [
      "rejects",
      async () => {
        throw new RangeError("no such shop");
      },
    ],
  ] satisfies [string, NodeHandler][])(
    "that %s before it has answered fails the request with its error",
    async (_how, handler) => {
      await expect(answer(handler)).rejects.toThrow(new RangeError("no such shop"));
    },
  );

  it("that throws after the head breaks the body, and one that hangs up fails the request", async () => {
    const broken = await answer(async (_request, response) => {
      response.write("first");
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error("late");
    });
    await expect(broken.text()).rejects.toThrow();
    await expect(answer((_request, response) => void response.destroy())).rejects.toThrow("socket hang up");
  });

  it("runs in the context of its request, as do its listeners, with many at once", async () => {
    const handle = webHandlerOf((request, response) => {
      const ids = [runtime().requests.getStore()?.requestId];
      request.on("data", () => ids.push(runtime().requests.getStore()?.requestId));
      request.on("end", () => {
        ids.push(runtime().requests.getStore()?.requestId);
        response.end(ids.join());
      });
    });
    const answers = Array.from({ length: 8 }, (_, i) => {
      const context = { requestId: `r${i}`, multiplexedModelId: "", signal: new AbortController().signal };
      const request = new Request("http://shop.test/", { method: "POST", body: "x" });
      return runtime().requests.run(context satisfies RequestContext, async () => (await handle(request)).text());
    });
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 8 }, (_, i) => `r${i},r${i},r${i}`));
  });

  it("may set what only sockets have", async () => {
    const called = vi.fn();
    const response = await answer((request, response) => {
      response.setTimeout(1_000);
      request.socket.setNoDelay(true);
      called();
      response.end("fine");
    });
    expect([await response.text(), called.mock.calls.length]).toEqual(["fine", 1]);
  });
});
