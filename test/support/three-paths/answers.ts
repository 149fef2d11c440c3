/** Cases: answers of all sizes, and what code knows of its request. */

import { eventually } from "../windlass.ts";
import type { Facts } from "./app.ts";
import { freshId } from "./columns.ts";
import { first, type Row, type Section, type Trial, textOf, WORDS } from "./table.ts";

const OK = { http: "200", grpc: "OK", handle: "value", why: WORDS } as const;
const WHOLE = "Arguments of handles come whole.";

const echo = (title: string, payload: () => Uint8Array): Row => ({
  title,
  gives: "the same bytes",
  async run(trial) {
    const bytes = payload();
    const sent = trial.send({ do: "echo" }, { payload: bytes });
    const end = await sent.end;
    return Buffer.concat(sent.pieces).equals(bytes) ? "the same bytes" : `${end}, other bytes`;
  },
});

/** Bytes that do not repeat soon. */
const bytes = (size: number): Uint8Array =>
  Buffer.alloc(
    size,
    Uint8Array.from({ length: 997 }, (_, i) => i & 0xff),
  );

const facts = (sent: { pieces: Buffer[] }): Facts => JSON.parse(Buffer.concat(sent.pieces).toString()) as Facts;

/** Answers. */
export const ANSWERS: Section = {
  title: "Answers",
  rows: [
    {
      title: "an answer",
      gives: OK,
      run: async (trial) => trial.send({ do: "early" }).end,
    },
    echo("no bytes, and back", () => bytes(0)),
    echo("1 byte, and back", () => bytes(1)),
    echo("64 KiB, and back", () => bytes(65_536)),
    echo("10 MB, and back", () => bytes(10_000_000)),
    echo("text in many scripts, and back", () => Buffer.from("ä Ж 漢字 👋🏽 \0 \ufeff \u2028")),
    {
      title: "an object that is returned, `{ n: 1, when: new Date(0) }`",
      gives: {
        http: '200 `{"n":1,"when":"1970-01-01T00:00:00.000Z"}`',
        grpc: "OK, a message without these fields",
        handle: "the object, its date a date",
        why: "HTTP has JSON, gRPC the message that its service declares, handles any value.",
      },
      async run(trial) {
        const sent = trial.send({ do: "object" });
        const end = await sent.end;
        if (trial.column.name === "grpc")
          return `${end}, a message ${textOf(sent) === "" ? "without" : "with"} these fields`;
        if (trial.column.name === "http") return `${end} \`${textOf(sent)}\``;
        return dated(sent.values[0]);
      },
    },
    {
      title: "pieces of an answer",
      gives: "in order, each as it is made",
      async run(trial) {
        const sent = trial.send({ do: "three" }, { stream: true });
        await first(sent);
        const early = textOf(sent);
        trial.go();
        await sent.end;
        return `${early} ${textOf(sent)}` === "one onetwothree" ? "in order, each as it is made" : textOf(sent);
      },
    },
    {
      title: "a reader that takes nothing",
      gives: "user code is held back, and nothing is lost",
      async run(trial) {
        const sent = trial.send({ do: "flood" }, { stream: true, slow: true });
        await trial.begun();
        const made = await held(trial);
        sent.resume();
        await sent.end;
        const came = sent.pieces.reduce((sum, { length }) => sum + length, 0);
        const lost = came === 320 * 65_536 ? "and nothing is lost" : `${came} bytes came`;
        return `user code is ${made < 10 ? "held back" : `${made} MiB ahead`}, ${lost}`;
      },
    },
    {
      title: "an upload in pieces, answered after its end",
      gives: { http: "200 onetwo", grpc: "OK onetwo", handle: null, why: WHOLE },
      async run(trial) {
        const sent = trial.send({ do: "echo" }, { upload: true });
        sent.more(Buffer.from("one"));
        await trial.begun();
        sent.more(Buffer.from("two"));
        sent.finish();
        return `${await sent.end} ${textOf(sent)}`;
      },
    },
    {
      title: "an upload that is answered before its end",
      gives: {
        http: "early",
        grpc: "early, OK",
        handle: null,
        why: `The rest of an upload is not waited for. ${WHOLE}`,
      },
      async run(trial) {
        const sent = trial.send({ do: "early" }, { upload: true });
        sent.more(Buffer.from("one"));
        await first(sent);
        if (trial.column.name === "http") {
          sent.cancel();
          return textOf(sent);
        }
        return `${textOf(sent)}, ${await sent.end}`;
      },
    },
  ],
};

function dated(value: unknown): string {
  const { n, when } = value as { n: unknown; when: unknown };
  return n === 1 && when instanceof Date ? "the object, its date a date" : JSON.stringify(value);
}

/** MiB that were made when no more were. */
async function held(trial: Trial): Promise<number> {
  let made = -1;
  await eventually(async () => {
    const before = made;
    // Others are served meanwhile, so it had its time.
    for (let i = 0; i < 5; i++) await trial.send({ do: "early", id: `${trial.id}-other` }).end;
    made = trial.stage.said(`made ${trial.id}`).length;
    return made === before;
  });
  return made;
}

const carried = ["x-custom", "x-dropped", "connection", "te", "x-windlass-secret", "x-bin-bin"];

/** Requests. */
export const CONTEXT: Section = {
  title: "What is known of a request",
  rows: [
    {
      title: "the id that a caller gives",
      gives: {
        http: "known to the code, and in the answer",
        grpc: "known to the code, and in the answer",
        handle: null,
        why: "Over HTTP it is `x-request-id`, over gRPC `request_id`. A call by a handle has that of the request it is made for.",
      },
      async run(trial) {
        const requestId = freshId();
        const sent = trial.send({ do: "facts" }, { requestId });
        await sent.end;
        const known = facts(sent).requestId === requestId ? "known to the code" : "lost";
        return `${known}, ${sent.requestId === requestId ? "and in the answer" : "not in the answer"}`;
      },
    },
    {
      title: "an id that no caller gives",
      gives: "is made, known to the code and to the caller",
      async run(trial) {
        const ids = new Set<string>();
        for (let i = 0; i < 2; i++) {
          const sent = trial.send({ do: "facts" });
          await sent.end;
          if (facts(sent).requestId === sent.requestId && sent.requestId !== "") ids.add(sent.requestId);
        }
        return ids.size === 2 ? "is made, known to the code and to the caller" : `${ids.size} ids`;
      },
    },
    {
      title: "the id of a failure",
      gives: {
        http: "in the answer",
        grpc: "in the answer",
        handle: "known to the caller",
        why: "`response.requestId`.",
      },
      async run(trial) {
        const sent = trial.send({ do: "throw", error: "range" });
        await sent.end;
        const known = sent.requestId !== "" ? "" : "not ";
        return `${known}${trial.column.name === "http" || trial.column.name === "grpc" ? "in the answer" : "known to the caller"}`;
      },
    },
    {
      title: "the model that a caller names",
      gives: "known to the code",
      async run(trial) {
        const sent = trial.send({ do: "facts" }, { model: "m-1" });
        await sent.end;
        return facts(sent).model === "m-1" ? "known to the code" : `${facts(sent).model}`;
      },
    },
    {
      title: "calls that are made for it",
      gives: "have its id, and not its model",
      async run(trial) {
        const sent = trial.send({ do: "chain" }, { model: "m-2" });
        await sent.end;
        const { own, back } = JSON.parse(textOf(sent)) as { own: Facts; back: Facts };
        return `have ${own.requestId === back.requestId ? "its id" : "another id"}, ${back.model === "" ? "and not its model" : "and its model"}`;
      },
    },
    {
      title: "forty at a time",
      gives: "each knows its own id and model",
      async run(trial) {
        const all = await Promise.all(
          Array.from({ length: 40 }, async (_, i) => {
            const model = `model-${trial.id}-${i}`;
            const sent = trial.send({ do: "chain", id: `${trial.id}-${i}` }, { model });
            await sent.end;
            const { own, back } = JSON.parse(textOf(sent)) as { own: Facts; back: Facts };
            return own.model === model && own.requestId === sent.requestId && back.requestId === sent.requestId;
          }),
        );
        return all.every(Boolean)
          ? "each knows its own id and model"
          : `${all.filter((own) => !own).length} know another's`;
      },
    },
    {
      title: "headers of a request",
      gives: {
        http: "x-custom; none of its connection, none of `x-windlass-`",
        grpc: "x-custom, x-bin-bin; none of its connection, none of `x-windlass-`",
        handle: null,
        why: "Calls by handles have arguments. gRPC has no headers of a connection but `te`, and bytes in names with `-bin`.",
      },
      async run(trial) {
        const http = trial.column.name === "http";
        const headers = {
          "x-custom": "asked",
          "x-windlass-secret": "1",
          ...(http ? { connection: "x-dropped", "x-dropped": "1", te: "gzip" } : { "x-bin-bin": "AAEC" }),
        };
        const sent = trial.send({ do: "headers" }, { headers });
        await sent.end;
        const got = JSON.parse(textOf(sent)) as Record<string, string>;
        const there = carried.filter((name) => name in got);
        return `${there.join(", ")}; none of its connection, none of \`x-windlass-\``;
      },
    },
    {
      title: "headers of an answer",
      gives: {
        http: "x-custom; the id of the request, not the application's",
        grpc: "x-custom, x-tail; the id of the request, not the application's",
        handle: null,
        why: "gRPC has trailers, too. What comes by handles are values.",
      },
      async run(trial) {
        const requestId = freshId();
        const sent = trial.send({ do: "headers" }, { requestId });
        await sent.end;
        const there = ["x-custom", "x-tail", "x-left", "x-windlass-own"].filter((name) => name in sent.headers);
        const id = sent.headers["x-request-id"] === requestId ? "the id of the request, not the application's" : "";
        return `${there.join(", ")}; ${id}`;
      },
    },
  ],
};
