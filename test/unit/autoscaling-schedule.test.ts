import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadCurve, valueAt } from "../../src/autoscaling/aggregate.ts";
import { decide } from "../../src/autoscaling/decide.ts";
import { scalingRules } from "../../src/autoscaling/rules.ts";
import { askSchedule, makeSchedule, scheduleHoldsUntilS } from "../../src/autoscaling/schedule.ts";
import { seriesOf } from "../../src/autoscaling/series.ts";
import { NEW_SCALING_STATE } from "../../src/autoscaling/state.ts";
import { AUTOSCALING_DEFAULTS } from "../../src/config/defaults.ts";
import { readScheduleKwargs } from "../../src/config/policy-kwargs.ts";
import { deployAutoscaled, targetOf } from "../support/autoscaled.ts";

const s = (text: string): number => Date.parse(text) / 1000;

function scheduleOf(kwargs: object) {
  const read = readScheduleKwargs(kwargs);
  if (!read.ok) throw new Error(read.issues[0]!.message);
  return makeSchedule(read.kwargs);
}

/** "exact 4" at a time, with the indexes of the open windows. */
function at(kwargs: object, time: string): string {
  const { kind, replicas, open } = scheduleOf(kwargs).at(s(time));
  return `${kind}${kind === "none" ? "" : ` ${replicas}`} [${open.join()}]`;
}

const OFFICE = { timezone: "Europe/Berlin", windows: [{ start: "0 8 * * MON-FRI", end: "0 18 * * *", replicas: 4 }] };
const NIGHT = { windows: [{ start: "0 22 * * *", end: "0 6 * * *", min_replicas: 3 }], else: { min_replicas: 1 } };
const OVERLAP = {
  windows: [
    { cron: "* 9-11 * * *", replicas: 5 },
    { cron: "30-59 11 * * *", min_replicas: 8 },
  ],
};
const ONCE = {
  timezone: "America/New_York",
  windows: [{ start: "2026-11-27T06:00:00", end: "2026-11-28T00:00:00", replicas: 9 }],
};
const DST = { timezone: "Europe/Berlin", windows: [{ start: "30 2 * * *", end: "0 4 * * *", replicas: 2 }] };
const ROUND_THE_CLOCK = { windows: [{ start: "0 0 * * *", end: "0 0 * * *", replicas: 2 }] };

describe("a schedule", () => {
  it.each([
    ["opens at its start, in its time zone", OFFICE, "2026-07-01T06:00:00Z", "exact 4 [0]"],
    ["is closed a moment before", OFFICE, "2026-07-01T05:59:59.999Z", "none []"],
    ["is open a moment before its end", OFFICE, "2026-07-01T15:59:59.999Z", "exact 4 [0]"],
    ["is closed at its end", OFFICE, "2026-07-01T16:00:00Z", "none []"],
    ["opens an hour later by UTC in winter", OFFICE, "2026-12-01T06:30:00Z", "none []"],
    ["is open in winter from then on", OFFICE, "2026-12-01T07:00:00Z", "exact 4 [0]"],
    ["is closed on a Saturday", OFFICE, "2026-07-04T10:00:00Z", "none []"],
    ["may last over midnight", NIGHT, "2026-07-01T02:00:00Z", "floor 3 [0]"],
    ["says what holds otherwise", NIGHT, "2026-07-01T12:00:00Z", "floor 1 []"],
    ["is open in each minute that cron matches", OVERLAP, "2026-07-01T09:00:59Z", "exact 5 [0]"],
    ["takes the largest count of windows that overlap", OVERLAP, "2026-07-01T11:45:00Z", "exact 8 [0,1]"],
    ["leaves it to requests outside", OVERLAP, "2026-07-01T12:00:00Z", "none []"],
    [
      "takes exact counts for floors with compose max",
      { ...OVERLAP, compose: "max" },
      "2026-07-01T09:00:00Z",
      "floor 5 [0]",
    ],
    ["may open once, at a time of its zone", ONCE, "2026-11-27T11:00:00Z", "exact 9 [0]"],
    ["has not opened before that", ONCE, "2026-11-27T10:59:00Z", "none []"],
    ["has closed after it for good", ONCE, "2026-11-28T05:00:00Z", "none []"],
    ["opens when the clock jumps over its start in spring", DST, "2026-03-29T01:00:00Z", "exact 2 [0]"],
    ["is closed before the jump", DST, "2026-03-29T00:59:00Z", "none []"],
    ["opens at the first of two half past twos in autumn", DST, "2026-10-25T00:30:00Z", "exact 2 [0]"],
    ["stays open over the second of them", DST, "2026-10-25T02:59:00Z", "exact 2 [0]"],
    ["stays open where its end is its next start", ROUND_THE_CLOCK, "2026-07-01T00:00:00Z", "exact 2 [0]"],
  ])("%s", (_, kwargs, time, expected) => {
    expect(at(kwargs, time)).toBe(expected);
  });

  it("says the same until `untilS`, whenever it is read, forwards or backwards", () => {
    const times = fc.array(fc.integer({ min: s("2026-03-27T00:00:00Z"), max: s("2026-03-31T00:00:00Z") }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(fc.constantFrom(OFFICE, NIGHT, OVERLAP, DST), times, (kwargs, moments) => {
        const read = scheduleOf(kwargs);
        for (const nowS of moments) {
          const said = read.at(nowS);
          expect(nowS).toBeLessThan(said.untilS);
          const fresh = scheduleOf(kwargs).at(nowS);
          expect([said.kind, said.replicas, said.open]).toEqual([fresh.kind, fresh.replicas, fresh.open]);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("a decision by schedule", () => {
  it("is the same at every tick until the time that is said", () => {
    const config = {
      ...AUTOSCALING_DEFAULTS,
      min_replicas: 0,
      max_replicas: 20,
      upscale_delay_s: 20,
      downscale_delay_s: 40,
    };
    const rules = scalingRules(config);
    const kwargs = [OFFICE, OVERLAP, { ...OVERLAP, compose: "max" }, NIGHT];
    fc.assert(
      fc.property(
        fc.constantFrom(...kwargs),
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 0, max: 12 }),
        fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: -90, max: 90 }),
        (given, running, target, load, offsetS) => {
          const startS = s("2026-07-01T09:00:00Z") + offsetS;
          const curve = loadCurve([seriesOf(load.map((value, i) => [startS - 30 + 6 * i, value]))], "mean");
          const decideAt = (nowS: number, state = NEW_SCALING_STATE) => {
            const total = valueAt(curve, nowS);
            const situation = { rules, running, target, total, source: NO_SOURCE };
            const { answer, wish } = askSchedule(given, situation, target, nowS);
            return { ...decide(situation, state, nowS, answer), wish };
          };
          const first = decideAt(startS);
          const untilS = Math.min(scheduleHoldsUntilS(first.decision, first.wish, curve), startS + 100);
          for (let i = 1; startS + i / 10 < untilS; i += 1) {
            const { decision } = decideAt(startS + i / 10, first.state);
            expect(decision.result).toBe(first.decision.result);
            expect(decision.delay.kind).toBe(first.decision.delay.kind);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("holds in the controller: up before its start plus the delay, down after its end, and no turn in between", async () => {
    // The virtual clock begins at 22:13:20.
    const policy = {
      policy_function: "windlass:schedule",
      policy_kwargs: { windows: [{ start: "15 22 * * *", end: "20 22 * * *", replicas: 6 }], else: { replicas: 2 } },
    };
    const { simulation } = await deployAutoscaled({ policy });
    await simulation.clock.advance(30_000);
    expect(targetOf(simulation)).toBe(2);
    const { revision } = simulation.store;
    await simulation.clock.advance(60_000);
    expect(simulation.store.revision).toBe(revision);
    await simulation.clock.advance(11_000);
    expect(targetOf(simulation)).toBe(6);
    await simulation.clock.advance(298_000);
    expect(targetOf(simulation)).toBe(6);
    await simulation.clock.advance(4_000);
    expect(targetOf(simulation)).toBe(2);
    await simulation.controller.close();
  });
});

const NO_SOURCE = { runningFrom: "none", series: 0, oldestS: null, newestS: null } as const;
