import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, it } from "vitest";
import { Admission } from "../../src/replica/admission.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

/** An admission with one slot, taken, and requests by name that wait for it. */
function setUp(max = 1) {
  const clock = new VirtualClock();
  const admission = new Admission(max, clock);
  const heard: string[] = [];
  const wait = (name: string, waitedMs = 0, patienceMs = 200) =>
    admission.wait({
      waitedMs,
      patienceMs,
      onEntered: () => void heard.push(`${name} entered`),
      onRefused: () => void heard.push(`${name} refused`),
    });
  for (let each = 0; each < max; each++) admission.enter(undefined);
  return { clock, admission, heard, wait };
}

describe("requests that wait at a replica", () => {
  it("enter as slots become free, those first who have waited longest, wherever", async () => {
    const { admission, heard, wait, clock } = setUp();
    wait("a", 50);
    wait("b", 120);
    await clock.advance(20);
    wait("c", 70);
    wait("d", 60);
    expect(admission.waiting).toBe(4);
    for (let each = 0; each < 4; each++) {
      // No newcomer passes them.
      expect(admission.enter(undefined)).toBe(false);
      admission.leave();
    }
    expect(heard).toEqual(["b entered", "a entered", "c entered", "d entered"]);
    expect([admission.ongoing, admission.waiting, clock.pending]).toEqual([1, 0, 0]);
  });

  it("are refused when their time is over, at most 10 s", async () => {
    const { admission, heard, wait, clock } = setUp();
    wait("a");
    wait("b", 0, 1e9);
    await clock.advance(199);
    expect(heard).toEqual([]);
    await clock.advance(1);
    expect(heard).toEqual(["a refused"]);
    await clock.advance(9_800);
    expect(heard).toEqual(["a refused", "b refused"]);
    admission.leave();
    expect([heard.length, admission.ongoing]).toEqual([2, 0]);
  });

  it("leave the line with their callers", () => {
    const { admission, heard, wait, clock } = setUp();
    const leave = wait("a")!;
    wait("b");
    leave();
    leave();
    admission.leave();
    expect([heard, clock.pending]).toEqual([["b entered"], 0]);
  });

  it("enter at once under a higher limit, and are served before a replica is idle", async () => {
    const { admission, heard, wait } = setUp();
    wait("a");
    wait("b");
    admission.setMax(2);
    expect(heard).toEqual(["a entered"]);
    let idle = false;
    void admission.idle().then(() => {
      idle = true;
    });
    admission.leave();
    admission.leave();
    await Promise.resolve();
    expect([heard, idle]).toEqual([["a entered", "b entered"], false]);
    admission.leave();
    await Promise.resolve();
    expect(idle).toBe(true);
  });

  it("are refused by a replica that closes, as is who comes later", () => {
    const { admission, heard, wait, clock } = setUp();
    wait("a");
    admission.close();
    expect([heard, wait("b"), clock.pending]).toEqual([["a refused"], undefined, 0]);
    admission.leave();
    expect(heard).toEqual(["a refused"]);
  });

  it("run in their own asynchronous context, not in that of whose end made room", () => {
    const store = new AsyncLocalStorage<string>();
    const { admission } = setUp();
    let seen: string | undefined;
    const entered = (): void => {
      seen = store.getStore();
    };
    store.run("own", () => admission.wait({ waitedMs: 0, patienceMs: 100, onEntered: entered, onRefused: () => {} }));
    store.run("other", () => admission.leave());
    expect(seen).toBe("own");
  });
});
