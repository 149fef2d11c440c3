import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { bars } from "../../src/simulate/text-chart.ts";
import { timeMarks } from "../../src/simulate/time-axis.ts";
import { fakeApi } from "../support/fake-api.ts";
import { type CliResult, runCli } from "../support/run-cli.ts";
import { tempDir } from "../support/temp-dir.ts";

const examples = resolve(import.meta.dirname, "../../examples/simulate");
const page = readFileSync(resolve(import.meta.dirname, "../../docs/simulate.md"), "utf8");

/** A folder with a config of one deployment and a trace of a few requests. */
function folder(files: Readonly<Record<string, string>> = {}): string {
  const dir = tempDir();
  const own = {
    "a.yaml":
      "applications:\n  - name: a\n    import_path: ./a.ts:app\n    deployments:\n      - {name: D, num_replicas: 1, max_ongoing_requests: 1}\n",
    "t.csv": "arrival_s,service_s\n0,3\n1,3\n2,3\n",
    ...files,
  };
  for (const [name, text] of Object.entries(own)) writeFileSync(join(dir, name), text);
  return dir;
}

const simulate = (cwd: string, ...argv: string[]): Promise<CliResult> => runCli(["simulate", ...argv], { cwd });
const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");
const BASE = ["--config", "a.yaml", "--trace", "t.csv"];

/** A config whose deployment is autoscaled. */
const AUTO =
  "applications:\n  - name: a\n    import_path: ./a.ts:app\n    deployments:\n      - name: D\n        autoscaling_config: {min_replicas: 1, max_replicas: 9, target_ongoing_requests: 2, metrics_interval_s: 1, look_back_period_s: 2, upscale_delay_s: 1, downscale_delay_s: 2}\n";
const FROM_S = 1_790_000_000;

/** An instance that recorded 8 requests for 30 s, with 2 replicas, of `a/D` alone. */
const recorded = () =>
  fakeApi({
    deployments: {
      getRecordedLoad: ({ name }) => {
        if (name !== "applications/a/deployments/D") throw new ConnectError("there is none", Code.NotFound);
        return {
          startTimeS: FROM_S,
          endTimeS: FROM_S + 60,
          requestTimesS: [FROM_S, FROM_S + 30],
          requests: [8, 0],
          replicaTimesS: [FROM_S],
          targetReplicas: [2],
          runningReplicas: [2],
        };
      },
    },
  });

interface Document {
  trace: { length_s: number };
  configs: {
    file: string;
    total: Record<string, number>;
    deployments: (Record<string, unknown> & { name: string })[];
  }[];
}

describe("windlass simulate", () => {
  it("prints a chart and the results, plain where stdout is no terminal", async () => {
    const { code, out, err } = await simulate(folder(), ...BASE);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("a/D, 2 s of t.csv");
    expect(out).toMatch(/^requests waiting or worked on\n(.*│.*\n){6}replicas that serve\n(.*│.*\n){6}/m);
    expect(out).toMatch(/^wait p50 +2 s$/m);
    expect(out).toMatch(/^wait max +4 s$/m);
    expect(out).not.toContain("\u001b");
    const shown = await runCli(["simulate", ...BASE], {
      cwd: folder(),
      screen: { rows: 40, columns: 60, colour: true },
    });
    expect(shown.out).toContain("\u001b[36m");
    const plain = shown.out.split("\n").map((line) => line.replaceAll(ESCAPES, ""));
    expect(Math.max(...plain.map((line) => line.length))).toBeLessThanOrEqual(60);
  });

  it("gives a document with the numbers and every change of a target", async () => {
    const { out } = await simulate(folder(), ...BASE, "-o", "json");
    const { trace, configs } = JSON.parse(out) as Document;
    expect(trace.length_s).toBe(2);
    expect(configs[0]).toMatchObject({
      file: "a.yaml",
      total: { requests: 3, completed: 3, wait_p50_s: 2, wait_max_s: 4, replica_seconds: 9, utilisation: 1 },
      deployments: [{ name: "a/D", targets: [{ at_s: 0, replicas: 1 }] }],
    });
  });

  it("sets two configs side by side, under the same requests", async () => {
    const argv = ["--config", "shop.yaml", "--compare", "shop-quick.yaml", "--trace", "day.csv"];
    const { code, out, err } = await simulate(examples, ...argv, "-o", "yaml");
    expect([code, err]).toEqual([0, ""]);
    const [first, second] = (parse(out) as Document).configs;
    expect(second!.total["requests"]).toBe(first!.total["requests"]);
    expect(second!.total["shed"]).toBeLessThan(first!.total["shed"]!);
    const { out: text } = await simulate(examples, ...argv);
    expect(text).toMatch(/^ +shop\.yaml +shop-quick\.yaml +DIFFERENCE$/m);
    expect(text).toMatch(/^shed .* -\d+\.\d %$/m);
  });

  it("lists several deployments, with a line for all", async () => {
    const two = "applications:\n  - {name: a, import_path: ./a.ts:app, deployments: [{name: D}, {name: E}]}\n";
    const dir = folder({ "two.yaml": two, "two.csv": "arrival_s,service_s,deployment\n0,1,D\n5,1,E\n" });
    const { out } = await simulate(dir, "--config", "two.yaml", "--trace", "two.csv");
    expect(out).toContain("2 deployments, 5 s of two.csv");
    expect(out).toMatch(/^DEPLOYMENT +REQUESTS .*\na\/D +1 .*\na\/E +1 .*\nall +2 /m);
    const both = await simulate(dir, "--config", "two.yaml", "--compare", "two.yaml", "--trace", "two.csv");
    expect(both.out).toMatch(/^a\/D\n[\s\S]*^a\/E\n[\s\S]*^all deployments\n/m);
  });

  it("shows in charts and documents when the windows of a schedule are open", async () => {
    const schedule = `autoscaling_config: {max_replicas: 9, policy: {policy_function: "windlass:schedule", policy_kwargs: {windows: [{start: "0 6 * * *", end: "0 12 * * *", min_replicas: 2}, {cron: "* 18-23 * * *", replicas: 1}]}}}`;
    const config = readFileSync(join(folder(), "a.yaml"), "utf8").replace("num_replicas: 1", schedule);
    const dir = folder({ "s.yaml": config, "day.csv": "start_s,end_s,rps,service_s\n0,86400,0,1\n" });
    const argv = ["--config", "s.yaml", "--trace", "day.csv"];
    const { out } = await simulate(dir, ...argv);
    const rows = /^windows that are open\n(.*)\n(.*)\n(.*)\n(.*)\n/m.exec(out)!.slice(1);
    expect(rows[0]).toMatch(/^ {7}│ {19,20}▬{19,21}$/);
    expect(rows[1]).toBe("        0 6 * * * to 0 12 * * *: at least 2");
    expect(rows[2]).toMatch(/^ {7}│ {58,59}▬{19,20}$/);
    expect(rows[3]).toBe("        * 18-23 * * *: exactly 1");
    const { configs } = JSON.parse((await simulate(dir, ...argv, "-o", "json")).out) as {
      configs: [{ deployments: [{ windows: object }] }];
    };
    expect(configs[0].deployments[0].windows).toEqual([
      { at_s: 0, open: [] },
      { at_s: 21_600, open: [0] },
      { at_s: 43_200, open: [] },
      { at_s: 64_800, open: [1] },
    ]);
    await simulate(dir, ...argv, "--out", "r.svg");
    const titles = [...readFileSync(join(dir, "r.svg"), "utf8").matchAll(/<rect [^>]*><title>(.*?)<\/title>/g)];
    expect(titles.map(([, title]) => title)).toEqual([
      "0 6 * * * to 0 12 * * *: at least 2",
      "* 18-23 * * *: exactly 1",
    ]);
  });

  it.each(["report.html", "report.svg"])("writes %s, which needs nothing else and escapes names", async (name) => {
    const dir = folder({ "<b>.yaml": readFileSync(join(folder(), "a.yaml"), "utf8") });
    const { code, out } = await simulate(
      dir,
      "--config",
      "<b>.yaml",
      "--compare",
      "a.yaml",
      "--trace",
      "t.csv",
      "--out",
      name,
    );
    expect(code).toBe(0);
    expect(out).toContain(`${name} is written`);
    const text = readFileSync(join(dir, name), "utf8");
    expect(text).toContain("&lt;b&gt;.yaml");
    expect(text).not.toMatch(/<b>|<script|<link|<img|src=|url\(|@import|NaN|Infinity|undefined/);
    expect(text.match(/https?:\/\/[^"]*/g) ?? []).toEqual(name.endsWith("svg") ? ["http://www.w3.org/2000/svg"] : []);
    // A page has each chart in two sizes.
    expect(text.match(/<path class="line"/g)).toHaveLength(name.endsWith("svg") ? 2 : 4);
  });

  it.each([
    {
      name: "report.html",
      head: /<span class="named">a\.yaml<\/span><\/th><th .*<span class="named">b\.yaml<\/span><\/th><th>difference<\/th>/,
      row: "<tr><td>peak replicas</td><td>1</td><td>3</td><td>+200.0 %</td></tr>",
    },
    {
      name: "report.svg",
      head: />a\.yaml<\/text><text [^>]*>b\.yaml<\/text><text [^>]*>DIFFERENCE<\/text>/,
      row: /peak replicas<\/text><text [^>]*>1<\/text><text [^>]*>3<\/text><text [^>]*>\+200\.0 %<\/text>/,
    },
  ])("shows in $name how two configs differ, under their names", async ({ name, head, row }) => {
    const more = readFileSync(join(folder(), "a.yaml"), "utf8").replace("num_replicas: 1", "num_replicas: 3");
    const dir = folder({ "b.yaml": more });
    const both = await simulate(dir, ...BASE, "--compare", "b.yaml", "--out", name);
    expect([both.code, both.err]).toEqual([0, ""]);
    const text = readFileSync(join(dir, name), "utf8");
    expect(text).toMatch(head);
    expect(text).toMatch(row);
    await simulate(dir, ...BASE, "--out", name);
    expect(readFileSync(join(dir, name), "utf8")).not.toMatch(/difference/i);
  });

  it.each([
    {
      name: "a config that is not there",
      argv: ["--config", "x.yaml", "--trace", "t.csv"],
      code: 1,
      says: "x.yaml: no such file",
    },
    {
      name: "a trace that is not there",
      argv: ["--config", "a.yaml", "--trace", "x.csv"],
      code: 1,
      says: "x.csv: no such file",
    },
    { name: "a folder as a trace", argv: ["--config", "a.yaml", "--trace", "."], code: 1, says: ".: is a folder" },
    {
      name: "a broken config, as deploy says it",
      argv: ["--config", "bad.yaml", "--trace", "t.csv"],
      code: 1,
      says: "bad.yaml:4:",
    },
    {
      name: "a broken trace",
      argv: ["--config", "a.yaml", "--trace", "bad.csv"],
      code: 1,
      says: 'bad.csv:2: arrival_s is "x"',
    },
    {
      name: "a config without deployments",
      argv: ["--config", "none.yaml", "--trace", "t.csv"],
      code: 1,
      says: "none.yaml: names no deployment",
    },
    {
      name: "a deployment that is not there",
      argv: [...BASE, "--deployment", "a/X"],
      code: 1,
      says: "--deployment a/X: is not among a/D",
    },
    { name: "a report of another kind", argv: [...BASE, "--out", "r.pdf"], code: 2, says: "name it .html or .svg" },
    {
      name: "a report that cannot be written",
      argv: [...BASE, "--out", "a.yaml/r.svg"],
      code: 1,
      says: "a.yaml/r.svg: cannot be written",
    },
    { name: "no load", argv: ["--config", "a.yaml"], code: 2, says: "no load given: --trace FILE, or --from TIME" },
    {
      name: "a trace and a time",
      argv: [...BASE, "--from", "1790000000"],
      code: 2,
      says: "--trace and --from: give one",
    },
    {
      name: "a time that is none",
      argv: ["--config", "a.yaml", "--from", "noon"],
      code: 2,
      says: "must be a time like 2026-01-31T12:00:00Z",
    },
    {
      name: "an end before the begin",
      argv: ["--config", "auto.yaml", "--from", "1790000000", "--to", "1790000000"],
      code: 2,
      says: "is not after --from 2026-09-21T14:13:20.000Z",
    },
    {
      name: "a report in a folder that is not there, before anything else",
      argv: ["--config", "a.yaml", "--trace", "none.csv", "--out", "reports/day.html"],
      code: 1,
      says: "--out reports/day.html: there is no folder reports; make it first",
    },
    {
      name: "a begin that is to come",
      argv: ["--config", "auto.yaml", "--from", "4000000000"],
      code: 2,
      says: "--from 2096-10-02T07:06:40.000Z is not past yet",
    },
    {
      name: "a config without autoscaling for a recording",
      argv: ["--config", "a.yaml", "--from", "1790000000", "--to", "1790000100"],
      code: 1,
      says: "no deployment that it lists is autoscaled",
    },
    {
      name: "a start that is no time",
      argv: [...BASE, "--replica-start-s", "soon"],
      code: 2,
      says: "seconds from 0 to 86400",
    },
  ])("refuses $name in one line", async ({ argv, code, says }) => {
    const dir = folder({
      "bad.yaml":
        "applications:\n  - name: a\n    import_path: ./a.ts:app\n    deployments: [{name: D, num_replicas: -1}]\n",
      "auto.yaml": AUTO,
      "none.yaml": "applications:\n  - {name: a, import_path: ./a.ts:app}\n",
      "bad.csv": "arrival_s,service_s\nx,1\n",
    });
    const result = await simulate(dir, ...argv);
    expect([result.code, result.out]).toEqual([code, ""]);
    expect(result.err).toMatch(/^windlass: [^\n]+\n$/);
    expect(result.err).toContain(says);
  });
});

describe("charts", () => {
  it("draw each value to an eighth of a row, and whatever is above 0 at all", () => {
    expect(bars([0, 0.01, 4, 6, 8], 2)).toEqual(["     8 │   ▄█", "     0 │ ▁███"]);
    expect(bars([0, 0], 1)).toEqual(["     1 │"]);
  });

  it("mark round times, of day where they are known", () => {
    expect(timeMarks(86_400, null, 4).map(({ text }) => text)).toEqual(["0", "6h", "12h", "18h", "1d"]);
    expect(timeMarks(90, null, 4).map(({ text }) => text)).toEqual(["0", "30s", "1m", "1m30s"]);
    // 1790000000 is 14:13:20 UTC.
    expect(timeMarks(3600, 1_790_000_000, 4)).toEqual(
      [
        { atS: 400, text: "14:20" },
        { atS: 1000, text: "14:30" },
        { atS: 1600, text: "14:40" },
        { atS: 2200, text: "14:50" },
        { atS: 2800, text: "15:00" },
        { atS: 3400, text: "15:10" },
      ].filter(({ atS }) => (atS - 1000) % 1800 === 0),
    );
  });
});

describe("docs/simulate.md", () => {
  const commands = [...page.matchAll(/^\$ windlass (simulate .*)\n([\s\S]*?)```/gm)];

  it("shows what its command lines print", async () => {
    expect(commands.length).toBeGreaterThan(0);
    for (const [, line, printed] of commands) {
      const { code, out } = await runCli(line!.split(" "), { cwd: examples });
      expect(code).toBe(0);
      expect(out.trimEnd()).toBe(printed!.trimEnd());
    }
  });
});

describe("windlass simulate --from", () => {
  const run = async (files: Readonly<Record<string, string>>, ...argv: string[]) =>
    runCli(["simulate", ...argv], { cwd: folder(files), env: { WINDLASS_ADDRESS: (await recorded()).address } });

  it("tries a config on what an instance recorded, beside what that did itself, and says what it cannot know", async () => {
    const { code, out, err } = await run({ "auto.yaml": AUTO }, "--config", "auto.yaml", "--from", String(FROM_S));
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^a\/D, 1 min 0 s of what http:\S+ recorded from 2026-09-21T14:13:20.000Z$/m);
    expect(out).toMatch(/^replicas that serve: as it was$/m);
    expect(out).toMatch(/^peak replicas +2 +4 +\+100.0 %$/m);
    expect(out).toContain("nothing can be said of waiting and refused requests");
    expect(out).not.toMatch(/^(requests|completed|shed|wait p99) {2}/m);
  });

  it("compares two configs, and gives a document in which what is not known is null", async () => {
    const files = { "auto.yaml": AUTO, "few.yaml": AUTO.replace("max_replicas: 9", "max_replicas: 3") };
    const argv = ["--config", "auto.yaml", "--compare", "few.yaml", "--from", "2026-09-21T14:13:20Z", "-o", "json"];
    const { configs } = JSON.parse((await run(files, ...argv)).out) as Document;
    expect(configs.map(({ file, total }) => [file, total["peak_replicas"], total["requests"]])).toEqual([
      ["auto.yaml", 4, null],
      ["few.yaml", 3, null],
    ]);
  });

  it("says so where nothing is recorded, and leaves out what was not", async () => {
    const other = AUTO.replace("name: D", "name: E");
    const argv = ["--config", "auto.yaml", "--from", String(FROM_S)];
    const { code, err } = await run({ "auto.yaml": other }, ...argv);
    expect(code).toBe(1);
    expect(err).toMatch(/^windlass: http:\S+ has recorded nothing of a\/E between 2026-09-21\S+ and .*\n$/);
    const both = AUTO + other.slice(other.indexOf("      - name: E"));
    const half = await run({ "auto.yaml": both }, ...argv);
    expect([half.code, half.err]).toEqual([0, "a/E is left out: nothing is recorded of it in that time\n"]);
    expect(half.out).toContain("a/D, 1 min");
  });
});
