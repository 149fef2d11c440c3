/** examples/ocr: real pages read by a real program, scaled by its own load. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { installPackage } from "../support/debian.ts";
import { reach } from "../support/targets.ts";
import { eventually, ROOT, runningPids, startWindlass, waitForStatus } from "../support/windlass.ts";

const EXAMPLE = join(ROOT, "examples/ocr");
const PAGES = readdirSync(join(EXAMPLE, "pages"))
  .filter((name) => name.endsWith(".png"))
  .map((name) => ({
    image: readFileSync(join(EXAMPLE, "pages", name)),
    words: wordsOf(readFileSync(join(EXAMPLE, "pages", name.replace(".png", ".txt")), "utf8")),
  }));

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/\p{L}+/gu) ?? [];
}

beforeAll(() => installPackage("tesseract-ocr", "/usr/bin/tesseract"), 120_000);

it("reads every page right while its replicas go from one to three and back, and refuses what is no page", async () => {
  const windlass = await startWindlass([join(EXAMPLE, "ocr.yaml")]);
  await waitForStatus(windlass, "ocr", "RUNNING", 60_000);
  const replicas = async (): Promise<number> => (await runningPids(windlass, "ocr", "Reader")).length;
  const post = (body: Uint8Array) => fetch(`${windlass.http}/ocr`, { method: "POST", body: new Uint8Array(body) });
  expect(await replicas()).toBe(1);
  const refused = await post(new TextEncoder().encode("no image"));
  expect([refused.status, (await refused.text()).split("\n").length]).toEqual([422, 2]);

  const read = { pages: 0, wrong: [] as string[], by: new Set<string>() };
  let going = true;
  const readers = Array.from({ length: 6 }, async (_, reader) => {
    for (let i = reader; going; i++) {
      const { image, words } = PAGES[i % PAGES.length]!;
      const response = await post(image);
      const text = await response.text();
      // The heading comes first.
      const got = wordsOf(text).slice(1);
      if (response.status !== 200 || got.join(" ") !== words.join(" ")) read.wrong.push(`${response.status} ${text}`);
      read.pages += 1;
      read.by.add(response.headers.get("x-replica-pid")!);
    }
  });
  const startedMs = performance.now();
  await eventually(async () => (await replicas()) === 3, undefined, 60_000);
  const [grownMs, grownPages] = [performance.now(), read.pages];
  await eventually(() => read.by.size === 3 && read.pages >= grownPages + 60, undefined, 120_000);
  const seconds = (fromMs: number, toMs: number): number => Math.round((toMs - fromMs) / 100) / 10;
  console.log(
    `${grownPages} pages in ${seconds(startedMs, grownMs)} s until three replicas ran, ` +
      `then ${read.pages - grownPages} in ${seconds(grownMs, performance.now())} s`,
  );
  going = false;
  await Promise.all(readers);
  expect(read.wrong).toEqual([]);
  await reach(windlass, "ocr", { Reader: 1 });
  await eventually(async () => (await replicas()) === 1);
  await waitForStatus(windlass, "ocr", "RUNNING");
});
