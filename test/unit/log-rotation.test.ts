/** Logs stay within their bounds and lose nothing: the files of real processes that hold them open. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { logLimits } from "../../src/observability/log-limits.ts";
import { createLogSink } from "../../src/observability/log-sink.ts";
import { keepBounded, rotateClosed, rotateOpen } from "../../src/observability/rotate.ts";
import { tempDir } from "../support/temp-dir.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const ROTATE = new URL("../../src/observability/rotate.ts", import.meta.url).href;

/** A log with its older parts, oldest first. */
function allOf(path: string): string {
  const older = [9, 8, 7, 6, 5, 4, 3, 2, 1].map((index) => `${path}.${index}`).filter((each) => existsSync(each));
  return [...older, path].map((each) => readFileSync(each, "utf8")).join("");
}

describe("a log that a process holds open", () => {
  it("loses no line of either stream when the process itself keeps it bounded", async () => {
    const path = join(tempDir(), "x.log");
    const log = openSync(path, "a");
    const script = `import { rotateOpen } from ${JSON.stringify(ROTATE)};
      let line = 0;
      const write = () => { for (let i = 0; i < 25; i++) (line++ % 2 ? process.stdout : process.stderr).write("line " + line + " " + "x".repeat(80) + "\\n"); };
      for (let round = 0; round < 300; round++) {
        const rotated = rotateOpen(${JSON.stringify(path)}, { maxBytes: 150000, backups: 9 });
        write();
        await rotated;
        write();
      }`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", log, log] });
    onTestFinished(() => void child.kill("SIGKILL"));
    expect(await once(child, "exit")).toEqual([0, null]);
    const lines = allOf(path).trimEnd().split("\n");
    expect(lines.map((line) => Number(line.split(" ")[1]))).toEqual(Array.from({ length: 15_000 }, (_, i) => i + 1));
    expect(existsSync(`${path}.5`)).toBe(true);
    for (const name of readdirSync(join(path, ".."))) {
      expect(statSync(join(path, "..", name)).size).toBeLessThan(150_000 + 10_000);
    }
  });

  it("keeps as many older parts as the limits say, and no draft", async () => {
    const path = join(tempDir(), "x.log");
    for (const text of ["a", "b", "c", "d"]) {
      appendFileSync(path, text.repeat(10));
      await rotateOpen(path, { maxBytes: 10, backups: 2 });
    }
    expect(readdirSync(join(path, "..")).sort()).toEqual(["x.log", "x.log.1", "x.log.2"]);
    expect(allOf(path)).toBe(`${"c".repeat(10)}${"d".repeat(10)}`);
  });

  it.each([
    { name: "leaves a small one alone", limits: { maxBytes: 11, backups: 2 }, left: 10, backup: false },
    { name: "leaves any alone without a bound", limits: { maxBytes: 0, backups: 2 }, left: 10, backup: false },
    { name: "empties it where no older part is kept", limits: { maxBytes: 10, backups: 0 }, left: 0, backup: false },
    { name: "moves a full one away", limits: { maxBytes: 10, backups: 1 }, left: 0, backup: true },
  ])("$name", async ({ limits, left, backup }) => {
    const path = join(tempDir(), "x.log");
    writeFileSync(path, "0123456789");
    await rotateOpen(path, limits);
    expect([statSync(path).size, existsSync(`${path}.1`)]).toEqual([left, backup]);
  });

  it("is looked at again after trouble, which is told once", async () => {
    const path = join(tempDir(), "x.log");
    writeFileSync(path, "0123456789");
    const clock = new VirtualClock(0);
    const errors: string[] = [];
    const keeper = keepBounded(path, { maxBytes: 10, backups: 1 }, clock, (error) => void errors.push(error));
    onTestFinished(() => keeper.stop());
    // A folder cannot be copied onto.
    const draft = `${path}.0`;
    mkdirSync(join(draft, "full"), { recursive: true });
    const looked = async (holds: () => boolean): Promise<boolean> => {
      await clock.advance(1_000);
      return holds();
    };
    await expect.poll(() => looked(() => errors.length === 1)).toBe(true);
    for (let look = 0; look < 5; look++) await clock.advance(1_000);
    rmSync(draft, { recursive: true });
    await expect.poll(() => looked(() => existsSync(`${path}.1`))).toBe(true);
    expect(errors).toHaveLength(1);
  });
});

it("moves a log that nobody holds away before it is opened again", () => {
  const path = join(tempDir(), "x.log");
  writeFileSync(path, "0123456789");
  rotateClosed(path, { maxBytes: 10, backups: 2 });
  expect([existsSync(path), readFileSync(`${path}.1`, "utf8")]).toEqual([false, "0123456789"]);
});

it.each([
  [{}, { maxBytes: 104_857_600, backups: 5 }],
  [
    { WINDLASS_LOG_MAX_BYTES: "4096", WINDLASS_LOG_BACKUP_COUNT: "0" },
    { maxBytes: 4_096, backups: 0 },
  ],
  [
    { WINDLASS_LOG_MAX_BYTES: "-1", WINDLASS_LOG_BACKUP_COUNT: "many" },
    { maxBytes: 104_857_600, backups: 5 },
  ],
])("the environment %j means the limits %j", (env, limits) => {
  expect(logLimits(env)).toEqual(limits);
});

it("docs/logging.md tells the limits there are", () => {
  const page = readFileSync(new URL("../../docs/logging.md", import.meta.url), "utf8");
  const { maxBytes, backups } = logLimits({});
  expect(page).toContain(`| \`WINDLASS_LOG_MAX_BYTES\` | \`${maxBytes}\` |`);
  expect(page).toContain(`| \`WINDLASS_LOG_BACKUP_COUNT\` | \`${backups}\` |`);
});

describe("a folder of its own", () => {
  it("has every line, moves full files on, and can be left again", () => {
    const folder = join(tempDir(), "deep", "logs");
    let out = "";
    const sink = createLogSink({
      clock: new VirtualClock(0),
      limits: { maxBytes: 100, backups: 9 },
      write: (text) => (out += text),
    });
    sink.useFolder(folder, "x.log");
    for (let line = 0; line < 60; line++) sink.write(`line ${line}\n`);
    expect(allOf(join(folder, "x.log"))).toBe(out);
    expect(existsSync(join(folder, "x.log.4"))).toBe(true);
    sink.useFolder(null, "x.log");
    sink.write("elsewhere\n");
    expect(out).toContain("elsewhere");
    expect(allOf(join(folder, "x.log"))).not.toContain("elsewhere");
  });

  it("is refused in one line where it cannot be made, and the one before stays", () => {
    const dir = tempDir();
    const sink = createLogSink({ clock: new VirtualClock(0), limits: { maxBytes: 0, backups: 0 }, write: () => {} });
    sink.useFolder(dir, "x.log");
    writeFileSync(join(dir, "file"), "");
    expect(() => sink.useFolder(join(dir, "file", "logs"), "x.log")).toThrow(
      /^logs_dir .*file\/logs cannot be written to \(ENOTDIR\): make it writable or choose another$/,
    );
    sink.write("still\n");
    expect(readFileSync(join(dir, "x.log"), "utf8")).toBe("still\n");
  });

  it("is refused below a folder in which the system makes none", () => {
    const sink = createLogSink({ clock: new VirtualClock(0), limits: { maxBytes: 0, backups: 0 }, write: () => {} });
    expect(() => sink.useFolder("/proc/windlass/logs", "x.log")).toThrow(
      /^logs_dir \/proc\/windlass\/logs cannot be written to \([A-Z]+\): make it writable or choose another$/,
    );
  });

  it("gathers lines that may wait, and keeps their order with those that may not", async () => {
    const clock = new VirtualClock(0);
    const writes: string[] = [];
    const sink = createLogSink({ clock, limits: { maxBytes: 0, backups: 0 }, write: (text) => void writes.push(text) });
    sink.writeLater("1\n");
    sink.writeLater("2\n");
    expect(writes).toEqual([]);
    await clock.advance(50);
    expect(writes).toEqual(["1\n2\n"]);
    sink.writeLater("3\n");
    sink.write("4\n");
    expect(writes).toEqual(["1\n2\n", "3\n4\n"]);
  });
});
