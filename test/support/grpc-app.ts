/** What gRPC tests deploy: the same behaviour on Connect's router and on grpc-js, by the name that is sent. */
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import * as grpcJs from "@grpc/grpc-js";
import {
  BackPressureError,
  deployment,
  type GrpcServer,
  getMultiplexedModelId,
  grpc,
  RequestTimeoutError,
} from "windlass";
import { Greeter, type HelloRequest } from "../../examples/grpc/greeter_pb.ts";
import { grpcServiceDefinition } from "../../src/grpc/definition.ts";

const heard = (what: string): void => console.log(`heard: ${what}`);

class Connected {
  /** Named as in the .proto. */
  async SayHello({ name }: HelloRequest, context: HandlerContext) {
    switch (name) {
      case "status":
        throw new ConnectError("no such friend", Code.NotFound, { "x-why": "never met" });
      case "error":
        throw new Error("it's broken: ä");
      case "late":
        throw new RequestTimeoutError("the model took too long");
      case "full":
        throw new BackPressureError("too many", { retryAfterS: 1.5 });
      case "die":
        process.exit(1);
        break;
      case "hang":
        heard("hang");
        await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
        heard("abort");
        throw context.signal.reason;
      case "heavy":
        context.responseTrailer.set("x-tail", "t".repeat(70_000));
        break;
      case "metadata":
        context.responseHeader.set("x-head", "h");
        context.responseTrailer.set("x-tail-bin", "AAEC");
        return { message: JSON.stringify(Object.fromEntries(context.requestHeader)) };
    }
    return { message: /^\d+$/.test(name) ? "x".repeat(Number(name)) : `${getMultiplexedModelId()}${name.length}` };
  }

  async *spell({ name }: HelloRequest, { signal }: HandlerContext) {
    for (const letter of name) {
      if (letter === "!") throw new Error("no more");
      // Ends as it was told to, or a call at its very deadline might still end well.
      if (letter === "?")
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      if (letter === "#") process.exit(1);
      yield { message: letter };
    }
  }

  async greetAll(requests: AsyncIterable<HelloRequest>) {
    let bytes = 0;
    for await (const { name } of requests) {
      if (name === "enough") return { message: "enough" };
      if (name === "part") heard("part");
      bytes += name.length;
    }
    heard("all");
    return { message: String(bytes) };
  }

  async *chat(requests: AsyncIterable<HelloRequest>) {
    for await (const { name } of requests) {
      // Reads no further.
      if (name === "stop") await new Promise(() => {});
      yield { message: name };
    }
  }
}

type Unary = grpcJs.ServerUnaryCall<HelloRequest, { message: string }>;
type Reads = grpcJs.ServerReadableStream<HelloRequest, { message: string }>;
type Writes = grpcJs.ServerWritableStream<HelloRequest, { message: string }>;
type Both = grpcJs.ServerDuplexStream<HelloRequest, { message: string }>;
type Answer = grpcJs.sendUnaryData<{ message: string }>;

class Js {
  readonly prefix = "";

  routes(server: GrpcServer): void {
    server.addService(grpcServiceDefinition(Greeter), {
      sayHello: (call: Unary, callback: Answer) => this.#sayHello(call, callback),
      spell: async (call: Writes) => {
        for (const letter of call.request.name) {
          if (letter === "!") throw new Error("no more");
          if (letter === "?") return;
          if (letter === "#") process.exit(1);
          call.write({ message: letter });
        }
        call.end();
      },
      greetAll: (call: Reads, callback: Answer) => {
        let bytes = 0;
        call.on("data", ({ name }: HelloRequest) => {
          if (name === "enough") callback(null, { message: "enough" });
          if (name === "part") heard("part");
          bytes += name.length;
        });
        call.on("end", () => {
          heard("all");
          callback(null, { message: String(bytes) });
        });
      },
      chat: (call: Both) => {
        call.on("data", ({ name }: HelloRequest) => {
          // Reads no further.
          if (name === "stop") call.pause();
          else call.write({ message: name });
        });
        call.on("end", () => call.end());
      },
    });
  }

  #sayHello(call: Unary, callback: Answer): void {
    const { name } = call.request;
    const metadata = new grpcJs.Metadata();
    switch (name) {
      case "status":
        metadata.set("x-why", "never met");
        callback({ code: grpcJs.status.NOT_FOUND, details: "no such friend", metadata });
        return;
      case "error":
        throw new Error("it's broken: ä");
      case "late":
        callback(new RequestTimeoutError("the model took too long"));
        return;
      case "full":
        callback(new BackPressureError("too many", { retryAfterS: 1.5 }));
        return;
      case "die":
        process.exit(1);
        break;
      case "hang":
        heard("hang");
        call.on("cancelled", () => heard("abort"));
        return;
      case "heavy":
        metadata.set("x-tail", "t".repeat(70_000));
        callback(null, { message: "5" }, metadata);
        return;
      case "metadata": {
        metadata.set("x-head", "h");
        call.sendMetadata(metadata);
        const trailers = new grpcJs.Metadata();
        trailers.set("x-tail-bin", Buffer.from([0, 1, 2]));
        callback(null, { message: JSON.stringify(call.metadata.getMap()) }, trailers);
        return;
      }
    }
    callback(null, {
      message: /^\d+$/.test(name) ? "x".repeat(Number(name)) : `${getMultiplexedModelId()}${name.length}`,
    });
  }
}

/** One root, to have both in one application. */
class Root {
  readonly children: readonly unknown[];

  constructor(...children: object[]) {
    this.children = children;
  }
}

export const connected = deployment(grpc(Connected, Greeter)).bind();
export const js = deployment(grpc(Js, (server, instance) => instance.routes(server))).bind();
export const plain = deployment(function hello() {
  return "hello";
}).bind();
export const app = deployment(Root).bind(connected, js);
