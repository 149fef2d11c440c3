/**
 * The application behind all paths: what a request has done is in its order, whichever way that comes. It says what it
 * does in `dir`/said, a line each, and waits for files there.
 */
import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import {
  BackPressureError,
  type DeploymentHandle,
  DeploymentUnavailableError,
  deployment,
  getAppHandle,
  getRequestContext,
  grpc,
  RequestTimeoutError,
} from "windlass";
import { PathsService } from "./service.ts";

/** What is to be done. ASCII, since it travels in a header. */
export interface Order {
  readonly do: string;
  /** Names it in what is said. */
  readonly id: string;
  readonly error?: string;
}

/** Where a relay sends an order on to, and how. */
export interface Onward {
  readonly application: string;
  readonly model: string;
  readonly timeoutS: number | undefined;
}

/** What code knows of its request. */
export interface Facts {
  readonly requestId: string;
  readonly model: string;
}

type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

class Mine extends Error {
  override name = "Mine";
}

const ERRORS: Readonly<Record<string, () => unknown>> = {
  range: () => new RangeError("out of range"),
  mine: () => new Mine("of my own"),
  text: () => "not even an error",
  long: () => new Error("x".repeat(5_000)),
  full: () => new BackPressureError("too many", { statusCode: 429, retryAfterS: 1.5 }),
  unavailable: () => new DeploymentUnavailableError("nobody is there", { retryAfterS: 1.5 }),
  late: () => new RequestTimeoutError("it took too long"),
};

const text = (value: unknown): Uint8Array => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));

const facts = (): Facts => {
  const { requestId, multiplexedModelId: model } = getRequestContext()!;
  return { requestId, model };
};

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Says and hears by files. */
class Scene {
  readonly #dir: string;
  constructor(dir: string) {
    this.#dir = dir;
  }
  say(...words: unknown[]): void {
    appendFileSync(join(this.#dir, "said"), `${words.join(" ")}\n`);
  }
  /** Waits until it may go on; throws when the request is cancelled first. */
  async told(id: string): Promise<void> {
    const { signal } = getRequestContext()!;
    while (!this.may(id)) {
      if (signal.aborted) throw signal.reason;
      await sleep(10);
    }
  }
  may(id: string): boolean {
    return existsSync(join(this.#dir, `go-${id}`));
  }
  begin({ id }: Pick<Order, "id">): void {
    this.say("began", id, process.pid);
    getRequestContext()!.signal.addEventListener("abort", () => this.say("aborted", id));
  }
}

class Back {
  readonly #scene: Scene;
  constructor(dir: string) {
    this.#scene = new Scene(dir);
  }
  facts(): Facts {
    return facts();
  }
  async wait(id: string): Promise<void> {
    this.#scene.begin({ id: `${id}-back` });
    await this.#scene.told(id);
  }
}

class Paths {
  readonly #back: DeploymentHandle<Back>;
  readonly #scene: Scene;
  readonly #how: string;

  constructor(back: DeploymentHandle<Back>, dir: string, how: string) {
    this.#back = back;
    this.#scene = new Scene(dir);
    this.#how = how;
    if (how === "never") throw new Error("it never starts");
  }

  /** "held": not before it is told to start. */
  async checkHealth(): Promise<void> {
    while (this.#how === "held" && !this.#scene.may("start")) await sleep(10);
  }

  /** Over HTTP: the order is a header. */
  async fetch(request: Request): Promise<Response> {
    const order = JSON.parse(request.headers.get("x-order")!) as Order;
    if (order.do === "headers")
      return Response.json(Object.fromEntries(request.headers), {
        headers: { ...ANSWERED, connection: "x-left", "x-left": "1" },
      });
    const pieces = this.#work(order, request.body ?? []);
    if (request.headers.has("x-stream")) return new Response(ReadableStream.from(pieces) as ReadableStream<Uint8Array>);
    const value = await only(pieces);
    return value instanceof Uint8Array ? new Response(Buffer.from(value)) : (value as Response);
  }

  /** By a handle: a value. */
  async ask(order: Order, payload: Uint8Array): Promise<unknown> {
    return only(this.#work(order, [payload]));
  }

  /** By a handle: items. */
  tell(order: Order, payload: Uint8Array): AsyncGenerator<unknown> {
    return this.#work(order, [payload]);
  }

  /** Over gRPC, in all its kinds. */
  over(header: Headers, payload: Pieces): AsyncGenerator<unknown> {
    return this.#work(JSON.parse(header.get("x-order")!) as Order, payload);
  }

  async *#work(order: Order, payload: Pieces): AsyncGenerator<unknown> {
    const scene = this.#scene;
    scene.begin(order);
    try {
      switch (order.do) {
        case "echo":
          yield await whole(payload);
          return;
        case "take":
          await whole(payload);
          await scene.told(order.id);
          yield text("taken");
          return;
        case "object":
          yield { n: 1, when: new Date(0) };
          return;
        case "facts":
          yield text(facts());
          return;
        case "chain": {
          const back = await this.#back.facts.remote();
          yield text({ own: facts(), back });
          return;
        }
        case "wait":
          await scene.told(order.id);
          yield text("done");
          return;
        case "wait-back":
          await this.#back.wait.remote(order.id);
          yield text("done");
          return;
        case "throw":
          throw ERRORS[order.error!]!();
        case "early":
          yield text("early");
          return;
        case "three":
          yield text("one");
          await scene.told(order.id);
          yield text("two");
          yield text("three");
          return;
        case "break":
          yield text("one");
          await scene.told(order.id);
          throw ERRORS["range"]!();
        case "flood":
          for (let n = 1; n <= 320; n++) {
            yield Buffer.alloc(65_536, "f");
            if (n % 16 === 0) scene.say("made", order.id, n / 16);
          }
          return;
      }
      throw new TypeError(`there is no order "${order.do}"`);
    } finally {
      scene.say("ended", order.id);
    }
  }
}

/** What it says beside its answers; of a connection over HTTP alone. */
const ANSWERED = { "x-custom": "answered", "x-windlass-own": "1", "x-request-id": "mine" };

/** Sends orders on to the ingress of another application, from inside of a replica. */
class Relay {
  async ask(order: Order, payload: Uint8Array, to: Onward): Promise<unknown> {
    // What its type does not have.
    const paths = target(to) as DeploymentHandle<Paths & { absent: Paths["ask"] }>;
    return await (order.do === "absent" ? paths.absent : paths.ask).remote(order, payload);
  }
  async *tell(order: Order, payload: Uint8Array, to: Onward): AsyncGenerator<unknown> {
    yield* target(to).options({ stream: true }).tell.remote(order, payload);
  }
}

function target({ application, model, timeoutS }: Onward): DeploymentHandle<Paths> {
  return getAppHandle<Paths>(application).options({
    multiplexedModelId: model,
    ...(timeoutS === undefined ? {} : { timeoutS }),
  });
}

async function only(pieces: AsyncGenerator<unknown>): Promise<unknown> {
  const { value } = await pieces.next();
  await pieces.return(undefined);
  return value;
}

async function whole(pieces: Pieces): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

async function* valuesOf(requests: AsyncIterable<{ value: Uint8Array }>): AsyncGenerator<Uint8Array> {
  for await (const { value } of requests) yield value;
}

const message = (value: unknown) => (value instanceof Uint8Array ? { value } : (value as { value: Uint8Array }));

const Served = grpc(Paths, (server, paths) => {
  server.service(PathsService, {
    ask: async ({ value }, { requestHeader, responseHeader, responseTrailer }) => {
      const { do: what } = JSON.parse(requestHeader.get("x-order")!) as Order;
      if (what !== "headers") return message(await only(paths.over(requestHeader, [value])));
      for (const [name, said] of Object.entries(ANSWERED)) responseHeader.set(name, said);
      responseTrailer.set("x-tail", "told");
      return { value: text(Object.fromEntries(requestHeader)) };
    },
    async *tell({ value }, { requestHeader }) {
      for await (const piece of paths.over(requestHeader, [value])) yield message(piece);
    },
    take: async (requests, { requestHeader }) => message(await only(paths.over(requestHeader, valuesOf(requests)))),
  });
});

/** Its build does not end before the instance does. */
export const unbuilt = async ({ dir }: { dir: string }) => {
  while (existsSync(dir)) await sleep(50);
  return app({ dir });
};

/** `dir`: where it says and hears; `how`: "never" has it fail to start, "held" wait until it is told. */
export const app = ({ dir, how = "" }: { dir: string; how?: string }) =>
  deployment(Served, { name: "Paths", maxOngoingRequests: 100 }).bind(
    deployment(Back, { maxOngoingRequests: 100 }).bind(dir),
    dir,
    how,
  );

export const relay = deployment(Relay, { maxOngoingRequests: 200 }).bind();
