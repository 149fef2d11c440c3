import { createServer as createHttpServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import type { PolicyInput } from "../../src/autoscaling/policy.ts";
import { queueWish } from "../../src/autoscaling/queue.ts";
import { readQueueKwargs } from "../../src/config/queue-kwargs.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { Answer } from "../../src/policy-host/policy.ts";
import { type QueueReading, queuePolicy } from "../../src/policy-host/queue.ts";
import { readQueue } from "../../src/policy-host/queue-brokers.ts";
import { policyInputOf } from "../support/policies.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

function kwargsOf(given: object = {}) {
  const read = readQueueKwargs({ broker_url: "redis://localhost", queue_name: "mail", ...given });
  if (!read.ok) throw new Error(read.issues[0]!.message);
  return read.kwargs;
}

const target = (target_ongoing_requests: number) => ({ ...policyInputOf().config, target_ongoing_requests });

describe("the length of a queue", () => {
  it.each([
    ["is added to the requests, of which a replica takes target_ongoing_requests", 12, {}, 10],
    ["keeps the order of operations: 7 run, 29 to do at 1 each are above 29", 29, running(7, 0, 1), 29.000000000000004],
    ["wakes one replica where none runs", 1, running(0, 0, 2), 1],
    ["wakes one replica however long it is", 5_000, running(0, 0, 2), 1],
    ["of 0 needs none where none runs, whatever the target", 0, { ...running(0, 0, 2), targetNumReplicas: 3 }, 0],
    ["of 0 wakes one where none runs and a request waits", 0, running(0, 1, 2), 1],
    ["of 0 needs none where replicas run idle", 0, running(3, 0, 2), 0],
  ])("%s", (_, length, input, desired) => {
    const given = { config: target(2), ...input };
    expect(queueWish(length, policyInputOf(given))).toBe(desired);
  });

  function running(count: number, requests: number, each: number): Partial<PolicyInput> {
    return { currentNumReplicas: count, totalNumRequests: requests, config: target(each) };
  }
});

/** The policy over a broker that answers when the test says so, and idle replicas. */
function scripted(given: object = {}) {
  const clock = new VirtualClock();
  const polls: ((reading: QueueReading) => void)[] = [];
  const policy = queuePolicy(kwargsOf(given), clock, () => new Promise((resolve) => polls.push(resolve)));
  const call = async (state: object = {}) => {
    const input = policyInputOf({ totalNumRequests: 0, config: target(1), policyState: { ...state } });
    const answer = await policy(input);
    if (!(answer instanceof Answer)) throw new Error("no answer");
    return { ...(answer.value as { desired: number; state: { queue_length: number } }), warning: answer.warning };
  };
  const settle = () => clock.advance(0);
  return { clock, polls, call, settle };
}

describe("polls", () => {
  it("the first answer waits for the first poll", async () => {
    const { call, polls, settle } = scripted();
    const answer = call();
    await settle();
    polls[0]!({ length: 6 });
    expect(await answer).toEqual({ desired: 6, state: { queue_length: 6 }, warning: null });
  });

  it("the first answer counts 0 when the broker does not answer in half a second, and later ones do not wait", async () => {
    const { call, polls, clock, settle } = scripted();
    const answer = call();
    await clock.advance(500);
    expect(await answer).toEqual({ desired: 0, state: { queue_length: 0 }, warning: null });
    expect((await call()).desired).toBe(0);
    polls[0]!({ length: 2 });
    await settle();
    expect((await call()).desired).toBe(2);
  });

  it("a process that is started again goes on from the length in the state, without a wait", async () => {
    const { call } = scripted();
    expect(await call({ queue_length: 9 })).toEqual({ desired: 9, state: { queue_length: 9 }, warning: null });
  });

  it("one is under way at a time, and the next begins an interval after the start of the last", async () => {
    const { call, polls, clock, settle } = scripted({ poll_interval_s: 2 });
    const state = { queue_length: 1 };
    const counts: number[] = [];
    const at = async (ms: number): Promise<void> => {
      await clock.advance(ms);
      await call(state);
      counts.push(polls.length);
    };
    await at(0);
    await at(1_500);
    polls[0]!({ length: 1 });
    await settle();
    await at(400);
    await at(100);
    // The second does not end for two intervals.
    await at(2_000);
    await at(2_000);
    polls[1]!({ length: 1 });
    await settle();
    await at(0);
    expect(counts).toEqual([1, 1, 1, 2, 2, 2, 3]);
  });

  it("one that failed keeps the last length, and is told until one succeeds", async () => {
    const { call, polls, clock, settle } = scripted({ poll_interval_s: 1 });
    const heard: unknown[] = [];
    const round = async (reading: QueueReading): Promise<void> => {
      await call({ queue_length: 0 });
      polls.at(-1)!(reading);
      await settle();
      const { desired, warning } = await call();
      heard.push([desired, warning]);
      await clock.advance(1_000);
    };
    await round({ problem: "ECONNREFUSED" });
    await round({ length: 7 });
    await round({ problem: "ECONNREFUSED" });
    await round({ length: 0 });
    expect(heard).toEqual([
      [0, "ECONNREFUSED; the last known length, 0, counts"],
      [7, null],
      [7, "ECONNREFUSED; the last known length, 7, counts"],
      [0, null],
    ]);
  });
});

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
};

/** Speaks what the test says, after everything that arrived. */
async function redisAt(answer: (socket: Socket, heard: string) => void) {
  const heard: string[] = [];
  const server = createServer((socket) => {
    onTestFinished(() => void socket.destroy());
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      heard.push(String(chunk));
      answer(socket, String(chunk));
    });
  });
  return { host: `127.0.0.1:${await listening(server)}`, heard };
}

const readFrom = (given: object) => readQueue(kwargsOf(given), systemClock);

describe("Redis", () => {
  it("is told user, password and database, and all of Celery's priorities count", async () => {
    const { host, heard } = await redisAt((socket) => {
      // In pieces, as networks deliver.
      socket.write("+OK\r\n+OK\r\n:1\r\n:");
      setImmediate(() => socket.write("2\r\n:0\r\n:40\r\n"));
    });
    expect(await readFrom({ broker_url: `redis://me:p%40ss@${host}/3`, queue_name: "mäil" })).toEqual({ length: 43 });
    const words = heard
      .join("")
      .split("\r\n")
      .filter((line) => !/^[*$]/.test(line) && line !== "");
    expect(words.slice(0, 7)).toEqual(["AUTH", "me", "p@ss", "SELECT", "3", "LLEN", "mäil"]);
    expect(words.filter((word) => word === "LLEN")).toHaveLength(4);
    expect(heard.join("")).toContain("$5\r\nmäil\r\n");
  });

  it.each([
    ["an error", "-WRONGPASS invalid pair for s3cret\r\n", 'the broker says "WRONGPASS invalid pair for <redacted>"'],
    [
      "a key of another type",
      "+OK\r\n-WRONGTYPE Operation against a key\r\n",
      'the broker says "WRONGTYPE Operation against a key"',
    ],
    ["something else", "+OK\r\n+a\r\n+b\r\n+c\r\n+d\r\n", 'the broker answered "+a", which is no length of a list'],
    ["no end", "x".repeat(20_000), "the answer is not one of Redis"],
    ["nothing", "", "the connection was closed before an answer"],
  ])("that answers %s is a problem in one line without the password", async (_, text, why) => {
    const { host } = await redisAt((socket) => void socket.end(text));
    expect(await readFrom({ broker_url: `redis://:s3cret@${host}` })).toEqual({
      problem: `queue "mail" at redis://${host} cannot be read: ${why}`,
    });
  });

  it("that is not there is a problem", async () => {
    const port = await listening(createServer());
    const free = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, "127.0.0.1", () => {
        const { port: gone } = server.address() as AddressInfo;
        server.close(() => resolve(gone));
      });
    });
    expect(free).not.toBe(port);
    expect(await readFrom({ broker_url: `redis://127.0.0.1:${free}/0` })).toEqual({
      problem: `queue "mail" at redis://127.0.0.1:${free} cannot be read: ECONNREFUSED`,
    });
  });

  it("that never answers is given up after 5 s, with its connection", async () => {
    const clock = new VirtualClock();
    let arrived: () => void = () => {};
    const asked = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    let closed: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { host } = await redisAt((socket) => {
      socket.on("close", () => closed());
      arrived();
    });
    const reading = readQueue(kwargsOf({ broker_url: `redis://${host}` }), clock);
    await asked;
    await clock.advance(5_000);
    expect(await reading).toEqual({ problem: `queue "mail" at redis://${host} cannot be read: no answer within 5 s` });
    await ended;
    expect(clock.pending).toBe(0);
  });
});

async function managementAt(answer: RequestListener) {
  const heard: (string | undefined)[] = [];
  const server = createHttpServer((request, response) => {
    heard.push(request.url, Buffer.from(request.headers.authorization!.slice(6), "base64").toString());
    answer(request, response);
  });
  onTestFinished(() => server.closeAllConnections());
  return { host: `127.0.0.1:${await listening(server)}`, heard };
}

describe("RabbitMQ", () => {
  const queue = JSON.stringify({ messages: 9, messages_ready: 4, messages_unacknowledged: 5, name: "mail" });

  it.each([
    ["the default virtual host and user", "amqp://h", "http://H", "/api/queues/%2F/mail", "guest:guest"],
    ["Celery's spelling of it", "amqp://a:b@h:5672//", "http://H/api/", "/api/queues/%2F/mail", "a:b"],
    ["another one", "pyamqp://a:b%3A@h/shop%2Feu", "http://H/", "/api/queues/shop%2Feu/mail", "a:b:"],
    [
      "a path in front, and a user of its own",
      "amqps://a:b@h/x",
      "http://c:d@H/mq/api",
      "/mq/api/queues/x/mail",
      "c:d",
    ],
  ])("is asked for what is ready: %s", async (_, broker_url, management, path, login) => {
    const { host, heard } = await managementAt((_request, response) => void response.end(queue));
    const rabbitmq_management_url = management.replace("H", host);
    expect(await readFrom({ broker_url, rabbitmq_management_url })).toEqual({ length: 4 });
    expect(heard).toEqual([path, login]);
  });

  it.each([
    [401, "{}", 'the management API refuses the user (401); it needs the tag "monitoring" or "management"'],
    [404, "{}", 'the management API knows no such queue in the virtual host "/"'],
    [503, "", "the management API answered 503"],
    [200, "<html>", "the management API's answer has no messages_ready"],
    [200, '{"messages_ready":"4"}', "the management API's answer has no messages_ready"],
    [200, "x".repeat(1_100_000), "the management API's answer is larger than 1 MiB"],
  ])("an answer %i %.9s is a problem", async (status, body, why) => {
    const { host } = await managementAt((_, response) => void response.writeHead(status).end(body));
    const reading = await readFrom({ broker_url: "amqp://u:s3cret@mq", rabbitmq_management_url: `http://${host}` });
    expect(reading).toEqual({ problem: `queue "mail" at amqp://mq cannot be read: ${why}` });
  });

  it("a redirection is not followed: the password is for one server", async () => {
    const { host, heard } = await managementAt(
      (_, response) => void response.writeHead(302, { location: "http://127.0.0.1:9/" }).end(),
    );
    const reading = await readFrom({ broker_url: "amqp://mq", rabbitmq_management_url: `http://${host}` });
    expect(reading).toMatchObject({ problem: expect.stringContaining("cannot be read: ") });
    expect(heard).toHaveLength(2);
  });
});
