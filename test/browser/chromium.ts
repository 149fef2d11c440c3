/** A page in Debian's Chromium, of an origin of its own. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";
import { type Browser, chromium, type Page as Tab } from "playwright-core";
import type { Page } from "./page.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Starts the browser; installs it from the distribution where there is none. */
export function launch(): Promise<Browser> {
  if (!PLACES.some(existsSync)) {
    execFileSync("apt-get", ["update", "-qq"], { stdio: "ignore" });
    execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"], { stdio: "ignore" });
  }
  return chromium.launch({ executablePath: PLACES.find(existsSync)!, args: ["--no-sandbox"] });
}

/** The page's script, made as users make theirs: a bundle for browsers that imports the package by its name. */
export async function bundlePage(): Promise<{ script: string; metafile: Metafile }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [`${ROOT}test/browser/page.ts`],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    // Sources are what `paths` means by that name.
    tsconfigRaw: {},
    logLevel: "silent",
  });
  return { script: outputFiles[0]!.text, metafile };
}

/** Serves the page at two origins of this machine. */
export async function servePage(script: string): Promise<{ origin: string; otherOrigin: string; close(): void }> {
  const server = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html" });
    response.end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    otherOrigin: `http://localhost:${port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A tab that shows the page. */
export interface OpenPage {
  readonly tab: Tab;
  /** What the console showed. */
  readonly console: readonly string[];
  /** Calls a function of the page. */
  call<K extends keyof Page>(name: K, ...args: Parameters<Page[K]>): Promise<Awaited<ReturnType<Page[K]>>>;
}

/** Opens the page at an origin. */
export async function openPage(browser: Browser, origin: string): Promise<OpenPage> {
  const tab = await browser.newPage();
  const shown: string[] = [];
  tab.on("console", (message) => void shown.push(message.text()));
  tab.on("pageerror", (error) => void shown.push(String(error)));
  await tab.goto(origin);
  await tab.waitForFunction("globalThis.windlassPage !== undefined");
  return {
    tab,
    console: shown,
    call: (name, ...args) =>
      tab.evaluate(
        ([called, given]) =>
          (globalThis as unknown as { windlassPage: Record<string, (...all: unknown[]) => unknown> }).windlassPage[
            called
          ]!(...given) as never,
        [name, args] as const,
      ),
  };
}
