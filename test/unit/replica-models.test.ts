/** Batches and models in a replica process: docs/sdk.md's examples, and what the replica tells of them. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readMetrics } from "../../src/observability/metric-message.ts";
import { open, type Running, send, startReady, until } from "../support/replica-process.ts";

const page = readFileSync(new URL("../../docs/sdk.md", import.meta.url), "utf8");

/** The code of a section, in order. */
function examples(title: string): string[] {
  const section = new RegExp(`## ${title}\n([\\s\\S]*?)(?=\n## |$)`).exec(page)![1]!;
  return [...section.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, source]) => source!);
}

const asking = (id: string) => ({ method: "POST", body: "hello", headers: { serve_multiplexed_model_id: id } });

describe("docs/sdk.md, Batching", () => {
  it("has an example in which requests share a run of the model", async () => {
    const source = examples("Batching")[0]!.replace("batchWaitTimeoutS: 0.01", "batchWaitTimeoutS: 60");
    const running = await startReady({ source, deployment: "Embedder", maxOngoing: 16 });
    const texts = Array.from({ length: 8 }, (_, i) => "x".repeat(i));
    const answers = await Promise.all(texts.map((body) => send(running, { method: "POST", path: "/", body })));
    expect(answers.map(({ body }) => JSON.parse(String(body)))).toEqual(texts.map(({ length }) => [length, 8]));
    expect(running.output()).not.toContain("max_ongoing_requests");
  });

  it("has an example in which each caller reads a stream of its own", async () => {
    const running = await startReady({ source: examples("Batching")[1]!, deployment: "Speller" });
    const words = ["a", "longer", "word"];
    const answers = await Promise.all(words.map((word) => send(running, { path: `/?word=${word}` })));
    expect(answers.map(({ body }) => String(body))).toEqual(words);
  });
});

describe("docs/sdk.md, Multiplexing", () => {
  it("has an example whose models are those that requests name; the replica tells of them and counts them", async () => {
    const running = await startReady({ source: examples("Multiplexing")[0]!, deployment: "Translator" });
    for (const id of ["fr", "de", "fr", "it"]) {
      expect(String((await send(running, asking(id))).body)).toBe(`${id}: hello`);
    }
    await running.status(({ models }) => models?.modelIds.join() === "fr,it");
    const counted = await metricsOf(running);
    const loads = counted.find(({ name }) => name === "serve_multiplexed_models_load_counter");
    expect(loads?.series).toEqual([{ labels: [], value: 3 }]);
    const latency = counted.find(({ name }) => name === "serve_multiplexed_model_load_latency_ms");
    expect(latency?.series[0]?.counts?.reduce((a, b) => a + b)).toBe(3);
    const missing = await send(running, { method: "POST", body: "hello" });
    expect(missing.status).toBe(500);
    expect(running.output()).toContain("no model id: the request needs the header serve_multiplexed_model_id");
  });
});

/** What it tells to a controller that has just come. */
async function metricsOf({ client, spec }: Running) {
  for await (const { metrics } of client.attach({ spec })) return readMetrics(metrics!);
  throw new Error("it said nothing");
}

describe("a replica", () => {
  it("unloads models when it ends, after its own disposer, and not under a request that has one", async () => {
    const source = `import { deployment, multiplexed } from "windlass";
      class App {
        model = multiplexed(
          { maxNumModelsPerReplica: 1, unload: (_: unknown, id: string) => console.log("unloaded", id) },
          async (id: string) => id,
        );
        go!: () => void;
        open = new Promise<void>((resolve) => { this.go = resolve; });
        async fetch(request: Request) {
          const model = await this.model();
          console.log("has", model);
          if (request.url.endsWith("/wait")) await this.open;
          if (request.url.endsWith("/go")) this.go();
          return new Response(model);
        }
        [Symbol.asyncDispose]() { console.log("disposed"); return Promise.resolve(); }
      }
      export const app = deployment(App).bind();`;
    const running = await startReady({ source });
    const { spec, output } = running;
    const waiting = open(spec.dataSocket, { path: "/wait", headers: { serve_multiplexed_model_id: "a" } }).answer;
    await until(() => output().includes("has a"), output);
    await send(running, { headers: { serve_multiplexed_model_id: "b" } });
    expect(output()).not.toContain("unloaded");
    await send(running, { path: "/go", headers: { serve_multiplexed_model_id: "b" } });
    expect(String((await waiting).body)).toBe("a");
    await until(() => output().includes("unloaded a"), output);
    await running.client.stop({});
    expect(await running.exited).toBe(0);
    expect([...output().matchAll(/unloaded \w|disposed/g)].map(([what]) => what)).toEqual([
      "unloaded a",
      "disposed",
      "unloaded b",
    ]);
  });

  it("warns where it lets in too few requests for full batches, by the name of the field", async () => {
    const source = `import { batch, deployment } from "windlass";
      class App {
        predict = batch({ maxBatchSize: 8, maxConcurrentBatches: 2 }, async (inputs: Request[]) => inputs.map(() => new Response()));
        fetch(request: Request) { return this.predict(request); }
      }
      export const app = deployment(App).bind();`;
    const { output } = await startReady({ source, maxOngoing: 15 });
    await until(() => /max_ongoing_requests is too low.* needed=16 function=predict/.test(output()), output);
  });

  it("serves a deployed function that is a batch by itself, and counts it by its name", async () => {
    const source = `import { batch, deployment } from "windlass";
      async function count(requests: Request[]) { return requests.map(() => new Response(String(requests.length))); }
      export const app = deployment(batch({ maxBatchSize: 2, batchWaitTimeoutS: 60 }, count)).bind();`;
    const running = await startReady({ source, deployment: "count" });
    const answers = await Promise.all([send(running), send(running)]);
    expect(answers.map(({ body }) => String(body))).toEqual(["2", "2"]);
    const sizes = (await metricsOf(running)).find(({ name }) => name === "serve_actual_batch_size");
    expect(sizes?.series).toMatchObject([{ labels: ["count"] }]);
  });
});
