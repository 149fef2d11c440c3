/** When the client of a websocket is asked for a word, and when it is given up. */
import { describe, expect, it } from "vitest";
import { watchIdle } from "../../src/replica/websocket-idle.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const IDLE_MS = 1_000;

/** A websocket whose pings leave at once, unless `backlog` is set: then `sent` has to be called. */
function watch() {
  const clock = new VirtualClock();
  const stream = { received: 0, taken: 0 };
  const seen = { pings: 0, terminated: false, sent: () => {} };
  const state = { backlog: false, isPaused: false, isOpen: true };
  const end = watchIdle(
    {
      get isPaused() {
        return state.isPaused;
      },
      get isOpen() {
        return state.isOpen;
      },
      ping(sent) {
        seen.pings += 1;
        if (state.backlog) seen.sent = sent;
        else sent();
      },
      terminate() {
        seen.terminated = true;
      },
    },
    stream,
    clock,
    IDLE_MS,
  );
  return { clock, stream, seen, state, end };
}

describe("the client of a websocket", () => {
  it("is asked once it was silent for the time, and given up after as long without a word", async () => {
    const { clock, seen } = watch();
    await clock.advance(IDLE_MS);
    expect(seen).toMatchObject({ pings: 1, terminated: false });
    await clock.advance(IDLE_MS - 1);
    expect(seen.terminated).toBe(false);
    await clock.advance(1);
    expect(seen).toMatchObject({ pings: 1, terminated: true });
  });

  it("that answers is asked again and again, and one that speaks is not", async () => {
    const { clock, stream, seen } = watch();
    for (let i = 0; i < 10; i++) {
      await clock.advance(IDLE_MS);
      stream.received += 2;
    }
    expect(seen).toMatchObject({ pings: 1, terminated: false });
    await clock.advance(3 * IDLE_MS);
    expect(seen).toMatchObject({ pings: 2, terminated: true });
  });

  it("that takes slowly what was sent before the ping is not given up while it takes of it", async () => {
    const { clock, stream, seen, state } = watch();
    state.backlog = true;
    await clock.advance(IDLE_MS);
    expect(seen.pings).toBe(1);
    for (let i = 0; i < 10; i++) {
      stream.taken += 65_536;
      await clock.advance(IDLE_MS);
    }
    // From when the ping has left it has the time that others have.
    await clock.advance(IDLE_MS - 1);
    stream.taken += 1;
    seen.sent();
    await clock.advance(IDLE_MS - 1);
    expect(seen).toMatchObject({ pings: 1, terminated: false });
    await clock.advance(1);
    expect(seen.terminated).toBe(true);
  });

  it("that takes nothing of what was sent before the ping is given up after the time", async () => {
    const { clock, seen, state } = watch();
    state.backlog = true;
    await clock.advance(2 * IDLE_MS - 1);
    expect(seen).toMatchObject({ pings: 1, terminated: false });
    await clock.advance(1);
    expect(seen.terminated).toBe(true);
  });

  it("is left alone while it is held back, and once the socket has closed", async () => {
    const { clock, seen, state, end } = watch();
    state.isPaused = true;
    await clock.advance(10 * IDLE_MS);
    expect(seen).toMatchObject({ pings: 0, terminated: false });
    state.isPaused = false;
    end();
    await clock.advance(10 * IDLE_MS);
    expect(seen).toMatchObject({ pings: 0, terminated: false });
  });
});
