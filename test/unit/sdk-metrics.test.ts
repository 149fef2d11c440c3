import { describe, expect, it } from "vitest";
import { MetricSet } from "../../src/observability/metric-set.ts";
import { RequestScope } from "../../src/replica/request-scope.ts";
import { deployment, metrics } from "../../src/sdk/index.ts";
import { runtime } from "../../src/sdk/runtime.ts";
import { runLocal } from "../../src/testing/index.ts";

/** Runs code as that of a replica of its own, and gives what it counted. */
function counted(work: () => void): Record<string, unknown> {
  const set = new MetricSet();
  runtime().places.run({ replica: {} as never, router: {} as never, metrics: set }, work);
  return Object.fromEntries(
    set
      .families()
      .map(({ name, series }) => [
        name,
        Object.fromEntries(series.map(({ labels, value, counts }) => [labels.join(" "), counts ?? value])),
      ]),
  );
}

describe("metrics of applications", () => {
  it("count, are set, and are put into buckets, by labels and their defaults", () => {
    const taken = new metrics.Counter("t1_orders", { labels: ["kind", "shop"], defaultLabels: { shop: "main" } });
    const stock = new metrics.Gauge("t1_stock");
    const sizes = new metrics.Histogram("t1_sizes", { boundaries: [1, 5] });
    expect(
      counted(() => {
        taken.inc(1, { kind: "fruit" });
        taken.inc(2.5, { kind: "fruit", shop: "other" });
        taken.inc(undefined, { kind: "fruit" });
        stock.set(4);
        stock.set(-3);
        for (const size of [1, 3, 9]) sizes.observe(size);
      }),
    ).toEqual({
      t1_orders: { "fruit main": 2, "fruit other": 2.5 },
      t1_stock: { "": -3 },
      t1_sizes: { "": [1, 1, 1] },
    });
  });

  it("take the route from the request unless it is given", () => {
    const seen = new metrics.Counter("t2_seen", { labels: ["route"] });
    expect(
      counted(() => {
        runtime().requests.run(new RequestScope("id", "", 0, "", "/shop"), () => {
          seen.inc();
          seen.inc(1, { route: "/own" });
        });
        seen.inc();
      }),
    ).toEqual({ t2_seen: { "/shop": 1, "/own": 1, "": 1 } });
  });

  it("keep 255 series apart, and count the others as one", () => {
    const many = new metrics.Counter("t3_many", { labels: ["id"] });
    const { t3_many } = counted(() => {
      for (let i = 0; i < 1_000; i++) many.inc(1, { id: String(i) });
    }) as { t3_many: Record<string, number> };
    expect(Object.keys(t3_many)).toHaveLength(256);
    expect(t3_many["OTHER"]).toBe(745);
  });

  it("belong to the replica that counts, though they are declared once", () => {
    const both = new metrics.Counter("t4_both");
    expect(counted(() => both.inc(1))).toEqual({ t4_both: { "": 1 } });
    expect(counted(() => both.inc(2))).toEqual({ t4_both: { "": 2 } });
  });

  it.each([
    ["1st", {}, '"1st" is no name of a metric: letters, digits, _ and :, no digit first'],
    ["a-b", {}, '"a-b" is no name of a metric: letters, digits, _ and :, no digit first'],
    ["serve_x", {}, `"serve_x" begins as Windlass's own metrics do: choose another beginning than serve_`],
    ["t5", { labels: ["replica"] }, 'the label "replica" of t5 is reserved: choose another'],
    ["t5", { labels: ["__x"] }, '"__x" of t5 is no name of a label: letters, digits and _, no digit and no __ first'],
    ["t5", { labels: ["a", "a"] }, "t5 has a label twice"],
    ["t5", { labels: ["a"], defaultLabels: { b: "x" } }, 't5 has no label "b": it has a'],
    ["t5", { boundaries: [] }, "the boundaries of t5 must be finite numbers that rise, at least one: []"],
    ["t5", { boundaries: [1, 1] }, "the boundaries of t5 must be finite numbers that rise, at least one: [1, 1]"],
  ])("refuse the declaration %s %j", (name, options, message) => {
    expect(() => new metrics.Histogram(name, options as never)).toThrow(new TypeError(message));
  });

  it("refuse one name for two things, and take the same declaration twice", () => {
    new metrics.Counter("t6", { labels: ["a"] });
    new metrics.Counter("t6", { labels: ["a"] });
    expect(() => new metrics.Gauge("t6", { labels: ["a"] })).toThrow("t6 was declared already");
    expect(() => new metrics.Counter("t6")).toThrow("t6 was declared already");
    // What was refused once is refused again, and what was there first stays.
    expect(() => new metrics.Counter("t6")).toThrow("t6 was declared already");
    new metrics.Counter("t6", { labels: ["a"] });
  });

  it.each([
    ["inc", 0, "t7_c.inc() needs a number above 0, not 0"],
    ["inc", -1, "t7_c.inc() needs a number above 0, not -1"],
    ["inc", Number.NaN, "t7_c.inc() needs a number above 0, not NaN"],
    ["set", Number.NaN, "t7_g.set() needs a number, not NaN"],
    ["observe", Number.POSITIVE_INFINITY, "t7_h.observe() needs a finite number, not Infinity"],
  ] as const)("refuse %s(%d), and count nothing", (method, value, message) => {
    const counter = new metrics.Counter("t7_c");
    const gauge = new metrics.Gauge("t7_g");
    const histogram = new metrics.Histogram("t7_h");
    const use = { inc: () => counter.inc(value), set: () => gauge.set(value), observe: () => histogram.observe(value) };
    expect(counted(() => expect(use[method]).toThrow(new RangeError(message)))).toEqual({});
  });

  it("refuse options that they do not have, and amounts that are text", () => {
    const made = (options: object) => () => new metrics.Counter("t9_orders", options as never);
    expect(made({ label: ["kind"] })).toThrow('t9_orders has no option "label": did you mean "labels"?');
    expect(made({ boundaries: [1] })).toThrow('t9_orders has no option "boundaries"');
    expect(() => made({})().inc("5" as never)).toThrow("t9_orders.inc() needs a number above 0, not 5");
  });

  it("refuse labels that are missing or unknown", () => {
    const counter = new metrics.Counter("t8", { labels: ["kind"] });
    expect(() => counter.inc(1, {} as never)).toThrow(new TypeError('t8 needs a value for its label "kind"'));
    expect(() => counter.inc(1, { kind: "a", kin: "b" } as never)).toThrow(
      new TypeError('t8 has no label "kin": it has kind'),
    );
  });

  it("are told by applications under test, each deployment for itself", async () => {
    const calls = new metrics.Counter("t9_calls", { labels: ["who"] });
    const sizes = new metrics.Histogram("t9_sizes");
    class Back {
      call(who: string): void {
        calls.inc(1, { who });
        sizes.observe(who.length);
      }
    }
    const back = deployment(Back).bind();
    class Front {
      readonly back: { remote(who: string): Promise<void> };
      constructor(handle: { remote(who: string): Promise<void> }) {
        this.back = handle;
      }
      async call(who: string): Promise<void> {
        calls.inc(1, { who });
        await this.back.remote(who);
      }
    }
    await using app = await runLocal(deployment(Front).bind(back as never));
    await app.handle.remote("Ada");
    await app.handle.remote("Bob");
    expect(app.metrics.value("t9_calls")).toBe(4);
    expect(app.metrics.value("t9_calls", { who: "Ada" })).toBe(2);
    expect(app.metrics.value("t9_calls", { deployment: "Back", who: "Ada" })).toBe(1);
    expect([app.metrics.count("t9_sizes"), app.metrics.value("t9_sizes")]).toEqual([2, 6]);
    expect(app.metrics.value("t9_nothing")).toBe(0);
  });
});
