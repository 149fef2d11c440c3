// Routes, path parameters, hooks, streams and errors by Fastify (npm install fastify).
import { Readable } from "node:stream";
import Fastify from "fastify";
import { type DeploymentHandle, deployment, getReplicaContext, ingress, type NodeHandler } from "windlass";
import { Stock } from "./stock.ts";

class Shop {
  readonly stock: DeploymentHandle<Stock>;

  constructor(stock: DeploymentHandle<Stock>) {
    this.stock = stock;
  }
}

interface ByFruit {
  Params: { fruit: string };
}

function routes({ stock }: Shop): NodeHandler {
  const app = Fastify();
  app.addHook("onSend", async (_request, reply) => {
    reply.header("x-replica", getReplicaContext().replicaId);
  });
  // Paths are whole: the application's route prefix comes first.
  app.get<ByFruit>("/shop/fruits/:fruit", async ({ params: { fruit } }) => {
    return { fruit, cents: await stock.price.remote(fruit) };
  });
  app.get<ByFruit>("/shop/fruits/:fruit/ripening", (request, reply) => {
    async function* events() {
      const states = stock.options({ stream: true }).ripen.remote(request.params.fruit);
      for await (const state of states) yield `data: ${state}\n\n`;
    }
    return reply.type("text/event-stream").send(Readable.from(events()));
  });
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof RangeError) return reply.code(404).send({ error: error.message });
    // Fastify answers with the error's status code, 503 where Stock has too much to do, or with 500.
    return reply.send(error);
  });
  return async (request, response) => {
    await app.ready();
    app.routing(request, response);
  };
}

export const app = deployment(ingress(Shop, routes)).bind(deployment(Stock).bind());
