/** Cases: time-outs, and limits of concurrency and queues. */
import { eventually } from "../windlass.ts";
import type { Asked, Sent } from "./columns.ts";
import { byHandle, first, line, type Section, type Trial, textOf, WORDS } from "./table.ts";

/** Of `limited`. */
export const MAX_ONGOING = 2;
/** Of `limited`. */
export const MAX_QUEUED = 2;
/** Of `timed`: its deployment's. */
export const DEPLOYMENT_TIMEOUT_S = 0.3;
/** Of `bounded`: its instance's. */
export const INSTANCE_TIMEOUT_S = 0.4;

const LIMITED: Asked = { application: "limited" };
const SEVERAL =
  "The gRPC and HTTP limits of an instance and a deployment are for requests from outside; a handle has its own `timeoutS`, and a call ends with the request it is made for.";

/** Sends with longer and longer time-outs, until the first time that `far` says it came as far as it should. */
async function late(trial: Trial, far: (id: string, sent: Sent) => boolean, asked: Asked, what: string) {
  for (const timeoutS of [0.5, 2, 8]) {
    const id = `${trial.id}-${timeoutS}`;
    const sent = trial.send({ do: what, id }, { ...asked, timeoutS });
    const end = (await sent.end).replace(/\b[\d.]+ ?s\b/, "<t> s");
    if (far(id, sent)) return { id, sent, end };
  }
  throw new Error("the machine is too slow for this");
}

const ended = async (trial: Trial, id: string): Promise<string> => {
  await trial.heard("aborted", id);
  await trial.heard("ended", id);
  return "the code's signal aborts";
};

/** Fills `limited`; what this returns lets it go on. */
async function fill(trial: Trial): Promise<() => Promise<void>> {
  const ids = Array.from({ length: MAX_ONGOING }, (_, i) => `${trial.id}-full-${i}`);
  const sent = ids.map((id) => trial.send({ do: "wait", id }, LIMITED));
  await Promise.all(ids.map((id) => trial.begun(id)));
  return async () => {
    for (const id of ids) trial.go(id);
    await Promise.all(sent.map(({ end }) => end));
  };
}

/** Sends an order to the full `limited`, and resolves when it certainly waits: another one was refused beside it. */
async function inLine(trial: Trial): Promise<{ id: string; sent: Sent }> {
  for (let n = 0; n < 20; n++) {
    const ids = Array.from({ length: MAX_QUEUED + 1 }, (_, i) => `${trial.id}-line-${n}-${i}`);
    const all: { id: string; sent: Sent }[] = [];
    for (const id of ids) {
      const asked = byHandle(trial) ? LIMITED : { ...LIMITED, requestId: id };
      all.push({ id, sent: trial.send({ do: "early", id }, asked) });
      // It has mostly come to its line when this one was answered.
      await trial.send({ do: "early", id: `${id}-probe` }).end;
    }
    const refused = await Promise.race(all.map(({ id, sent }) => sent.end.then(() => id)));
    const [found, ...others] = all.filter(({ id }) => id !== refused);
    for (const { sent } of others) sent.cancel();
    if (refused !== ids[0]) return found!;
    found!.sent.cancel();
  }
  throw new Error("the first was always the one that was refused");
}

/** Resolves when whoever held it in line has let it go. */
async function noticed({ stage, column }: Trial, { id, sent }: { id: string; sent: Sent }): Promise<void> {
  if (column.name === "inside") await line(stage, "relay_Relay_", sent.requestId);
  else if (column.name !== "handle") await line(stage, "proxy-", id);
}

/** How a request to `timed` or `bounded` ends whose code takes longer. */
async function outlasts(trial: Trial, application: string, asked: Asked = {}): Promise<string> {
  const { stage } = trial;
  const sent = trial.send({ do: "wait" }, { application, ...asked });
  const http = stage.columns.find(({ name }) => name === "http")!;
  // By the time that this one has timed out, the first has had as long.
  await Promise.race([trial.begun(), sent.end]);
  const other = http.send({ do: "wait", id: `${trial.id}-other` }, { application });
  await other.end;
  // It is told to go on when it should have ended.
  await Promise.race([sent.end, http.send({ do: "wait", id: `${trial.id}-more` }, { application }).end]);
  trial.go();
  return sent.end;
}

/** Time-outs. */
export const TIMEOUTS: Section = {
  title: "Time-outs",
  rows: [
    {
      title: "the caller's, in user code",
      gives: {
        http: "408 Request <id> timed out after <t> s.; the code's signal aborts",
        grpc: "DEADLINE_EXCEEDED Request timed out after <t> s.; the code's signal aborts",
        handle: "RequestTimeoutError Paths.ask took longer than <t> s; the code's signal aborts",
        why: "`x-request-timeout-seconds`, `grpc-timeout`, `timeoutS`.",
      },
      async run(trial) {
        const { id, end } = await late(trial, (id) => trial.stage.said(`began ${id}`).length > 0, {}, "wait");
        return `${end}; ${await ended(trial, id)}`;
      },
    },
    {
      title: "the caller's, within a stream",
      gives: {
        http: "one, then cut off; the code's signal aborts",
        grpc: "one, then DEADLINE_EXCEEDED Request timed out after <t> s.; the code's signal aborts",
        handle: "one, then RequestTimeoutError Paths.tell took longer than <t> s; the code's signal aborts",
        why: "The status of HTTP has gone out by then.",
      },
      async run(trial) {
        const far = (_id: string, sent: Sent): boolean => sent.pieces.length > 0;
        const { id, sent, end } = await late(trial, far, { stream: true }, "three");
        return `${textOf(sent)}, then ${end}; ${await ended(trial, id)}`;
      },
    },
    {
      title: "the caller's, waiting for a slot",
      alone: true,
      gives: {
        http: "408 Request <id> timed out after <t> s.; the code never ran",
        grpc: "DEADLINE_EXCEEDED Request timed out after <t> s.; the code never ran",
        handle: "RequestTimeoutError Paths.ask took longer than <t> s; the code never ran",
        why: WORDS,
      },
      async run(trial) {
        const empty = await fill(trial);
        const { id, end } = await late(trial, () => true, LIMITED, "wait");
        await empty();
        // One that would be served in its place has come and gone.
        await trial.send({ do: "early", id: `${trial.id}-next` }, LIMITED).end;
        return `${end}; ${trial.stage.said(`began ${id}`).length === 0 ? "the code never ran" : "the code ran"}`;
      },
    },
    {
      title: "the deployment's `request_timeout_s`",
      gives: {
        http: "408 Request <id> timed out after 0.3s.",
        grpc: "DEADLINE_EXCEEDED Request timed out after 0.3s.",
        handle: "value",
        why: SEVERAL,
      },
      run: async (trial) => outlasts(trial, "timed"),
    },
    {
      title: "`request_timeout_s` of `http_options` and `grpc_options`",
      gives: {
        http: "408 Request <id> timed out after 0.4s.",
        grpc: "DEADLINE_EXCEEDED Request timed out after 0.4s.",
        handle: "value",
        why: SEVERAL,
      },
      run: async (trial) => outlasts(trial, "bounded"),
    },
    {
      title: "the caller's, above the deployment's",
      gives: {
        http: "200",
        grpc: "DEADLINE_EXCEEDED Request timed out after 0.3s.",
        handle: "value",
        why: "The header sets a request's time-out, as in the reference; a deadline of gRPC is one more, and the nearest counts.",
      },
      run: async (trial) => outlasts(trial, "timed", { timeoutS: 60 }),
    },
  ],
};

const REFUSED = `Request dropped due to backpressure (num_queued_requests=${MAX_QUEUED}, max_queued_requests=${MAX_QUEUED}).`;

/** Limits. */
export const LIMITS: Section = {
  title: "Limits",
  rows: [
    {
      title: "more than `max_ongoing_requests` at a time",
      alone: true,
      gives: "two at a time, the others wait, all are answered",
      async run(trial) {
        const ids = Array.from({ length: MAX_ONGOING + MAX_QUEUED }, (_, i) => `${trial.id}-${i}`);
        const sent = ids.map((id) => trial.send({ do: "wait", id }, LIMITED));
        const { stage } = trial;
        const begun = (): number => ids.filter((id) => stage.said(`began ${id}`).length > 0).length;
        let most = 0;
        for (let done = 0; done < ids.length; done++) {
          await eventually(() => begun() >= Math.min(done + MAX_ONGOING, ids.length));
          most = Math.max(most, begun() - done);
          const next = ids.find(
            (id) => stage.said(`began ${id}`).length > 0 && stage.said(`ended ${id}`).length === 0,
          )!;
          trial.go(next);
          await trial.heard("ended", next);
        }
        const ends = new Set(await Promise.all(sent.map(({ end }) => end)));
        return `${most === 2 ? "two" : most} at a time, the others wait, ${ends.size === 1 ? "all are answered" : [...ends]}`;
      },
    },
    {
      title: "more than `max_queued_requests` that wait",
      alone: true,
      gives: {
        http: `429 ${REFUSED}, retry-after 3`,
        grpc: `RESOURCE_EXHAUSTED ${REFUSED}, pushback 2200 ms`,
        handle: `BackPressureError ${REFUSED}, 429, retryAfterS 2.2`,
        why: "Each caller has a line of its own: a proxy, a program, a replica. gRPC has no other status.",
      },
      async run(trial) {
        const empty = await fill(trial);
        const ids = Array.from({ length: MAX_QUEUED + 1 }, (_, i) => `${trial.id}-waits-${i}`);
        const sent = ids.map((id) => trial.send({ do: "early", id }, LIMITED));
        const end = await Promise.race(sent.map(async ({ end }) => end));
        await empty();
        await Promise.all(sent.map(({ end }) => end));
        return end;
      },
    },
  ],
};

/** Callers that leave. */
export const LEAVING: Section = {
  title: "Callers that leave",
  rows: [
    {
      title: "while user code runs",
      gives: {
        http: "gone; the code's signal aborts",
        grpc: "CANCELLED; the code's signal aborts",
        handle: "RequestCancelledError; the code's signal aborts",
        why: "Over HTTP the connection is closed, over gRPC the call cancelled; `response.cancel()`.",
      },
      async run(trial) {
        const sent = trial.send({ do: "wait" });
        await trial.begun();
        sent.cancel();
        return `${await sent.end}; ${await ended(trial, trial.id)}`;
      },
    },
    {
      title: "within a stream",
      gives: {
        http: "gone; the code's signal aborts",
        grpc: "CANCELLED; the code's signal aborts",
        handle: "RequestCancelledError; the code's signal aborts",
        why: WORDS,
      },
      async run(trial) {
        const sent = trial.send({ do: "three" }, { stream: true });
        await first(sent);
        sent.cancel();
        return `${await sent.end}; ${await ended(trial, trial.id)}`;
      },
    },
    {
      title: "within a stream that they do not read",
      gives: "the code's signal aborts",
      async run(trial) {
        const sent = trial.send({ do: "flood" }, { stream: true, slow: true });
        await trial.begun();
        await first(sent);
        sent.cancel();
        sent.resume();
        return ended(trial, trial.id);
      },
    },
    {
      title: "within their upload",
      gives: {
        http: "the code's signal aborts",
        grpc: "the code's signal aborts",
        handle: null,
        why: "Arguments of handles come whole. Clients of gRPC on Node end a stream of requests before they reset it, so code may have read a whole one.",
      },
      async run(trial) {
        const sent = trial.send({ do: "take" }, { upload: true });
        sent.more(Buffer.from("one"));
        await trial.begun();
        sent.cancel();
        return ended(trial, trial.id);
      },
    },
    {
      title: "while their request waits for another deployment",
      gives: "the signal aborts there, too",
      async run(trial) {
        const sent = trial.send({ do: "wait-back" });
        await trial.begun(`${trial.id}-back`);
        sent.cancel();
        await trial.heard("aborted", `${trial.id}-back`);
        await ended(trial, trial.id);
        return "the signal aborts there, too";
      },
    },
    {
      title: "while they wait for a slot",
      alone: true,
      gives: "the code never runs, and the slot is the next one's",
      async run(trial) {
        const empty = await fill(trial);
        const left = await inLine(trial);
        left.sent.cancel();
        await left.sent.end;
        await noticed(trial, left);
        await empty();
        await trial.send({ do: "early", id: `${trial.id}-next` }, LIMITED).end;
        const ran = trial.stage.said(`began ${left.id}`).length > 0;
        return `the code ${ran ? "runs" : "never runs"}, and the slot is the next one's`;
      },
    },
    {
      title: "but want the work done",
      gives: {
        http: "the code goes on",
        grpc: null,
        handle: null,
        why: "`x-request-disconnect-disabled: ?1` is HTTP's. A call by a handle goes on while nobody cancels it, awaited or not.",
      },
      async run(trial) {
        const sent = trial.send({ do: "wait" }, { headers: { "x-request-disconnect-disabled": "?1" } });
        await trial.begun();
        sent.cancel();
        // One that leaves without saying so has been noticed by then.
        const other = trial.send({ do: "wait", id: `${trial.id}-other` });
        await trial.begun(`${trial.id}-other`);
        other.cancel();
        await ended(trial, `${trial.id}-other`);
        trial.go();
        await trial.heard("ended");
        return trial.stage.said(`aborted ${trial.id}`).length === 0 ? "the code goes on" : "the code's signal aborts";
      },
    },
  ],
};
