// Routes, path parameters, middleware, streams and errors by Hono (npm install hono).
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { type DeploymentHandle, deployment, getReplicaContext, ingress } from "windlass";
import { Stock } from "./stock.ts";

class Shop {
  readonly stock: DeploymentHandle<Stock>;

  constructor(stock: DeploymentHandle<Stock>) {
    this.stock = stock;
  }
}

function routes({ stock }: Shop) {
  // Paths are whole: the application's route prefix comes first.
  const app = new Hono().basePath("/shop");
  app.use(async (context, next) => {
    await next();
    context.header("x-replica", getReplicaContext().replicaId);
  });
  app.get("/fruits/:fruit", async (context) => {
    const fruit = context.req.param("fruit");
    return context.json({ fruit, cents: await stock.price.remote(fruit) });
  });
  app.get("/fruits/:fruit/ripening", (context) =>
    streamSSE(context, async (stream) => {
      const states = stock.options({ stream: true }).ripen.remote(context.req.param("fruit"));
      try {
        for await (const data of states) await stream.writeSSE({ data });
      } catch (error) {
        // That the client has left is no error.
        if (!stream.aborted) throw error;
      }
    }),
  );
  app.onError((error, context) => {
    if (error instanceof RangeError) return context.json({ error: error.message }, 404);
    // Windlass answers: 503 where Stock has too much to do, and 500, with a line in the log, for all else.
    throw error;
  });
  return app;
}

export const app = deployment(ingress(Shop, routes)).bind(deployment(Stock).bind());
