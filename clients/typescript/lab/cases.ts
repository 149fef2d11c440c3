// Runs the cases of test/clients/cases.ts through `windlass/client`.
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  deploymentName,
  reasonOf,
  v1,
  violationsOf,
  type WatchEvent,
} from "windlass/client";

const APPLICATION = "client-typescript";
const NAME = `applications/${APPLICATION}`;
const ECHO = deploymentName(APPLICATION, "Echo");
const FEED = "applications/feed/deployments/Waiter";
const STILL = "applications/plain/deployments/Still";

const protocol = process.argv[2] as "connect" | "grpc" | "grpc-web";
const httpVersion = process.argv[3] as "1.1" | "2";
const speaking = { protocol, httpVersion };
const client = createClient(speaking);

/** Asks the lab for trouble. */
async function ask(method: "GET" | "POST", path: string): Promise<Record<string, number>> {
  const response = await fetch(process.env["WINDLASS_LAB"] + path, { method });
  if (!response.ok) throw new Error(`the lab answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Record<string, number>;
}

function expect(what: boolean, why: unknown): void {
  if (!what) throw new Error(typeof why === "string" ? why : JSON.stringify(why, plain));
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}

async function until(done: () => Promise<boolean> | boolean, why: string, seconds = 5): Promise<void> {
  const deadline = performance.now() + seconds * 1_000;
  while (!(await done())) {
    if (performance.now() > deadline) throw new Error(why);
    await sleep(50);
  }
}

async function refused(call: Promise<unknown>, code: Code, reason: string | undefined): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    expect(error.code === code && reasonOf(error) === reason, `got ${Code[error.code]} ${reasonOf(error)}: ${error}`);
    return error;
  }
  throw new Error(`was not refused with ${Code[code]}`);
}

async function first<T>(events: AsyncIterable<T>): Promise<T | undefined> {
  for await (const event of events) return event;
  return undefined;
}

const getFeed = (from: Client = client, timeoutMs?: number) =>
  from.applications.getApplication({ name: "applications/feed" }, timeoutMs === undefined ? {} : { timeoutMs });

async function scaler(): Promise<Client> {
  const { secret } = await client.tokens.getApplicationToken({ name: NAME });
  return createClient({ ...speaking, token: secret });
}

function updateRequest(maxOngoingRequests = 5, gracefulShutdownTimeoutS = 2) {
  return {
    name: NAME,
    allowMissing: true,
    baseDir: process.env["WINDLASS_LAB_DIR"]!,
    config: {
      importPath: "./app.ts:app",
      routePrefix: `/${APPLICATION}`,
      externalScalerEnabled: true,
      deployments: [
        {
          name: "Echo",
          numReplicas: { kind: { case: "numberValue" as const, value: 1 } },
          maxOngoingRequests,
          gracefulShutdownTimeoutS,
        },
      ],
    },
  };
}

/** What a watch of `feed`'s deployments told. */
class Story {
  readonly kinds: string[] = [];
  readonly reasons: string[] = [];
  #revision = 0n;

  take(event: WatchEvent<v1.Deployment>): void {
    this.kinds.push(event.kind);
    if (event.kind !== "reset") expect(event.revision >= this.#revision, `${event.revision} after ${this.#revision}`);
    this.#revision = event.revision;
    expect(event.kind !== "deleted", "nothing was deleted");
    if (event.kind !== "updated") return;
    expect(event.name === FEED && event.resource.name === FEED, event);
    if (event.resource.targetReason !== this.reasons.at(-1)) this.reasons.push(event.resource.targetReason);
  }

  has(number: number | undefined): boolean {
    return number !== undefined && this.reasons.at(-1) === `write ${number}`;
  }

  expectWrites(from: number, to: number): void {
    const wanted = Array.from({ length: to - from + 1 }, (_, i) => `write ${from + i}`);
    const got = this.reasons.slice(-wanted.length);
    expect(JSON.stringify(got) === JSON.stringify(wanted), `got ${got}, wanted ${wanted}`);
    expect(this.reasons.length <= wanted.length + 1, `repeats: ${this.reasons}`);
  }
}

const watchFeed = (request: { progressInterval?: { nanos: number } } = {}) =>
  client.watch.deployments({ parent: "applications/feed", ...request });

const cases: Record<string, () => Promise<void>> = {
  async "takes address and token from the environment"() {
    const { instance } = await client.instance.getInstance({});
    expect(instance?.state === v1.Instance_State.RUNNING, instance);
    using stranger = createClient({ ...speaking, token: "" });
    await refused(stranger.instance.getInstance({}), Code.Unauthenticated, "UNAUTHENTICATED");
  },
  async "deploys an application and waits until it runs"() {
    const { revision } = await client.applications.updateApplication(updateRequest());
    expect(revision > 0n, revision);
    const running = await client.waitUntilRunning(APPLICATION);
    expect(running.state === v1.Application_State.RUNNING && running.externalScalerEnabled, running);
  },
  async "reads applications, deployments and replicas"() {
    const { application } = await client.applications.getApplication({ name: NAME });
    expect(application?.deployments.join() === "Echo", application);
    const { applications } = await client.applications.listApplications({});
    const names = applications.map(({ name }) => name);
    expect(
      [NAME, "applications/feed", "applications/plain"].every((name) => names.includes(name)),
      names,
    );
    const { deployments } = await client.deployments.listDeployments({ parent: NAME });
    expect(deployments.map((each) => each.targetNumReplicas).join() === "1", deployments);
    const replicas: v1.Replica[] = [];
    for await (const event of client.watch.replicas({ parent: ECHO })) {
      if (event.kind === "updated") replicas.push(event.resource);
      if (event.kind === "synced") break;
    }
    expect(replicas.map(({ state }) => state).join() === String(v1.Replica_State.RUNNING), replicas);
  },
  async "scales with the scaler token of the application"() {
    using second = await scaler();
    const answer = await second.deployments.scaleDeployment({ name: ECHO, targetNumReplicas: 2, reason: "a test" });
    expect(answer.previousTargetNumReplicas === 1 && answer.effectiveTargetNumReplicas === 2, answer);
    expect(answer.deployment?.targetReason === "a test", answer);
  },
  async "tells UNAUTHENTICATED of an unknown token"() {
    using stranger = createClient({ ...speaking, token: "nobody" });
    await refused(stranger.instance.getInstance({}), Code.Unauthenticated, "UNAUTHENTICATED");
    // A watch gives up at once.
    await refused(first(stranger.watch.instance()), Code.Unauthenticated, "UNAUTHENTICATED");
  },
  async "tells PERMISSION_DENIED of a scaler that deploys"() {
    using second = await scaler();
    await refused(second.applications.updateApplication(updateRequest()), Code.PermissionDenied, "PERMISSION_DENIED");
  },
  async "tells NOT_FOUND of an application that is not there"() {
    const error = await refused(
      client.applications.getApplication({ name: "applications/nope" }),
      Code.NotFound,
      "NOT_FOUND",
    );
    expect(error.rawMessage.includes("nope"), error.rawMessage);
  },
  async "tells INVALID_CONFIG with each violation"() {
    const error = await refused(
      client.applications.updateApplication(updateRequest(0, -1)),
      Code.InvalidArgument,
      "INVALID_CONFIG",
    );
    const violations = violationsOf(error);
    const fields = violations.map(({ field }) => field.split(".").at(-1)).sort();
    expect(fields.join() === "graceful_shutdown_timeout_s,max_ongoing_requests", violations);
    expect(
      violations.every(({ description }) => description !== ""),
      violations,
    );
  },
  async "tells EXTERNAL_SCALER_DISABLED"() {
    const call = client.deployments.scaleDeployment({ name: STILL, targetNumReplicas: 2 });
    await refused(call, Code.FailedPrecondition, "EXTERNAL_SCALER_DISABLED");
  },
  async "tells STALE_ETAG"() {
    const call = client.deployments.scaleDeployment({ name: FEED, targetNumReplicas: 2, etag: "nope" });
    await refused(call, Code.Aborted, "STALE_ETAG");
  },
  async "tells HISTORY_COMPACTED of a watch from long ago"() {
    await ask("POST", "/compact");
    const stream = client.deployments.watchDeployments({ parent: "applications/feed", startRevision: 1n });
    await refused(first(stream), Code.OutOfRange, "HISTORY_COMPACTED");
  },
  async "ends a call at its deadline"() {
    await ask("POST", "/admit?how=hang");
    await ask("POST", "/cut");
    const began = performance.now();
    await refused(getFeed(client, 500), Code.DeadlineExceeded, undefined);
    expect(performance.now() - began < 5_000, "took too long");
    await ask("POST", "/admit?how=forward");
    await getFeed();
  },
  async "tries a safe call again"() {
    await getFeed();
    await ask("POST", "/cut");
    await ask("POST", "/fail-next?count=1");
    await getFeed();
  },
  async "does not try a write again"() {
    const before = await client.tokens.listTokens({});
    await ask("POST", "/admit?how=refuse");
    await ask("POST", "/cut");
    await refused(client.tokens.createToken({ role: v1.Role.VIEWER }), Code.Unavailable, undefined);
    await ask("POST", "/admit?how=forward");
    const after = await client.tokens.listTokens({});
    expect(after.tokens.length === before.tokens.length, after);
  },
  async "watches what is, synced, then each change"() {
    const story = new Story();
    let written: Promise<Record<string, number>> | undefined;
    let last: number | undefined;
    for await (const event of watchFeed()) {
      story.take(event);
      if (event.kind === "synced") {
        expect(story.kinds.join() === "reset,updated,synced", story.kinds);
        written = ask("POST", "/write?count=3");
        ({ last } = await written);
      }
      if (story.has(last)) break;
    }
    const numbers = await written!;
    story.expectWrites(numbers["first"]!, numbers["last"]!);
  },
  async "watches on over cuts without a gap or a repeat"() {
    const story = new Story();
    let written: Promise<Record<string, number>> | undefined;
    let cuts: Promise<void> | undefined;
    for await (const event of watchFeed()) {
      story.take(event);
      if (event.kind === "synced") {
        written = ask("POST", "/write?count=60&pause_ms=20");
        cuts = cutThreeTimes();
      }
      if (story.reasons.length > 60) break;
    }
    const numbers = await written!;
    await cuts;
    story.expectWrites(numbers["first"]!, numbers["last"]!);
    expect(story.kinds.filter((kind) => kind === "reset").length === 1, story.kinds);
  },
  async "begins anew with the present state where history is gone"() {
    await using watch = watchFeed();
    const events = watch[Symbol.asyncIterator]();
    const next = async () => (await events.next()).value as WatchEvent<v1.Deployment>;
    while ((await next()).kind !== "synced");
    await ask("POST", "/admit?how=refuse");
    await ask("POST", "/cut");
    await ask("POST", "/compact");
    await ask("POST", "/admit?how=forward");
    const anew: string[] = [];
    while (anew.at(-1) !== "synced") anew.push((await next()).kind);
    expect(anew.join() === "reset,updated,synced", anew);
    const { last } = await ask("POST", "/write?count=1");
    const event = await next();
    expect(event.kind === "updated" && event.resource.targetReason === `write ${last}`, event);
  },
  async "notices a half-open connection"() {
    const story = new Story();
    let began = 0;
    let last: number | undefined;
    for await (const event of watchFeed({ progressInterval: { nanos: 300_000_000 } })) {
      story.take(event);
      if (event.kind === "synced") {
        await ask("POST", "/freeze");
        began = performance.now();
        ({ last } = await ask("POST", "/write?count=1"));
      }
      if (story.has(last)) break;
    }
    expect(performance.now() - began < 10_000, "took too long");
    expect(story.kinds.filter((kind) => kind === "reset").length === 1, story.kinds);
    // The connection of the other calls was frozen too, and is left as well.
    const answers = async (): Promise<boolean> => {
      try {
        await getFeed(client, 500);
        return true;
      } catch (error) {
        expect(error instanceof ConnectError && error.code === Code.DeadlineExceeded, String(error));
        return false;
      }
    };
    await until(answers, "still waits for a connection that is dead", 10);
  },
  async "leaves a watch cleanly"() {
    const { watchers: before } = await ask("GET", "/state");
    const watch = watchFeed();
    let beginning = true;
    const read = (async () => {
      for await (const event of watch) {
        if (beginning) expect(event.kind === "reset", event);
        beginning = false;
      }
    })();
    await until(async () => (await ask("GET", "/state"))["watchers"] === before! + 1, "is not watched");
    await until(() => !beginning, "no reset");
    // While somebody reads.
    watch.close();
    await read;
    await until(async () => (await ask("GET", "/state"))["watchers"]! <= before!, "still watched");
  },
  async "deletes the application"() {
    await client.applications.deleteApplication({ name: NAME });
    let there = true;
    let synced = false;
    for await (const event of client.watch.applications({ names: [NAME] })) {
      if (event.kind === "synced") synced = true;
      else there = event.kind === "updated";
      if (synced && !there) break;
    }
    await refused(client.applications.getApplication({ name: NAME }), Code.NotFound, "NOT_FOUND");
  },
};

async function cutThreeTimes(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await sleep(400);
    await ask("POST", "/cut");
  }
}

for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`not ok ${name}: ${String(error).replace(/\s+/g, " ")}`);
  }
}
// Nothing of it keeps the program.
client.close();
