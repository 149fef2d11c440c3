import { expect, it } from "vitest";
import { fitsSpare, SparePool } from "../../src/engine/local/spare-pool.ts";
import { SupervisorClient } from "../../src/engine/local/supervisor-client.ts";
import type { Child, FromSupervisor, ToSupervisor } from "../../src/supervisor/protocol.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const IDLE = { kind: "idle" };

/** A pool whose supervisor is told what to say. */
async function setUp(size: number, children: readonly Child[] = []) {
  const clock = new VirtualClock();
  const sent: ToSupervisor[] = [];
  let say: (message: FromSupervisor) => void = () => {};
  const supervisor = new SupervisorClient({
    send: (message) => (message.kind === "hello" ? say({ kind: "children", children }) : void sent.push(message)),
    onMessage: (listener) => {
      say = listener;
    },
  });
  await supervisor.connect();
  const pool = new SparePool({ supervisor, clock, runDir: "/run", stateDir: "/state", size });
  const ids = (): string[] => sent.flatMap((message) => (message.kind === "spawn" ? [message.id] : []));
  return {
    pool,
    clock,
    sent,
    ids,
    idle: (id: string) => say({ kind: "said", id, message: IDLE }),
    exited: (id: string) => say({ kind: "exited", id, detail: "was ended by SIGKILL", restarting: false }),
  };
}

it("starts spares one after the other, after a quiet moment", async () => {
  const { clock, ids, sent, idle } = await setUp(2);
  await clock.advance(1_999);
  expect(ids()).toEqual([]);
  await clock.advance(1);
  expect(sent).toMatchObject([{ spec: { role: "spare", cwd: "/state", env: {}, restart: false, ipc: true } }]);
  await clock.advance(60_000);
  expect(ids()).toHaveLength(1);
  idle(ids()[0]!);
  await clock.advance(100);
  expect(ids()).toHaveLength(2);
  idle(ids()[1]!);
  await clock.advance(60_000);
  expect(new Set(ids()).size).toBe(2);
});

it("waits while anything is started", async () => {
  const { pool, clock, ids } = await setUp(1);
  for (let i = 0; i < 10; i++) {
    await clock.advance(1_900);
    pool.busy();
  }
  expect(ids()).toEqual([]);
  await clock.advance(2_000);
  expect(ids()).toHaveLength(1);
});

it("waits as long as something is being built or is coming up", async () => {
  const { pool, clock, ids } = await setUp(1);
  let free = false;
  pool.onlyWhile(() => free);
  await clock.advance(60_000);
  expect(ids()).toEqual([]);
  free = true;
  await clock.advance(2_000);
  expect(ids()).toHaveLength(1);
});

it("gives each spare once, and only those that are up", async () => {
  const { pool, clock, ids, idle } = await setUp(1);
  await clock.advance(2_000);
  expect(pool.take({})).toBeUndefined();
  idle(ids()[0]!);
  expect(pool.take({ NODE_OPTIONS: "--inspect" })).toBeUndefined();
  expect([pool.take({}), pool.take({})]).toEqual([ids()[0], undefined]);
  await clock.advance(2_000);
  expect(ids()).toHaveLength(2);
});

it("replaces a spare that dies", async () => {
  const { pool, clock, ids, idle, exited } = await setUp(1);
  await clock.advance(2_000);
  idle(ids()[0]!);
  exited(ids()[0]!);
  expect(pool.take({})).toBeUndefined();
  await clock.advance(2_000);
  expect(ids()).toHaveLength(2);
});

it("tries again ever more rarely where spares do not come up", async () => {
  const { pool, clock, ids, exited } = await setUp(1);
  await clock.advance(2_000);
  for (const waitMs of [4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]) {
    const count = ids().length;
    exited(ids().at(-1)!);
    pool.busy();
    await clock.advance(waitMs - 1);
    expect(ids()).toHaveLength(count);
    await clock.advance(1);
    expect(ids()).toHaveLength(count + 1);
  }
});

it("knows the spares that an earlier controller left", async () => {
  const child = (id: string, said: unknown): Child => ({
    ...{ id, said, role: "spare" },
    process: { pid: 1, startTime: "1", bootId: "b" },
  });
  const { pool, clock, ids } = await setUp(2, [child("spare/a", null), child("spare/b", IDLE)]);
  expect([pool.take({}), pool.take({})]).toEqual(["spare/b", undefined]);
  await clock.advance(60_000);
  expect(ids(), "one of them is still coming up").toEqual([]);
});

it("does nothing where none are wanted", async () => {
  const { pool, clock, sent } = await setUp(0);
  expect(pool.take({})).toBeUndefined();
  await clock.advance(60_000);
  expect(sent).toEqual([]);
});

it.each([
  { name: "NODE_OPTIONS", fits: false },
  { name: "NODE_EXTRA_CA_CERTS", fits: false },
  { name: "UV_THREADPOOL_SIZE", fits: false },
  { name: "LD_PRELOAD", fits: false },
  { name: "TZ", fits: false },
  { name: "LC_ALL", fits: false },
  { name: "LANG", fits: false },
  { name: "SSL_CERT_FILE", fits: false },
  { name: "NODE_ENV", fits: true },
  { name: "PATH", fits: true },
  { name: "LANGCHAIN_API_KEY", fits: true },
  { name: "CUDA_VISIBLE_DEVICES", fits: false },
  { name: "MODEL", fits: true },
])("a spare will do for a replica with $name: $fits", ({ name, fits }) => {
  expect(fitsSpare({ OTHER: "x", [name]: "x" })).toBe(fits);
});
