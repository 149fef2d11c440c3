import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock } from "../../src/core/system-clock.ts";
import { policyInputOf, startPolicies } from "../support/policies.ts";
import { eventually } from "../support/windlass.ts";

const FUNCTION = `export function double(input, kwargs) {
  return { desired: input.currentNumReplicas * (kwargs.by ?? 2), state: { calls: (input.policyState.calls ?? 0) + 1 } };
}`;
const COUNTER = `export class Counter {
  #calls = 0;
  constructor(kwargs) { this.step = kwargs.step; }
  async decide(input) { this.#calls += 1; return { desired: this.#calls * this.step }; }
}`;

it("asks a function with its arguments, and hands its state back", async () => {
  const { ask } = await startPolicies({ "policy.ts": FUNCTION });
  const input = policyInputOf({ policyState: { calls: 4 } });
  expect(await ask("./policy.ts:double", { kwargs: { by: 3 }, input })).toEqual({
    kind: "returned",
    value: { desired: 6, state: { calls: 5 } },
    warning: null,
  });
});

it("makes one instance of a class in each generation, and keeps it when the controller restarts", async () => {
  const { ask, pid, restartController } = await startPolicies({ "policy.ts": COUNTER });
  const given = { kwargs: { step: 2 } };
  const desired = async (more = {}) => {
    const outcome = await ask("policy:Counter", { ...given, ...more });
    return outcome.kind === "returned" ? (outcome.value as { desired: number }).desired : outcome.reason;
  };
  expect([await desired(), await desired()]).toEqual([2, 4]);
  const before = pid();
  await restartController();
  expect(await desired()).toBe(6);
  expect(pid()).toBe(before);
  expect(await desired({ generation: "2" })).toBe(2);
});

it("asks an application's policy about all deployments at once", async () => {
  const { ask } = await startPolicies({
    "policy.ts": `export const share = (inputs) => ({
      desired: Object.fromEntries(Object.entries(inputs).map(([name, { totalNumRequests }]) => [name, totalNumRequests / 4])),
    });`,
  });
  const input = { a: policyInputOf({ deployment: "a" }), b: policyInputOf({ deployment: "b", totalNumRequests: 12 }) };
  expect(await ask("./policy.ts:share", { deployment: null, input })).toMatchObject({
    value: { desired: { a: 2, b: 3 } },
  });
});

it.each([
  {
    name: "throws",
    code: 'export function policy() {\n  throw new TypeError("no such\\nmetric");\n}',
    reason: "TypeError: no such metric (policy.ts:2:9)",
  },
  {
    name: "rejects",
    code: 'export async function policy() {\n  await null;\n  throw new Error("late");\n}',
    reason: "Error: late (policy.ts:3:9)",
  },
  {
    name: "returns nothing",
    code: "export function policy() {}",
    reason: "the policy returned no object; return { desired, state }",
  },
  {
    name: "returns no finite number",
    code: "export const policy = () => ({ desired: 1 / 0 });",
    reason: "the policy returned Infinity replicas; return a finite number",
  },
  {
    name: "returns a cycle",
    code: "export const policy = () => { const state = {}; state.self = state; return { desired: 1, state }; };",
    reason: "the policy returned what cannot be written as JSON: ",
  },
  {
    name: "returns too much",
    code: 'export const policy = () => ({ desired: 1, state: { text: "x".repeat(70000) } });',
    reason: "the policy returned 70033 bytes as JSON; keep a smaller state, up to 65536",
  },
  { name: "is not there", code: "export const polcy = 1;", reason: 'no export "policy": the module exports polcy' },
  {
    name: "is no function",
    code: "export const policy = 1;",
    reason: 'export "policy" must be a function, or a class with decide(input)',
  },
  {
    name: "is a class without decide",
    code: "export class policy {}",
    reason: 'class "policy" has no method decide(input); add it',
  },
  {
    name: "throws while it loads",
    code: 'throw new Error("no key");',
    reason: "Error: no key (policy.ts:1:7)",
  },
  { name: "is not valid code", code: "export const policy = ;", reason: 'policy.ts:1:23: Unexpected ";"' },
])("a policy that $name fails in one line", async ({ code, reason }) => {
  const { ask } = await startPolicies({ "policy.ts": code });
  const outcome = await ask("./policy.ts:policy");
  expect(outcome).toMatchObject({ kind: "failed", reason: expect.stringContaining(`./policy.ts:policy: ${reason}`) });
  expect(outcome.kind === "failed" && outcome.reason).not.toContain("\n");
});

it("a module that is missing fails with the names that were looked for", async () => {
  const { ask } = await startPolicies({});
  expect(await ask("./none:policy")).toMatchObject({
    kind: "failed",
    reason: expect.stringMatching(/^\.\/none:policy: no such file; looked for none\.ts, none\.mts, /),
  });
});

const MISHAPS = `export const fine = () => ({ desired: 3 });
export const blocks = () => { for (;;); };
export const hangs = () => new Promise(() => {});
export const exits = () => process.exit(3);
export const crashes = () => new Promise(() => { setImmediate(() => { throw new RangeError("loose"); }); });
export class Kept { n = 0; decide() { return { desired: ++this.n }; } }`;

it.each([
  { name: "blocks", reason: "took longer than 0.3 s, so its process was ended", deadlineMs: 300 },
  { name: "hangs", reason: "took longer than 0.3 s, so its process was ended", deadlineMs: 300 },
  { name: "exits", reason: "its process exited with code 3" },
  { name: "crashes", reason: "its process ended: RangeError: loose (policy.ts:5:" },
])(
  "a policy that $name fails alone: others of its application answer, itself it is left alone for a while",
  async ({ name, reason, deadlineMs = 10_000 }) => {
    // The pause of a second lasts a minute, so that it is not over before a busy machine has asked again.
    const slow = { ...systemClock, monotonic: () => systemClock.monotonic() / 60 };
    const { ask, pid } = await startPolicies({ "policy.ts": MISHAPS }, slow);
    expect(await ask("./policy.ts:fine", { deployment: "other" })).toMatchObject({ value: { desired: 3 } });
    const before = pid();
    const [bad, good] = await Promise.all([
      ask(`./policy.ts:${name}`, { deployment: "bad", deadlineMs }),
      ask("./policy.ts:fine", { deployment: "other" }),
    ]);
    const failed = { kind: "failed", reason: expect.stringContaining(`./policy.ts:${name}: ${reason}`) };
    expect(bad).toMatchObject(failed);
    expect(good).toMatchObject({ value: { desired: 3 } });
    // The same answer at once, without a process being ended for it.
    expect(await ask("./policy.ts:fine", { deployment: "other" })).toMatchObject({ value: { desired: 3 } });
    const after = pid();
    expect(after).not.toBe(before);
    expect(await ask(`./policy.ts:${name}`, { deployment: "bad", deadlineMs })).toEqual(bad);
    expect(pid()).toBe(after);
  },
);

it("a shadow's policy runs in a process of its own, so that one that blocks costs the one that is followed nothing", async () => {
  const { ask, pid } = await startPolicies({ "policy.ts": MISHAPS });
  expect(await ask("./policy.ts:Kept")).toMatchObject({ value: { desired: 1 } });
  const before = pid();
  const blocked = await ask("./policy.ts:blocks", { shadow: true, deadlineMs: 300 });
  expect(blocked).toMatchObject({ kind: "failed", reason: expect.stringContaining("took longer than 0.3 s") });
  expect(await ask("./policy.ts:Kept")).toMatchObject({ value: { desired: 2 } });
  expect(pid()).toBe(before);
});

it("a policy that took too long is asked again after its pause", async () => {
  const { ask, dir } = await startPolicies({
    "policy.ts": `import { existsSync } from "node:fs";
export const policy = ({ runningReplicas }) => existsSync(runningReplicas[0]) ? { desired: 1 } : new Promise(() => {});`,
  });
  const flag = join(dir, "flag");
  const given = { deadlineMs: 200, input: policyInputOf({ runningReplicas: [flag] }) };
  expect(await ask("./policy.ts:policy", given)).toMatchObject({ kind: "failed" });
  writeFileSync(flag, "");
  await eventually(async () => (await ask("./policy.ts:policy", given)).kind === "returned");
});

it("a process that was killed is started again, and asks what was open once more", async () => {
  const { ask, kill, pid } = await startPolicies({ "policy.ts": MISHAPS });
  await ask("./policy.ts:fine");
  const before = pid();
  kill();
  await eventually(async () => (await ask("./policy.ts:fine")).kind === "returned");
  expect(pid()).not.toBe(before);
});

it("another environment means another process", async () => {
  const { ask, pid } = await startPolicies({
    "policy.ts": "export const policy = () => ({ desired: Number(process.env.WISH) });",
  });
  expect(await ask("./policy.ts:policy", { env: { WISH: "4" } })).toMatchObject({ value: { desired: 4 } });
  const before = pid();
  const given = { env: { WISH: "5" }, generation: "2" };
  expect(await ask("./policy.ts:policy", given)).toMatchObject({ value: { desired: 5 } });
  expect(pid()).not.toBe(before);
});

it("ends a process that is not asked for a minute, and starts one anew when it is", async () => {
  const minutes = new Set<() => void>();
  const { ask, pid } = await startPolicies(
    { "policy.ts": COUNTER },
    {
      ...systemClock,
      timer(delayMs, fn, options) {
        if (delayMs < 60_000) return systemClock.timer(delayMs, fn, options);
        minutes.add(fn);
        return { cancel: () => void minutes.delete(fn) };
      },
    },
  );
  const given = { kwargs: { step: 1 } };
  await ask("policy:Counter", given);
  expect(await ask("policy:Counter", given)).toMatchObject({ value: { desired: 2 } });
  expect(minutes.size).toBe(1);
  for (const pass of minutes) pass();
  await eventually(() => pid() === undefined);
  expect(await ask("policy:Counter", given)).toMatchObject({ value: { desired: 1 } });
});
