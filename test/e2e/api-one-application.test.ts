import { dirname } from "node:path";
import { expect, it } from "vitest";
import { ECHO, writeApp } from "../support/apps.ts";
import {
  api,
  application,
  eventually,
  runningPids,
  startWindlass,
  type Windlass,
  waitForStatus,
} from "../support/windlass.ts";

const CONFIG = `
applications:
  - { name: a, route_prefix: /a, import_path: "./app.ts:app", deployments: [{ name: Echo, num_replicas: 2 }] }
  - { name: b, route_prefix: /b, import_path: "./app.ts:app", deployments: [{ name: Echo }] }
`;

interface One {
  status: string;
  etag: string;
  generation: number;
  config: Record<string, unknown>;
}

const pathOf = (name: string): string => `/api/v1/applications/${name}`;

async function read(windlass: Windlass, name: string): Promise<One & { tag: string }> {
  const { json, headers } = await api(windlass, pathOf(name));
  return { ...(json as One), tag: headers.get("etag")! };
}

it("updates each of two applications alone, and of concurrent writers with one etag exactly one wins", async () => {
  const config = writeApp(ECHO, CONFIG);
  const windlass = await startWindlass([config]);
  const folder = { "x-windlass-base-dir": dirname(config) };
  await waitForStatus(windlass, "a", "RUNNING");
  await waitForStatus(windlass, "b", "RUNNING");
  const [pidsOfA, pidsOfB] = [await runningPids(windlass, "a", "Echo"), await runningPids(windlass, "b", "Echo")];
  expect([pidsOfA.length, pidsOfB.length]).toEqual([2, 1]);

  // a is replaced: its own import path with the folder it starts from, one replica more.
  const before = await read(windlass, "a");
  expect(before.tag).toBe(`"${before.etag}"`);
  const body = { ...before.config, deployments: [{ name: "Echo", num_replicas: 3 }] };
  const put = (etag: string) =>
    api(windlass, pathOf("a"), { method: "PUT", body, headers: { ...folder, "if-match": etag } });
  const answers = await Promise.all([put(before.tag), put(before.tag)]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  const refused = answers.find(({ status }) => status === 409)!.json as { error: string };
  expect(refused.error).toMatch(/^etag ".*" is stale: it is now ".*"; read it again and retry$/);
  await eventually(async () => (await runningPids(windlass, "a", "Echo")).length === 3);
  await waitForStatus(windlass, "a", "RUNNING");
  expect(await runningPids(windlass, "a", "Echo")).toEqual(expect.arrayContaining(pidsOfA));
  expect(await runningPids(windlass, "b", "Echo")).toEqual(pidsOfB);
  expect((await read(windlass, "a")).generation).toBe(before.generation + 1);
  expect((await put(before.tag)).status).toBe(409);

  // b is patched: the folder it was put with stays.
  const merge = { "content-type": "application/merge-patch+json" };
  const patch = (change: unknown) => api(windlass, pathOf("b"), { method: "PATCH", body: change, headers: merge });
  const pidsNow = await runningPids(windlass, "a", "Echo");
  const changes = [{ external_scaler_enabled: true }, { deployments: [{ name: "Echo", num_replicas: 2 }] }];
  expect((await Promise.all(changes.map(patch))).map(({ status }) => status)).toEqual([200, 200]);
  await eventually(async () => (await runningPids(windlass, "b", "Echo")).length === 2);
  expect((await read(windlass, "b")).config).toMatchObject(Object.assign({}, ...changes));
  expect(await runningPids(windlass, "b", "Echo")).toEqual(expect.arrayContaining(pidsOfB));
  expect(await runningPids(windlass, "a", "Echo")).toEqual(pidsNow);

  // Of many writers of parts at a time none is lost and none is refused.
  const args = Array.from({ length: 20 }, (_, index) => ({ args: { [`key${index}`]: index } }));
  expect(new Set((await Promise.all(args.map(patch))).map(({ status }) => status))).toEqual(new Set([200]));
  expect((await read(windlass, "b")).config["args"]).toEqual(Object.assign({}, ...args.map((change) => change.args)));

  // A prefix of another is refused; a new application is made beside them, served, and deleted alone.
  const taken = await patch({ route_prefix: "/a" });
  expect([taken.status, taken.json]).toEqual([
    400,
    { error: 'route_prefix: "/a" is taken by application "a"; choose another prefix' },
  ]);
  const made = { import_path: "./app.ts:app", route_prefix: "/c" };
  const create = (headers: Record<string, string>, query = "") =>
    api(windlass, `${pathOf("c")}${query}`, { method: "PUT", body: made, headers });
  expect((await create(folder, "?validate_only=true")).status).toBe(200);
  expect((await api(windlass, pathOf("c"))).status).toBe(404);
  expect((await create(folder)).status).toBe(200);
  await waitForStatus(windlass, "c", "RUNNING");
  await eventually(async () => (await fetch(`${windlass.http}/c`)).status === 200);
  const { tag } = await read(windlass, "c");
  const remove = (etag: string) => api(windlass, pathOf("c"), { method: "DELETE", headers: { "if-match": etag } });
  expect([(await remove('"old"')).status, (await remove(tag)).status]).toEqual([409, 200]);
  await eventually(async () => (await application(windlass, "c")) === undefined);
  expect((await remove(tag)).status).toBe(404);
  expect(await runningPids(windlass, "a", "Echo")).toEqual(pidsNow);
});
