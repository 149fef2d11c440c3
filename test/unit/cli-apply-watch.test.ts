/** What `windlass apply --watch` does when the API misbehaves. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { expect, it } from "vitest";
import { Application_State } from "../../gen/windlass/v1/application_pb.ts";
import { ApplicationPlan_Action } from "../../gen/windlass/v1/plan_pb.ts";
import { Revision_Cause } from "../../gen/windlass/v1/revision_pb.ts";
import { apiError, type FakeAnswers, type FeedMessage, fakeApi } from "../support/fake-api.ts";
import { runCli } from "../support/run-cli.ts";
import { tempDir } from "../support/temp-dir.ts";
import { eventually } from "../support/windlass.ts";

const SET = ["--set", "s"];

function folder(...names: string[]): string {
  const dir = join(tempDir(), "deploy");
  mkdirSync(dir);
  for (const name of names) {
    writeFileSync(join(dir, `${name}.yaml`), `name: ${name}\nroute_prefix: /${name}\nimport_path: ./app.ts:app\n`);
  }
  return dir;
}

interface World {
  readonly applications: Map<string, { generation: bigint; managedBy: string }>;
  revision: bigint;
  readonly written: string[];
}

const record = (name: string, { generation, managedBy }: { generation: bigint; managedBy: string }) => ({
  name: `applications/${name}`,
  uid: `uid-${name}`,
  etag: `uid-${name}-${generation}`,
  state: Application_State.RUNNING,
  generation,
  observedGeneration: generation,
  revision: 1n,
  managedBy,
});

/** An API that plans an update of what is there, and takes every write. */
function answers(world: World, feed: FakeAnswers["feed"]): FakeAnswers {
  const now = (): ReturnType<typeof record>[] => [...world.applications].map(([name, each]) => record(name, each));
  const planned = (name: string) => {
    const action = world.applications.has(name) ? ApplicationPlan_Action.NONE : ApplicationPlan_Action.CREATE;
    return { plan: { applications: [{ name: `applications/${name}`, action }] } };
  };
  return {
    ...(feed === undefined ? {} : { feed }),
    instance: {
      getInstance: () => ({ applications: now(), revision: world.revision }),
      planConfig: ({ config }) => planned(config!.applications[0]!.name!),
    },
    applications: {
      updateApplication({ name, managedBy }) {
        const short = name.replace("applications/", "");
        const generation = (world.applications.get(short)?.generation ?? 0n) + 1n;
        world.applications.set(short, { generation, managedBy });
        world.revision += 1n;
        world.written.push(short);
        return { application: record(short, { generation, managedBy }), revision: world.revision };
      },
      getApplication({ name }) {
        const found = world.applications.get(name.replace("applications/", ""));
        if (found === undefined) throw apiError(Code.NotFound, "no such application", "NOT_FOUND");
        return { application: record(name.replace("applications/", ""), found) };
      },
      listRevisions: () => ({ revisions: [{ number: 1n, cause: Revision_Cause.CONFIG, actor: "token/7" }] }),
    },
  };
}

const newWorld = (): World => ({ applications: new Map(), revision: 10n, written: [] });

/** Runs the command until `until` holds of its output, then stops it. */
async function watch(address: string, args: string[], until: (out: string) => boolean) {
  const stop = new AbortController();
  let out = "";
  const run = runCli(["apply", "--watch", ...args, "-a", address], {
    env: { WINDLASS_TOKEN: "t" },
    stop: stop.signal,
    onOut: (text) => (out += text),
  });
  await eventually(
    () => until(out),
    () => `this is not what was waited for:\n${out}`,
  ).finally(() => stop.abort());
  return run;
}

const synced = (revision: bigint): FeedMessage => ({ revision, event: { case: "synced", value: true } });

/** How a watch ends that wants history that is gone. */
const LOST = apiError(Code.OutOfRange, "compacted", "HISTORY_COMPACTED");

it("notices what was deleted while the history was gone", async () => {
  const world = newWorld();
  const gone = Promise.withResolvers<void>();
  const api = await fakeApi(
    answers(world, [
      { send: [synced(10n)], until: gone.promise, end: "break" },
      // No watcher is told any more what was deleted meanwhile.
      { send: [], end: LOST },
      { send: [synced(5_000n)], end: "hold" },
    ]),
  );
  const dir = folder("a");
  const forget = (out: string): boolean => {
    if (out.includes("a: created") && world.revision < 5_000n) {
      world.applications.delete("a");
      world.revision = 5_000n;
      gone.resolve();
    }
    return out.includes("applied again");
  };
  const { code, out } = await watch(api.address, ["-f", dir, ...SET], forget);
  expect([code, out]).toEqual([0, expect.stringContaining("a: was deleted; applied again")]);
  expect(world.written).toEqual(["a", "a"]);
});

it("notices what is deleted while it looks what there is after the history was gone", async () => {
  const world = newWorld();
  const created = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<void>();
  const server = answers(world, undefined);
  let watches = 0;
  const api = await fakeApi({
    ...server,
    instance: {
      ...server.instance,
      async *watchInstance(_request, { signal }) {
        watches += 1;
        if (watches === 1) {
          yield synced(10n);
          await created.promise;
          throw apiError(Code.Unavailable, "away", "INSTANCE_UNAVAILABLE");
        }
        if (watches === 2) throw LOST;
        yield synced(5_000n);
        await asked.promise;
        yield { revision: 5_001n, event: { case: "deleted", value: "applications/a" } };
        yield { revision: 5_002n, event: { case: "application", value: record("b", world.applications.get("b")!) } };
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      },
      async getInstance(_request, _context) {
        const applications = [...world.applications].map(([name, each]) => record(name, each));
        const answer = { applications, revision: 5_000n };
        if (watches < 3 || !world.applications.has("a")) return answer;
        // The answer is on its way while the feed goes on.
        world.applications.delete("a");
        asked.resolve();
        await heard.promise;
        return answer;
      },
    },
  });
  const { code, out } = await watch(api.address, ["-f", folder("a", "b"), ...SET], (said) => {
    if (said.includes("b: created")) created.resolve();
    if (said.includes("b: RUNNING")) heard.resolve();
    return said.includes("applied again");
  });
  expect([code, out]).toEqual([0, expect.stringContaining("a: was deleted; applied again")]);
  // It may be noticed twice, by the answer and by the feed; applying again changes nothing then.
  const [first, second, ...again] = world.written;
  expect([first, second, new Set(again)]).toEqual(["a", "b", new Set(["a"])]);
});

it("does not outdo another writer by haste", async () => {
  const world = newWorld();
  const server = answers(world, undefined);
  const api = await fakeApi({
    ...server,
    instance: {
      ...server.instance,
      // Whatever is written, somebody deletes.
      async *watchInstance() {
        yield synced(10n);
        for (let revision = 1n; ; revision++) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          world.applications.clear();
          yield { revision: world.revision + revision, event: { case: "deleted", value: "applications/a" } };
        }
      },
    },
  });
  const { code, out } = await watch(api.address, ["-f", folder("a"), ...SET], (said) =>
    said.includes("again and again"),
  );
  expect([code, world.written.length]).toEqual([0, 6]);
  expect(out.match(/applied again/g)).toHaveLength(5);
  expect(out).toMatch(/a: others change it again and again; it is looked at again in \d+ s\n/);
});

it("prints an object an event with -o json, what is wrong among them", async () => {
  const world = newWorld();
  const api = await fakeApi(answers(world, [{ send: [synced(10n)], end: "hold" }]));
  const dir = folder("a");
  writeFileSync(join(dir, "b.yaml"), "x: 1\n");
  let mended = false;
  const { code, out, err } = await watch(api.address, ["-f", dir, "-o", "json", ...SET], (said) => {
    if (said.includes("is no config") && !mended) writeFileSync(join(dir, "b.yaml"), "# mended\n");
    mended = said.includes("is no config");
    return said.includes('"create"');
  });
  const events = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect([code, err]).toEqual([0, ""]);
  expect(events.map(({ event }) => event)).toEqual(["problem", "problem", "watching", "create"]);
  expect(events.at(-1)).toMatchObject({ application: "a", file: expect.stringContaining("a.yaml") });
});

it("waits for an instance that is not there yet, and says so once", async () => {
  const world = newWorld();
  const server = answers(world, [{ send: [synced(10n)], end: "hold" }]);
  let asked = 0;
  const api = await fakeApi({
    ...server,
    instance: {
      ...server.instance,
      getInstance() {
        asked += 1;
        if (asked <= 2) throw apiError(Code.Unavailable, "not available", "INSTANCE_UNAVAILABLE");
        return { applications: [], revision: 10n };
      },
    },
  });
  const args = ["-f", folder("a"), "-o", "json", ...SET];
  const { code, out } = await watch(api.address, args, (said) => said.includes('"create"'));
  expect([code, out.match(/not available; trying again/g)]).toEqual([0, ["not available; trying again"]]);
});

it("ends with 4 when the token is refused", async () => {
  const refuse = (): never => {
    throw apiError(Code.Unauthenticated, "who are you?", "UNAUTHENTICATED");
  };
  const api = await fakeApi({ instance: { getInstance: refuse, watchInstance: refuse } });
  const { code, err } = await runCli(["apply", "--watch", "-f", folder("a"), "-a", api.address, ...SET]);
  expect([code, err]).toEqual([4, expect.stringContaining("wants a token")]);
});
