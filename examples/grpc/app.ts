// A gRPC service on a class: its methods are named like the service's.
// greeter_pb.ts is generated from greeter.proto by `buf generate` with protoc-gen-es.
import type { HandlerContext } from "@connectrpc/connect";
import { deployment, grpc } from "windlass";
import { Greeter, type HelloRequest } from "./greeter_pb.ts";

class Greetings {
  sayHello({ name }: HelloRequest) {
    return { message: `Hello, ${name}!` };
  }

  async *spell({ name }: HelloRequest, { signal }: HandlerContext) {
    for (const letter of name) {
      if (signal.aborted) return;
      yield { message: `Give me a ${letter}!` };
    }
  }

  async greetAll(requests: AsyncIterable<HelloRequest>) {
    const names: string[] = [];
    for await (const { name } of requests) names.push(name);
    return { message: `Hello, ${names.join(" and ")}!` };
  }

  async *chat(requests: AsyncIterable<HelloRequest>) {
    for await (const { name } of requests) yield { message: `Hello, ${name}!` };
  }
}

export const app = deployment(grpc(Greetings, Greeter)).bind();
