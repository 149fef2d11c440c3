import { describe, expect, it } from "vitest";
import type { ContenderName } from "../../bench/peers/contenders.ts";
import type { Figures } from "../../bench/peers/side.ts";
import { sideTables } from "../../bench/peers/side-table.ts";
import { MAIN } from "../../bench/peers/workloads.ts";

const figures = (perSecond: number, p99Ms: number, more: Partial<Figures> = {}): Figures => ({
  perSecond,
  p50Ms: p99Ms / 2,
  p99Ms,
  userUs: 6e5 / perSecond,
  systemUs: 4e5 / perSecond,
  cores: 1,
  generator: 0.5,
  failures: {},
  ...more,
});

const row: Record<ContenderName, Figures> = {
  bare: figures(80_000, 1),
  nginx: figures(40_000, 2),
  windlass: figures(20_000, 5),
  haproxy: figures(2_000, 26),
  ray: figures(400, 100),
};

const lineOf = (text: string, start: string): string => text.split("\n").find((line) => line.startsWith(start)) ?? "";

describe("the bench's tables side by side", () => {
  it("give each budget of the main row its verdict", () => {
    const text = sideTables({ figures: { [MAIN]: row }, missing: {} });
    expect(lineOf(text, `| ${MAIN} | 80,000/s`)).toBe(
      `| ${MAIN} | 80,000/s | 40,000/s | 20,000/s | 2,000/s | 400/s | 0.25× | 0.50× | 10.0× | 50.0× ` +
        "| ≥ 0.6 × bare; ≥ 8 × Ray with HAProxy; ≥ 100 × Ray's default | **not met**; met; **not met** |",
    );
    expect(lineOf(text, `| ${MAIN} | 500 µs / 1.00 ms`)).toMatch(/p99 ≤ 1\/5 of Ray's best \| met \|$/);
  });

  it("say what is missing, and judge nothing by it", () => {
    const { bare, windlass } = row;
    const text = sideTables({ figures: { [MAIN]: { bare, windlass } }, missing: { haproxy: "no such binary" } });
    expect(text).toContain("- **Ray Serve 2.60.0 with HAProxy is missing**: no such binary");
    expect(lineOf(text, `| ${MAIN} | 80,000/s`)).toMatch(/\*\*not met\*\*; not measured; not measured \|$/);
  });

  it("name failed requests, and where the generator limits", () => {
    const bare = figures(80_000, 1, { generator: 0.95 });
    const windlass = figures(20_000, 5, { failures: { "status 503": 3 } });
    const text = sideTables({ figures: { [MAIN]: { ...row, bare, windlass } }, missing: {} });
    expect(text).toContain("20,000/s (**3 failed**)");
    expect(text).toContain(`- **Failed**, ${MAIN}, Windlass: 3 × status 503.`);
    expect(text).toContain(`${MAIN}: bare node:http (95 % of a core)`);
  });

  it("reckon with what a request takes", () => {
    const text = sideTables({ figures: { [MAIN]: row }, missing: {} });
    expect(text).toMatch(/a request takes Windlass 50\.0 µs of CPU time and the generator 25\.0 µs/);
    expect(text).toMatch(/0\.6 × bare is 48,000\/s/);
  });

  it("leave out what no request came back from", () => {
    const nothing = figures(0, 1, { p50Ms: null, p99Ms: null, userUs: null, systemUs: null });
    const text = sideTables({
      figures: { "bodies of 10 MB up, 4 connections": { ...row, windlass: nothing } },
      missing: {},
    });
    expect(text).not.toMatch(/NaN|Infinity|null/);
  });
});
