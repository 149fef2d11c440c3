// Checked by tsc alone: every line under "@ts-expect-error" must be an error, every other line must not.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { HandlerContext } from "@connectrpc/connect";
import { z } from "zod";
import { Greeter, type HelloRequest } from "../../examples/grpc/greeter_pb.ts";
import {
  type Application,
  type ApplicationBuilder,
  AutoscalingConfig,
  batch,
  builder,
  type DeploymentHandle,
  deployment,
  getAppHandle,
  getDeploymentHandle,
  getReplicaContext,
  getRequestContext,
  grpc,
  ingress,
  metrics,
  multiplexed,
  type PendingRequest,
  type ReplicaRanks,
  type RequestRouter,
  type RequestRouterClass,
  type RoutableReplica,
  rankByModels,
  selectAvailable,
} from "../../src/sdk/index.ts";

class Back {
  readonly factor: number;
  constructor(factor: number) {
    this.factor = factor;
  }
  double(x: number): number {
    return 2 * x * this.factor;
  }
  async greet(name: string, polite?: boolean): Promise<string> {
    return polite ? `Dear ${name}` : name;
  }
  async *count(to: number): AsyncGenerator<number> {
    for (let i = 0; i < to; i++) yield i;
  }
  call(text: string): Uint8Array {
    return new TextEncoder().encode(text);
  }
}

class Front {
  readonly back: DeploymentHandle<Back>;
  readonly more: { named: DeploymentHandle<Back>; list: DeploymentHandle<Back>[] };
  constructor(
    back: DeploymentHandle<Back>,
    more: { named: DeploymentHandle<Back>; list: DeploymentHandle<Back>[] },
    title = "x",
  ) {
    this.back = back;
    this.more = more;
    void title;
  }
  async fetch(request: Request): Promise<Response> {
    const doubled: number = await this.back.double.remote(1);
    const greeting: string = await this.back.greet.remote("a", true);
    const bytes: Uint8Array = await this.back.remote("text");
    const chained: number = await this.back.double.remote(this.back.double.remote(2));
    for await (const item of this.back.options({ stream: true }).count.remote(3)) {
      const number: number = item;
      void number;
    }
    // @ts-expect-error misspelt method
    void this.back.dubble.remote(1);
    // @ts-expect-error wrong argument
    void this.back.double.remote("1");
    // @ts-expect-error missing argument
    void this.back.greet.remote();
    // @ts-expect-error wrong result
    const wrong: string = await this.back.double.remote(1);
    // @ts-expect-error a call that is not awaited is no value
    const early: number = this.back.double.remote(1);
    // @ts-expect-error nor has it the value's methods
    void this.back.greet.remote("a").toUpperCase();
    // @ts-expect-error nor can one calculate with it
    void (this.back.double.remote(1) + 1);
    void early;
    // @ts-expect-error a method is called with remote
    void this.back.double(1);
    // @ts-expect-error a field is not a method
    void this.back.factor.remote();
    // @ts-expect-error a streaming response is not awaited
    void this.back.options({ stream: true }).count.remote(3).then;
    // @ts-expect-error unknown setting
    void this.back.options({ timeout: 3 });
    void this.back.options({ sessionId: "s" }).count.remote(3);
    // @ts-expect-error a session is text
    void this.back.options({ sessionId: 7 });
    return new Response(`${doubled} ${greeting} ${bytes.length} ${chained} ${wrong} ${request.url}`);
  }
}

const back = deployment(Back, { numReplicas: 2, rayActorOptions: { numCpus: 0.5 } }).bind(3);
const named: Application<Back> = back;
export const front = deployment(Front).bind(back, { named: back, list: [back, named] });

// @ts-expect-error the constructor needs a number
deployment(Back).bind("3");
// @ts-expect-error the constructor needs an argument
deployment(Back).bind();
// @ts-expect-error a front is not a back
deployment(Front).bind(front, { named: back, list: [] });
// @ts-expect-error unknown option
deployment(Back, { replicas: 2 });
// @ts-expect-error options are typed in depth
deployment(Back, { autoscalingConfig: { minReplicas: "1" } });
// @ts-expect-error not deployable
deployment(42);

const double = deployment((x: number) => 2 * x, { name: "double" });
export const caller = deployment(
  class Caller {
    readonly double: DeploymentHandle<(x: number) => number>;
    constructor(handle: DeploymentHandle<(x: number) => number>) {
      this.double = handle;
    }
    async call(): Promise<number> {
      // @ts-expect-error the function takes a number
      await this.double.remote("1");
      return await this.double.remote(1);
    }
  },
).bind(double.bind());

export const web = deployment(ingress({ fetch: () => new Response() })).bind();
export const routed = deployment(
  ingress(Back, (instance) => async () => new Response(String(instance.double(2)))),
).bind(1);
// @ts-expect-error Back has no fetch
ingress(Back);
export const node = deployment(
  ingress((request: IncomingMessage, response: ServerResponse) => response.end(request.url)),
).bind();
deployment(
  ingress(Back, (instance) => (_request: IncomingMessage, response) => response.end(String(instance.double(2)))),
).bind(1);
// @ts-expect-error: two arguments, but not those of Node's server
ingress((request: Request, name: string) => new Response(request.url + name));

export const id: string = getReplicaContext().replicaId;
export const aborted: boolean | undefined = getRequestContext()?.signal.aborted;
// @ts-expect-error there may be no request
export const requestId: string = getRequestContext().requestId;

// A typed builder: args are what the schema makes of them.
const sized = builder(z.object({ factor: z.coerce.number(), name: z.string().optional() }), (args) => {
  const factor: number = args.factor;
  const name: string | undefined = args.name;
  // @ts-expect-error no such arg
  void args.facto;
  void name;
  return deployment(Back).bind(factor);
});
export const typedBuilder: ApplicationBuilder<{ factor: unknown; name?: string | undefined }, Back> = sized;
export const builtBySchema: Promise<Application<Back>> = sized({ factor: 1 });
// @ts-expect-error a missing arg
void sized({});
// @ts-expect-error no schema
builder({}, () => deployment(Back).bind(1));
// @ts-expect-error an application must come out
builder(z.object({}), () => 3);
// A function of one parameter is a builder, too.
export const plainBuilder = (args: { factor: number }): Application<Back> => deployment(Back).bind(args.factor);

class Batching {
  readonly predict = batch({ maxBatchSize: 8 }, async (texts: string[]) =>
    texts.map((text) => (text === "" ? new Error("empty") : text.length)),
  );
  readonly pairs = batch(async (as: number[], bs: string[]) => as.map((a, i) => `${a}${bs[i]}`));
  readonly vectors = batch({ batchSizeFn: (texts) => texts.join("").length }, (texts: string[]) =>
    Float32Array.from(texts, Number),
  );
  readonly stream = batch({ stream: true }, async function* (words: string[]) {
    yield words.map((word) => (word === "" ? batch.done : word.length));
  });
  readonly model = multiplexed({ unload: (model) => model.close() }, async (id: string) => ({ id, close() {} }));
  async run(): Promise<string> {
    const length: number = await this.predict("text");
    const pair: string = await this.pairs(1, "b");
    const value: number = await this.vectors("1");
    for await (const item of this.stream("word")) {
      const letters: number = item;
      void letters;
    }
    // @ts-expect-error one value, not the list
    await this.predict(["text"]);
    // @ts-expect-error the second list is of strings
    await this.pairs(1, 2);
    // @ts-expect-error a stream is no promise
    void this.stream("word").then;
    const { id } = await this.model();
    // @ts-expect-error an id is a string
    await this.model(3);
    return `${length}${pair}${value}${id}`;
  }
}
// @ts-expect-error a single result for a list of inputs
batch({}, async (texts: string[]) => texts.length);
// @ts-expect-error a generator needs the option stream
batch({}, async function* (texts: string[]) {
  yield texts;
});
// @ts-expect-error unknown option
batch({ max_batch_size: 3 }, async (texts: string[]) => texts);
// @ts-expect-error the parameters are lists
batch({}, async (text: string) => [text]);
// @ts-expect-error a limit is a number
multiplexed({ maxNumModelsPerReplica: "3" }, async (id: string) => id);

deployment(
  class {
    readonly back: DeploymentHandle<Batching>;
    constructor(back: DeploymentHandle<Batching>) {
      this.back = back;
    }
    async call(): Promise<number> {
      for await (const item of this.back.options({ stream: true }).stream.remote("word")) void (item satisfies number);
      // @ts-expect-error handles call with single values, too
      await this.back.predict.remote(["text"]);
      return await this.back.predict.remote("text");
    }
  },
).bind(deployment(Batching).bind());

export async function byName(): Promise<void> {
  const number: number = await getDeploymentHandle<Back>("Back", "a").double.remote(1);
  const same: number = await getDeploymentHandle(deployment(Back)).double.remote(number);
  const called: Uint8Array = await getAppHandle<typeof back>("a").remote("text");
  const response: Response = await getAppHandle<typeof front>("a").fetch.remote(new Request("http://x"));
  const doubled: number = await getDeploymentHandle<typeof double>("double").remote(same);
  // @ts-expect-error misspelt
  void getDeploymentHandle<Back>("Back").dubble;
  // @ts-expect-error nothing is known of it
  void getDeploymentHandle("Back").double;
  // @ts-expect-error wrong argument
  void getAppHandle<typeof back>("a").double.remote("1");
  void [called, response, doubled];
}

class Ping {
  readonly pong = getDeploymentHandle<Pong>("Pong");
  readonly self = getDeploymentHandle<Ping>("Ping");
  async ping(): Promise<number> {
    return (await this.pong.pong.remote()) + (await this.self.ping.remote());
  }
}
class Pong {
  readonly ping: DeploymentHandle<Ping> = getDeploymentHandle<Ping>("Ping");
  async pong(): Promise<number> {
    // @ts-expect-error misspelt
    void this.ping.pin;
    return await this.ping.ping.remote();
  }
}
export const mutual = [deployment(Ping), deployment(Pong)] as const;

class Greets {
  readonly greeting: string;
  constructor(greeting: string) {
    this.greeting = greeting;
  }
  sayHello({ name }: HelloRequest, { signal }: HandlerContext) {
    return { message: `${this.greeting}, ${name}! ${signal.aborted}` };
  }
  async *Spell(_request: HelloRequest) {
    yield { message: "a" };
  }
}
class Deaf {
  sayHello(request: { other: number }) {
    return { message: String(request.other) };
  }
}
class Stranger {
  bye() {}
}
export function services(): void {
  const Greeting = grpc(Greets, Greeter);
  const app: Application<Greets> = deployment(Greeting).bind("Hello");
  // @ts-expect-error the constructor's argument
  deployment(Greeting).bind(1);
  // @ts-expect-error takes another request
  grpc(Deaf, Greeter);
  // @ts-expect-error has none of its methods
  grpc(Stranger, Greeter);
  // @ts-expect-error no services
  grpc(Greets);
  grpc((server) => server.service(Greeter, { sayHello: ({ name }) => ({ message: name }) }));
  grpc(Greets, (server, greets) => void server.service(Greeter, { sayHello: () => ({ message: greets.greeting }) }));
  // @ts-expect-error answers with something else
  grpc((server) => server.service(Greeter, { sayHello: () => 1 }));
  void app;
}

deployment(Back, { autoscalingConfig: new AutoscalingConfig({ minReplicas: 0, maxReplicas: 3 }) });
// @ts-expect-error options are typed
new AutoscalingConfig({ minReplica: 0 });

const counted = new metrics.Counter("t_c", { labels: ["kind", "shop", "route"], defaultLabels: { shop: "main" } });
counted.inc(1, { kind: "fruit" });
counted.inc(1, { kind: "fruit", shop: "other", route: "/x" });
// @ts-expect-error needs a kind
counted.inc(1);
// @ts-expect-error needs a kind
counted.inc(1, { shop: "other" });
// @ts-expect-error there is no such label
counted.inc(1, { kind: "fruit", color: "red" });
// @ts-expect-error values are text
counted.inc(1, { kind: 1 });
new metrics.Counter("t_p").inc();
new metrics.Gauge("t_g", { labels: ["route"] }).set(1);
new metrics.Histogram("t_h", { boundaries: [1, 2] }).observe(1);
// @ts-expect-error a gauge has no buckets
new metrics.Gauge("t_b", { boundaries: [1] });
// @ts-expect-error a default for what is no label
new metrics.Gauge("t_d", { labels: ["a"], defaultLabels: { b: "x" } });

/** A request router's ranks are made of the candidates. */
class Ranks implements RequestRouter {
  chooseReplicas(candidates: readonly RoutableReplica[], request: PendingRequest): ReplicaRanks {
    request.modelId satisfies string;
    return rankByModels(selectAvailable(candidates), request.modelId);
  }
}
Ranks satisfies RequestRouterClass;
class Ids {
  chooseReplicas(candidates: readonly RoutableReplica[]): string[][] {
    return [candidates.map(({ id }) => id)];
  }
}
// @ts-expect-error ids are no replicas
Ids satisfies RequestRouterClass;
