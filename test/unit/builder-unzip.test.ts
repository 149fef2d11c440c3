import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ZIP_LIMITS, type ZipLimits } from "../../src/builder/limits.ts";
import { BuildError } from "../../src/builder/resolve.ts";
import { unzip } from "../../src/builder/unzip.ts";
import { tempDir } from "../support/temp-dir.ts";
import { type ZipEntry, zipOf } from "../support/zip.ts";

async function unpack(bytes: Buffer, limits: Partial<ZipLimits> = {}): Promise<{ folder: string; files: string[] }> {
  const folder = tempDir();
  writeFileSync(join(folder, "x.zip"), bytes);
  await unzip(join(folder, "x.zip"), join(folder, "out"), { ...ZIP_LIMITS, ...limits });
  return { folder: join(folder, "out"), files: filesIn(join(folder, "out")) };
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
}

describe("a zip is unpacked", () => {
  it("with its folders, contents and executable bits", async () => {
    const { folder, files } = await unpack(
      zipOf([
        { name: "a/" },
        { name: "a/run.sh", data: "#!/bin/sh\n", mode: 0o100755 },
        { name: "./b.txt", data: "text", mode: 0o100600 },
      ]),
    );
    expect(files).toEqual(["a", "a/run.sh", "b.txt"]);
    expect(readFileSync(join(folder, "b.txt"), "utf8")).toBe("text");
    expect(statSync(join(folder, "a/run.sh")).mode & 0o111).not.toBe(0);
    expect(statSync(join(folder, "b.txt")).mode & 0o111).toBe(0);
  });

  it.each<[string, Record<string, string>, string[]]>([
    ["a folder that holds everything is left out", { "repo-main/": "", "repo-main/a.ts": "1" }, ["a.ts"]],
    ["one below it stays", { "r/src/a.ts": "1" }, ["src", "src/a.ts"]],
    ["a folder beside a file stays", { "r/a.ts": "1", "b.ts": "2" }, ["b.ts", "r", "r/a.ts"]],
    ["two folders stay", { "r/a.ts": "1", "s/b.ts": "2" }, ["r", "r/a.ts", "s", "s/b.ts"]],
    ["a single file stays", { "a.ts": "1" }, ["a.ts"]],
    ["what macOS adds does not count and is left out", { "r/a.ts": "1", "__MACOSX/r/._a.ts": "2" }, ["a.ts"]],
  ])("%s", async (_name, entries, expected) => {
    expect((await unpack(zipOf(entries))).files).toEqual(expected);
  });

  it("as other programs make it", async () => {
    const folder = tempDir();
    const script =
      "import zipfile; z = zipfile.ZipFile('x.zip', 'w', zipfile.ZIP_DEFLATED); z.writestr('r/a.txt', 'é' * 9)";
    execFileSync("python3", ["-c", script], { cwd: folder });
    const { folder: out, files } = await unpack(readFileSync(join(folder, "x.zip")));
    expect(files).toEqual(["a.txt"]);
    expect(readFileSync(join(out, "a.txt"), "utf8")).toBe("é".repeat(9));
  });
});

describe("a zip is refused, and nothing of it lies outside its folder", () => {
  const link = (target: string): ZipEntry => ({ name: "link", data: target, mode: 0o120777 });
  it.each<[string, readonly ZipEntry[], RegExp, Partial<ZipLimits>?]>([
    ["that climbs out", [{ name: "../evil", data: "x" }], /^holds "\.\.\/evil", which would lie outside of it$/],
    ["that climbs out further in", [{ name: "a/../../evil", data: "x" }], /outside/],
    ["with an absolute path", [{ name: "/etc/evil", data: "x" }], /^holds "\/etc\/evil", which would lie outside/],
    ["with a drive letter", [{ name: "C:/evil", data: "x" }], /outside/],
    ["with a backslash", [{ name: "..\\evil", data: "x" }], /backslash/],
    ["with a zero byte", [{ name: "a\0b", data: "x" }], /control character/],
    ["with a symbolic link", [link("/etc"), { name: "link/evil", data: "x" }], /^holds "link", a symbolic link/],
    ["with a device", [{ name: "dev", mode: 0o020666 }], /neither a file nor a folder/],
    ["that is encrypted", [{ name: "a", data: "x", flags: 1 }], /^holds "a", which is encrypted$/],
    [
      "with a file twice",
      [
        { name: "a", data: "x" },
        { name: "./a", data: "y" },
      ],
      /^holds "a" twice$/,
    ],
    [
      "with a file that is a folder too",
      [
        { name: "a", data: "x" },
        { name: "a/b", data: "y" },
      ],
      /twice/,
    ],
    ["without files", [{ name: "a/" }], /without files/],
    ["with nothing", [], /without files/],
    ["with a wrong checksum", [{ name: "a", data: "x", claims: { crc: 1 } }], /damaged.*checksum of "a"/],
    ["that claims less than it holds", [{ name: "a", data: "xxxx", claims: { size: 2 } }], /damaged/],
    ["that claims more than it holds", [{ name: "a", data: "xxxx", claims: { size: 9 } }], /damaged/],
    [
      "of too many entries",
      [
        { name: "a", data: "x" },
        { name: "b", data: "x" },
        { name: "c", data: "x" },
      ],
      /^holds more than 2 files and folders$/,
      { entries: 2 },
    ],
    [
      "that unpacks to too much",
      [{ name: "a", data: "x".repeat(3_000_000) }],
      /^unpacks to more than the limit of 2 MiB: leave out/,
      { unpackedBytes: 2 * 1024 * 1024 },
    ],
  ])("%s", async (_name, entries, message, limits) => {
    const error = await unpack(zipOf(entries), limits).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BuildError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain("\n");
    expect(existsSync("/etc/evil")).toBe(false);
  });

  it.each<[string, (zip: Buffer) => Buffer]>([
    ["that is cut short", (zip) => zip.subarray(0, zip.length - 10)],
    ["that is no zip", () => Buffer.from("<html>not here</html>")],
    ["that is empty", () => Buffer.alloc(0)],
    [
      "whose data is overwritten",
      (zip) => Buffer.concat([zip.subarray(0, 32), Buffer.alloc(20, 255), zip.subarray(52)]),
    ],
  ])("%s", async (_name, damage) => {
    const zip = zipOf({ "a.txt": "some text that is long enough to be overwritten in the middle of it" });
    await expect(unpack(damage(zip))).rejects.toThrow(/^is not a zip, or a damaged one: /);
  });

  it("whatever is damaged in it", async () => {
    const zip = zipOf({ "a/b.txt": "text", "c.txt": "more" });
    const places = fc.array(fc.record({ at: fc.nat(zip.length - 1), byte: fc.nat(255) }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(places, async (changes) => {
        const bytes = Buffer.from(zip);
        for (const { at, byte } of changes) bytes[at] = byte;
        const folder = tempDir();
        writeFileSync(join(folder, "x.zip"), bytes);
        const limits = { ...ZIP_LIMITS, unpackedBytes: 1_000_000 };
        const error = await unzip(join(folder, "x.zip"), join(folder, "out"), limits).catch(
          (thrown: unknown) => thrown,
        );
        if (error !== undefined) expect(error).toBeInstanceOf(BuildError);
        expect(readdirSync(folder).filter((name) => name !== "x.zip" && name !== "out")).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
