/** docs/request-routers.md: its configs are taken, its numbers are the code's, and its examples type-check and do what it says. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { validateDeployConfig } from "../../src/config/check.ts";
import {
  builtInRouter,
  readConsistentHashKwargs,
  readPrefixAffinityKwargs,
  routerFindings,
} from "../../src/config/request-router.ts";
import type { PendingRequest, RequestRouterClass, RoutableReplica } from "../../src/sdk/index.ts";
import { ROOT } from "../support/windlass.ts";

const PAGE = readFileSync(join(ROOT, "docs/request-routers.md"), "utf8");
const blocks = (language: string): string[] =>
  [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, text]) => text!);

function folder(name: string): string {
  const path = join(ROOT, "node_modules/.cache", `${name}-${process.pid}`);
  mkdirSync(path, { recursive: true });
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe("docs/request-routers.md", () => {
  it.each(blocks("yaml"))("shows configs that are taken without a warning: %#", (text) => {
    expect(validateDeployConfig(parse(text))).toMatchObject({ ok: true, warnings: [] });
  });

  it("lists the built-in routers with the classes of the reference that mean them", () => {
    const rows = [...PAGE.matchAll(/^\| `(windlass:[\w-]+)`.*? \| `(\w+)` \|/gm)];
    expect(rows).toHaveLength(4);
    for (const [, ours, theirs] of rows) {
      expect([builtInRouter(ours!), builtInRouter(`ray.serve.some.module:${theirs}`)]).toEqual([ours, ours]);
      expect(routerFindings({ request_router_class: ours })).toEqual([]);
    }
  });

  it("has the defaults of the arguments", () => {
    const read = [readConsistentHashKwargs({}), readPrefixAffinityKwargs({})];
    for (const result of read) {
      expect(result.ok).toBe(true);
      for (const [name, value] of Object.entries(result.ok ? result.value : {})) {
        if (typeof value !== "number") expect(PAGE).toContain(`\`${name}`);
        else expect(PAGE).toMatch(new RegExp(`\`${name}\`\\s\\(${value.toLocaleString("en")}\\)`));
      }
    }
  });

  it("shows a router that does what it says", async () => {
    const path = join(folder("request-routers-docs"), "router.ts");
    const sdk = JSON.stringify(pathToFileURL(join(ROOT, "src/sdk/index.ts")).href);
    writeFileSync(path, blocks("ts")[0]!.replaceAll('"windlass"', sdk));
    const { TenantRouter } = (await import(/* @vite-ignore */ path)) as { TenantRouter: RequestRouterClass };
    const replica = (id: string, tenants: string[], hasRoom = true): RoutableReplica => ({
      ...{ id, hasRoom, queueLength: 0, maxOngoingRequests: 5, modelIds: [], routingStats: { tenants } },
    });
    const all = [replica("a", ["x"]), replica("b", ["x"], false), replica("c", ["y"])];
    const request = { header: (name: string) => (name === "x-who" ? "x" : undefined) } as PendingRequest;
    const router = new TenantRouter();
    router.initializeState?.({ header: "x-who" });
    const ranks = await router.chooseReplicas(all, request);
    expect(ranks.map((rank) => rank.map(({ id }) => id))).toEqual([["a"], ["a", "b", "c"]]);
  });

  it("has no example that does not type-check", { timeout: 60_000 }, () => {
    const path = folder("request-routers-types");
    for (const [i, source] of blocks("ts").entries()) writeFileSync(join(path, `example-${i}.ts`), source);
    const tsconfig = { extends: join(ROOT, "tsconfig.json"), include: ["*.ts"], files: [] };
    writeFileSync(join(path, "tsconfig.json"), JSON.stringify(tsconfig));
    const problems = (): string => {
      try {
        return execFileSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", path], { encoding: "utf8" });
      } catch (error) {
        return String((error as { stdout?: string }).stdout);
      }
    };
    expect(problems()).toBe("");
  });
});

describe("a request_router_config", () => {
  it.each([
    [
      { request_router_class: "Router" },
      'request_router_class: must be MODULE:EXPORT with a colon, got "Router"; write e.g. ./router.ts:Router',
    ],
    [
      { request_router_class: "windlass:best" },
      'request_router_class: has "windlass:best", which is not built in; use windlass:power-of-two, windlass:round-robin, windlass:consistent-hash, windlass:prefix-affinity or your own module',
    ],
    [
      { request_router_class: "ray.serve.llm.request_router.KVAwareRouter" },
      'request_router_class: has "ray.serve.llm.request_router.KVAwareRouter", which is not built in; use windlass:power-of-two, windlass:round-robin, windlass:consistent-hash, windlass:prefix-affinity or your own module',
    ],
    [
      { request_router_class: "windlass:consistent-hash", request_router_kwargs: { num_virtual_nodes: 0 } },
      "request_router_kwargs.num_virtual_nodes: must be a whole number from 1 to 10000, got 0",
    ],
    [
      { request_router_class: "./r.ts:R", request_router_kwargs: { a: [Number.NaN] } },
      "request_router_kwargs.a.0: must be a finite number, got NaN",
    ],
  ])("that makes no sense is refused: %j", (config, line) => {
    expect(routerFindings(config).map(({ path, message }) => `${path.join(".")}: ${message}`)).toEqual([line]);
  });

  it("that has an argument the router does not take is refused", () => {
    const [finding] = routerFindings({ request_router_class: "windlass:round-robin", request_router_kwargs: { a: 1 } });
    expect(finding).toEqual({
      path: ["request_router_kwargs", "a"],
      message: "is not a key of windlass:round-robin, which has none; remove it",
    });
  });
});
