/** examples/support-desk as a whole: every way in, with ordinary clients, while replicas die and releases change. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { SortedTicketSchema, TicketSchema, WordSchema } from "../../examples/support-desk/desk_pb.ts";
import { LanguageModel } from "../../examples/support-desk/language-model.ts";
import { connectClient, converse, openSse, sortByHttp, type Word, wordsByWebsocket } from "../support/desk-clients.ts";
import { grpcClient, serverStream, unary } from "../support/grpc-client.ts";
import { reach } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";
import { dial } from "../support/websocket-client.ts";
import {
  api,
  application,
  clientEnv,
  eventually,
  ROOT,
  runningPids,
  runWindlass,
  startWindlass,
  type Windlass,
  waitForStatus,
} from "../support/windlass.ts";

const EXAMPLES = join(ROOT, "examples");
const SERVICE = "/desk.v1.SupportDesk";

/** Tickets, and what they are. */
const TICKETS = {
  "My parcel is late and ada@example.org got no tracking link.": { language: "en", topic: "delivery" },
  "Ich habe die Rechnung doppelt bezahlt.": { language: "de", topic: "billing" },
  "J'ai oublié mon mot de passe": { language: "fr", topic: "account" },
  "Quiero la devolución de mi dinero, me cobraron dos veces": { language: "es", topic: "billing" },
} as const;
const TEXTS = Object.keys(TICKETS) as (keyof typeof TICKETS)[];

let windlass: Windlass;
const atEnd: (() => unknown)[] = [];

/** The words that a model writes, without Windlass. */
function expectedWords(text: keyof typeof TICKETS): string[] {
  const path = join(EXAMPLES, "support-desk/texts", `${TICKETS[text].language}.txt`);
  return [...new LanguageModel(readFileSync(path, "utf8")).write(text, 12)];
}

/** Deploys the example with a pace of writing, and maybe as another release of all its code; resolves when it runs. */
async function deploy(wordMs: number, release = "1"): Promise<void> {
  const config = parse(readFileSync(join(EXAMPLES, "support-desk.yaml"), "utf8"));
  const [support] = config.applications;
  support.runtime_env = { env_vars: { RELEASE: release } };
  for (const each of support.deployments) {
    if (each.name !== "Languages") continue;
    each.user_config.word_ms = wordMs;
    each.autoscaling_config.downscale_delay_s = 2;
  }
  const headers = { "x-windlass-base-dir": EXAMPLES };
  const answer = await api(windlass, "/api/serve/applications/", { method: "PUT", headers, body: config });
  expect([answer.status, answer.text]).toEqual([200, ""]);
  await waitForStatus(windlass, "support", "RUNNING", 60_000);
}

/** Lines about a request that the replicas of a deployment wrote. */
async function linesOf(deployment: string, requestId: string): Promise<string[]> {
  const { text } = await api(windlass, `/api/v1/applications/support/logs?deployment=${deployment}&lines=10000`);
  return text.split("\n").filter((line) => line.includes(requestId));
}

/** Samples of a metric: labels and value. */
async function samples(metric: RegExp): Promise<{ labels: Record<string, string>; value: number }[]> {
  const { text } = await api(windlass, "/metrics");
  return text.split("\n").flatMap((line) => {
    const [, name, pairs = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined || !metric.test(name)) return [];
    const labels = Object.fromEntries([...pairs.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, label]) => [key!, label!]));
    return [{ labels, value: Number(value) }];
  });
}

async function textsOf(words: AsyncIterable<Word>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of words) texts.push(text);
  return texts;
}

/** Keeps calls of each kind under way; `stop` ends them and tells of each kind how many went well and what failed. */
function startStorm(calls: Record<string, (text: keyof typeof TICKETS) => Promise<unknown>>) {
  let going = true;
  const results = Object.keys(calls).map((kind) => ({ kind, ok: 0, failures: [] as string[] }));
  const workers = results.flatMap((result) =>
    [0, 1].map(async (worker) => {
      for (let i = worker; going; i++) {
        await calls[result.kind]!(TEXTS[i % TEXTS.length]!).then(
          () => (result.ok += 1),
          (error: unknown) => result.failures.push(String(error)),
        );
      }
    }),
  );
  return {
    results,
    /** Each kind has done so many calls more. */
    async more(count: number): Promise<void> {
      const before = results.map(({ ok }) => ok);
      await eventually(
        () => results.every(({ ok }, i) => ok >= before[i]! + count),
        () => JSON.stringify(results),
        60_000,
      );
    },
    async stop() {
      going = false;
      await Promise.all(workers);
      return results;
    },
  };
}

/** A call of each kind, all of which check what they get. */
function everyKind() {
  const desk = connectClient(windlass);
  const sorted = (text: keyof typeof TICKETS, answer: object) => expect(answer).toMatchObject(TICKETS[text]);
  const written = (text: keyof typeof TICKETS, words: string[]) => expect(words).toEqual(expectedWords(text));
  return {
    get: async (text) => sorted(text, await sortByHttp(windlass, text, "GET")),
    post: async (text) => sorted(text, await sortByHttp(windlass, text, "POST")),
    sse: async (text) => written(text, await textsOf((await openSse(windlass, text)).words)),
    // A client that is told 1001 connects again: the replica stops, others go on.
    websocket: async (text) => {
      const words = await wordsByWebsocket(windlass, text).catch((error: Error) => {
        if (error.message.endsWith("with 1001")) return wordsByWebsocket(windlass, text);
        throw error;
      });
      written(text, words);
    },
    unary: async (text) => sorted(text, await desk.sort({ text })),
    server: async (text) => written(text, await textsOf(desk.reply({ text }))),
    bidi: async (text) => {
      async function* twice() {
        yield { text };
        yield { text };
      }
      written(text, (await textsOf(desk.converse(twice()))).slice(12));
    },
  } satisfies Record<string, (text: keyof typeof TICKETS) => Promise<void>>;
}

beforeAll(async () => {
  const stateDir = join(
    tempDir((remove) => void atEnd.push(remove)),
    "state",
  );
  windlass = await startWindlass([], { stateDir, atEnd: (stop) => void atEnd.unshift(stop) });
  await deploy(50);
}, 90_000);

afterAll(async () => {
  for (const end of atEnd) await end();
});

describe("the support desk", () => {
  it.each(TEXTS)("%s: is sorted by a chain and a fan-out, alike over HTTP and gRPC", async (text) => {
    const byHttp = await sortByHttp(windlass, text, "POST");
    expect(byHttp).toMatchObject({ ...TICKETS[text], batchSize: 1 });
    expect(byHttp.text).toBe(text.replace("ada@example.org", "[e-mail]"));
    expect(byHttp.articles).toHaveLength(2);
    expect(byHttp.scores.map(({ language }) => language)).toEqual(["en", "de", "fr", "es"]);
    // The scores say which replica has the model; the others are the same everywhere.
    const { scores, ...sorted } = byHttp;
    const languages = scores.map(({ language, score }) => ({ language, score }));
    const byGrpcJs = await unary(grpcClient(windlass.grpc), `${SERVICE}/Sort`, TicketSchema, SortedTicketSchema, {
      text,
    });
    expect(byGrpcJs).toMatchObject({ code: 0, messages: [{ ...sorted, scores: languages }] });
    expect(await connectClient(windlass).sort({ text })).toMatchObject({ ...sorted, scores: languages });
  });

  it("classifies tickets that come together in batches of at most eight", async () => {
    const tickets = Array.from({ length: 24 }, (_, i) => TEXTS[i % TEXTS.length]!);
    const sorted = await Promise.all(tickets.map((text) => sortByHttp(windlass, text, "POST")));
    expect(sorted.map(({ language, topic }) => ({ language, topic }))).toEqual(tickets.map((text) => TICKETS[text]));
    const sizes = sorted.map(({ batchSize }) => batchSize);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(8);
    expect(Math.max(...sizes)).toBeGreaterThan(1);
    await eventually(async () => {
      const processed = await samples(/^serve_actual_batch_size_count$/);
      const alone = (await samples(/^serve_actual_batch_size_bucket$/)).find(({ labels }) => labels["le"] === "1");
      return processed.length === 1 && alone !== undefined && alone.value < processed[0]!.value;
    });
  });

  it("keeps the model of each language in one of the replicas, two in each, and sends calls there", async () => {
    const placesOf = async (): Promise<string[]> =>
      (await sortByHttp(windlass, TEXTS[0]!, "GET")).scores
        .map(({ language, replica }) => `${replica} ${language}`)
        .sort();
    // Steady once both proxies' desks have heard of all models.
    const places = await eventually(async () => {
      const first = await placesOf();
      for (let i = 0; i < 8; i++) if (String(await placesOf()) !== String(first)) return undefined;
      return first;
    });
    const replicas = places.map((place) => place.split(" ")[0]!);
    expect([...new Set(replicas)].map((id) => replicas.filter((each) => each === id).length)).toEqual([2, 2]);
    await eventually(async () => {
      const held = (await samples(/^serve_registered_multiplexed_model_id$/)).map(
        ({ labels }) => `${labels["replica"]} ${labels["model_id"]}`,
      );
      return JSON.stringify(held.sort()) === JSON.stringify(places);
    });
    expect((await samples(/^serve_num_multiplexed_models$/)).map(({ value }) => value)).toEqual([2, 2]);
  });

  it("writes the same words in the same order over server-sent events, a websocket and gRPC, all at once", async () => {
    const desk = connectClient(windlass);
    const raw = grpcClient(windlass.grpc);
    await Promise.all(
      TEXTS.map(async (text) => {
        const reply = serverStream(raw, `${SERVICE}/Reply`, TicketSchema, WordSchema, { text });
        const talk = converse(windlass, randomUUID());
        for (const _ of [1, 2]) talk.send(text);
        talk.call.end();
        const words = expectedWords(text);
        expect(await textsOf((await openSse(windlass, text)).words)).toEqual(words);
        expect(await wordsByWebsocket(windlass, text)).toEqual(words);
        expect(await textsOf(desk.reply({ text }))).toEqual(words);
        expect(await reply.answer).toMatchObject({ code: 0 });
        expect(reply.messages.map((word) => word.text)).toEqual(words);
        expect(reply.messages.map(({ last }) => last)).toEqual(words.map((_, i) => i === 11));
        expect(await talk.answer).toMatchObject({ code: 0 });
        expect(talk.messages.map((word) => word.text)).toEqual([...words, ...words]);
      }),
    );
  });

  it("stops writing when the reader leaves, whichever way it came", async () => {
    const text = TEXTS[0]!;
    const pids = await runningPids(windlass, "support", "Languages");
    await deploy(2_000);
    // Taken by reconfigure, without a restart.
    expect(await runningPids(windlass, "support", "Languages")).toEqual(pids);
    const [js, bidi] = [randomUUID(), randomUUID()];
    const sse = await openSse(windlass, text);
    const websocket = await dial(`${windlass.http}/desk/live`);
    websocket.socket.send(text);
    const ticket = [TicketSchema, WordSchema, { text }, { request_id: js }] as const;
    const reply = serverStream(grpcClient(windlass.grpc), `${SERVICE}/Reply`, ...ticket);
    const talk = converse(windlass, bidi);
    talk.send(text);
    // The first word is there, and eleven take 22 s.
    await sse.words.next();
    await eventually(() => [websocket, reply, talk].every((each) => (each.messages as unknown[]).length > 0));
    await sse.words.return(undefined);
    websocket.socket.terminate();
    reply.call.cancel();
    talk.call.cancel();
    const ofWebsocket = String(websocket.head["x-request-id"]);
    for (const id of [sse.requestId, ofWebsocket, js, bidi]) {
      const left = /nobody reads on after \d words/;
      await eventually(async () => (await linesOf("Languages", id)).some((line) => left.test(line)));
    }
    // That the listener was cancelled is no failure of the application's.
    const logged = await eventually(async () => {
      const lines = await linesOf("Desk", ofWebsocket);
      return lines.some((line) => line.includes("WS /desk 1006")) && lines;
    });
    expect(logged.filter((line) => line.includes("error"))).toEqual([]);
  });

  it("is scaled by what its replicas say of themselves", async () => {
    await deploy(60_000);
    const leaving = new AbortController();
    const replies = TEXTS.flatMap((text) => [text, text, text]).map((text) =>
      fetch(`${windlass.http}/desk/reply?text=${encodeURIComponent(text)}`, { signal: leaving.signal }),
    );
    for (const reply of replies) expect((await reply).status).toBe(200);
    // Twelve answers, four to a replica.
    await reach(windlass, "support", { Languages: 3 });
    await eventually(async () => (await runningPids(windlass, "support", "Languages")).length === 3);
    leaving.abort();
    await reach(windlass, "support", { Languages: 2 });
    await deploy(10);
  });

  it("a replica that is killed in the middle of it all costs no idempotent request, and others only their own", async () => {
    const storm = startStorm(everyKind());
    await storm.more(3);
    const [pid] = await runningPids(windlass, "support", "Desk");
    process.kill(pid!, "SIGKILL");
    await storm.more(5);
    for (const { kind, failures } of await storm.stop()) {
      // Two callers of each kind: what each had under way is all that can be lost.
      expect([kind, failures.length <= (kind === "get" ? 0 : 2), failures]).toEqual([kind, true, expect.anything()]);
    }
    await eventually(async () => {
      const pids = await runningPids(windlass, "support", "Desk");
      return pids.length === 2 && !pids.includes(pid!);
    });
  });

  it("a rolling update of every deployment in the middle of it all fails no request", async () => {
    const view = await waitForStatus(windlass, "support", "RUNNING", 60_000);
    const before = Object.values(view.deployments).flatMap(({ replicas }) => replicas.map((each) => each.replica_id));
    const storm = startStorm(everyKind());
    await storm.more(2);
    await deploy(10, "2");
    await eventually(
      async () => {
        const now = Object.values((await application(windlass, "support"))!.deployments);
        return now.every(
          ({ status, replicas }) => status === "HEALTHY" && replicas.every((each) => !before.includes(each.replica_id)),
        );
      },
      undefined,
      60_000,
    );
    await storm.more(2);
    for (const { kind, failures } of await storm.stop()) expect([kind, failures]).toEqual([kind, []]);
  });

  it("in the end nothing is under way, and the application runs", async () => {
    await eventually(async () => {
      const ongoing = await samples(/^serve_num_ongoing_(http|grpc)_requests$|^serve_autoscaling_total_requests$/);
      return ongoing.length >= 5 && ongoing.every(({ value }) => value === 0);
    });
    const status = await runWindlass(["status"], clientEnv(windlass));
    expect(status).toMatchObject({ code: 0, stdout: expect.stringMatching(/support.*\n.*status: RUNNING|RUNNING/) });
  });
});
