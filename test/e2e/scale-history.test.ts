/** 200 scale calls at once on one deployment, also while the controller is killed: what the journal says of them. */
import { join } from "node:path";
import { expect, it } from "vitest";
import type { DeploymentRecord, JournalRecord } from "../../src/controller/records.ts";
import { openEmbeddedStore } from "../../src/store/embedded.ts";
import { ECHO, ECHO_CONFIG, writeApp } from "../support/apps.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { api, eventually, startWindlass, type Windlass, waitForStatus } from "../support/windlass.ts";

const SCALE = "/api/v1/applications/echo/deployments/Echo/scale";

interface Sent {
  readonly request_id: string;
  readonly target_num_replicas: number;
  readonly owner?: string;
  readonly fence?: number;
  readonly ttl_s?: number;
}

interface Told extends Sent {
  /** 0: the connection broke, so nobody knows. */
  readonly status: number;
  readonly answer: { readonly owner?: string | null; readonly fence?: number | null };
}

/** A call of one of three owners, or of nobody; fences mostly rise, and some come late. */
function callAt(index: number, random: { next(): number }): Sent {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!;
  const owner = pick([undefined, "x", "y", "z"]);
  const fence = pick([undefined, Math.max(0, Math.floor(index / 4) + pick([-8, -1, 0, 0, 1]))]);
  return {
    request_id: `call-${index}`,
    target_num_replicas: pick([0, 1, 2]),
    ...(owner === undefined ? {} : { owner, ttl_s: pick([0, 0.02, 5]) }),
    ...(fence === undefined ? {} : { fence }),
  };
}

async function send(windlass: Windlass, body: Sent): Promise<Told> {
  try {
    const { status, json } = await api(windlass, SCALE, { body });
    return { ...body, status, answer: (json ?? {}) as Told["answer"] };
  } catch {
    return { ...body, status: 0, answer: {} };
  }
}

/** What was on disk when everything had ended. */
async function readStore(windlass: Windlass): Promise<{ journal: JournalRecord[]; deployment: DeploymentRecord }> {
  const store = await openEmbeddedStore({ path: join(windlass.stateDir, "state.db"), busyTimeoutMs: 2_000 });
  const journal = store.range("journal/").map(({ value }) => JSON.parse(value) as JournalRecord);
  const deployment = JSON.parse(store.get("deployment/echo/Echo")!.value) as DeploymentRecord;
  await store.close();
  return { journal, deployment };
}

function checkHistory(told: readonly Told[], journal: readonly JournalRecord[], last: number): void {
  const history = journal.filter((entry) => entry.kind === "scale" || entry.kind === "lease-ended");
  const writes = history.filter((entry) => entry.kind === "scale");
  // Every 200 is in it, once, as it was asked for; what was refused is not.
  const byId = new Map(writes.map((entry) => [entry.requestId, entry]));
  expect(byId.size).toBe(writes.length);
  for (const { status, request_id, target_num_replicas: to, owner, fence } of told) {
    const entry = byId.get(request_id);
    if (status === 200) expect(entry).toMatchObject({ to, ...(owner && { owner }), ...(fence && { fence }) });
    else if (status === 409) expect(entry).toBeUndefined();
    else expect([0, 503]).toContain(status);
  }
  // Linear: each change begins where the one before ended, up to what is stored.
  let target = 1;
  for (const entry of history) {
    expect(entry.from).toBe(target);
    target = entry.to;
  }
  expect(last).toBe(target);
  // One owner at a time: another comes only after the lease's end, or with a higher fence.
  const sent = new Map(told.map((call) => [call.request_id, call]));
  let lease: { owner: string; end: number } | undefined;
  let highest = -1;
  for (const entry of history) {
    if (entry.kind === "lease-ended") {
      expect(lease?.owner).toBe(entry.owner);
      expect(entry.at).toBeGreaterThanOrEqual(lease!.end);
      lease = undefined;
      continue;
    }
    const { owner, fence, at, requestId } = entry;
    if (fence !== undefined) expect(fence).toBeGreaterThanOrEqual(highest);
    const takesOver = owner !== undefined && fence !== undefined && highest >= 0 && fence > highest;
    if (lease !== undefined && lease.owner !== owner) expect([requestId, takesOver]).toEqual([requestId, true]);
    highest = Math.max(highest, fence ?? -1);
    const ttlS = sent.get(requestId)!.ttl_s ?? 0;
    lease = owner === undefined || ttlS === 0 ? undefined : { owner, end: at + ttlS * 1000 };
  }
}

it.each([1, 2])(
  "200 at once with owners and fences: a linear history, one owner, no fence that falls, each 200 in the journal (seed %i)",
  async (seed) => {
    const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1))]);
    await waitForStatus(windlass, "echo", "RUNNING");
    const random = seededRandom(seed);
    const calls = Array.from({ length: 200 }, (_, index) => callAt(index, random));
    const told = await Promise.all(calls.map((call) => send(windlass, call)));
    const statuses = new Set(told.map(({ status }) => status));
    expect([...statuses].sort()).toEqual([200, 409]);
    for (const { status, answer } of told) {
      if (status === 409) expect(Object.keys(answer)).toEqual(["error", "owner", "lease_expires_at", "fence"]);
    }
    await windlass.stop();
    const { journal, deployment } = await readStore(windlass);
    checkHistory(told, journal, deployment.target.replicas);
  },
  60_000,
);

it("the same while the controller is killed three times", async () => {
  const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1))]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const random = seededRandom(3);
  const told: Told[] = [];
  let next = 0;
  let killed = 0;
  const answered = (): number => told.filter(({ status }) => status === 200 || status === 409).length;
  // Twenty callers, each with one call at a time, until 200 have an answer.
  const caller = async (): Promise<void> => {
    while (answered() < 200) told.push(await send(windlass, callAt(next++, random)));
  };
  const killer = async (): Promise<void> => {
    while (killed < 3) {
      await eventually(() => answered() >= (killed + 1) * 50);
      const ready = await eventually(() => api(windlass, "/-/readyz").catch(() => undefined));
      process.kill((ready.json as { pid: number }).pid, "SIGKILL");
      killed += 1;
    }
  };
  await Promise.all([killer(), ...Array.from({ length: 20 }, caller)]);
  expect(killed).toBe(3);
  expect(told.some(({ status }) => status === 0)).toBe(true);
  expect(told.filter(({ status }) => status === 200).length).toBeGreaterThan(20);
  await windlass.stop();
  const { journal, deployment } = await readStore(windlass);
  checkHistory(told, journal, deployment.target.replicas);
}, 60_000);
