/** docs/sdk.md: its examples type-check and do what the page says. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import * as sdk from "../../src/sdk/index.ts";
import { applicationFromExport } from "../../src/sdk/load.ts";
import * as testing from "../../src/testing/index.ts";
import { ROOT } from "../support/windlass.ts";

const page = readFileSync(join(ROOT, "docs/sdk.md"), "utf8");

const sectionOf = (title: string): string => new RegExp(`## ${title}\n([\\s\\S]*?)(?=\n## |$)`).exec(page)![1]!;
const examplesOf = (title: string): string[] =>
  [...sectionOf(title).matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!);

/** Imports examples from below the project, where packages and `windlass` are found from sources. */
async function load(source: string): Promise<Record<string, unknown>> {
  const folder = join(ROOT, "node_modules/.cache", `sdk-docs-${process.pid}-${Math.random().toString(36).slice(2)}`);
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "example.ts");
  const at = (file: string): string => JSON.stringify(pathToFileURL(join(ROOT, file)).href);
  writeFileSync(
    path,
    source.replace('"windlass/testing"', at("src/testing/index.ts")).replace('"windlass"', at("src/sdk/index.ts")),
  );
  return (await import(/* @vite-ignore */ path)) as Record<string, unknown>;
}

describe("docs/sdk.md", () => {
  it("has an application whose deployments call each other", async () => {
    const { app } = await load(examplesOf("Applications")[0]!);
    await using shop = await testing.runLocal(app as sdk.Application<{ total(fruits: string[]): number }>);
    expect(await shop.handle.total.remote(["fig", "pear"])).toBe(7);
    expect(await (await shop.fetch("/?fruit=fig&fruit=fig")).json()).toEqual({ total: 6 });
  });

  it("has an application that counts", async () => {
    const { app } = await load(examplesOf("Metrics")[0]!);
    await using shop = await testing.runLocal(app as sdk.Application<object>);
    for (const kind of ["fruit", "bread", "fruit"]) {
      expect(await (await shop.fetch(`/?kind=${kind}`)).text()).toBe("taken");
    }
    expect(shop.metrics.value("orders_total", { kind: "fruit" })).toBe(2);
    expect(shop.metrics.value("stock_boxes")).toBe(97);
    expect([shop.metrics.count("order_weight_kg"), shop.metrics.value("order_weight_kg")]).toEqual([3, 7.5]);
  });

  it.each(["app", "nodeApp"])("has an ingress of a framework's: %s", async (name) => {
    const module = await load(examplesOf("Frameworks")[0]!);
    await using shop = await testing.runLocal(module[name] as sdk.Application<object>);
    const answer = await shop.fetch("/fig");
    expect([answer.headers.get("content-type"), await answer.json()]).toEqual(["application/json", 4]);
  });

  it("has a builder whose args are checked", async () => {
    const module = await load(examplesOf("Applications")[1]!);
    await using model = await testing.runLocal(await applicationFromExport(module, "app", { model: "small" }));
    expect(await (await model.fetch("/")).text()).toBe("small");
    const failed = await applicationFromExport(module, "app", {}).catch((error: Error) => error.message);
    expect(page).toContain(`\`${String(failed)}\``);
  });

  it("has tests that pass", async () => {
    const [application, config] = [examplesOf("Tests of applications"), examplesOf("Tests of configs")];
    const { test: first } = (await load(application[0]!)) as { test(): Promise<unknown> };
    expect(await first()).toEqual(["hi Ada", "hi Bob"]);
    const { test: second } = (await load(config[0]!)) as { test(): Promise<{ tookS: number; replicas: number }> };
    const { tookS, replicas } = await second();
    expect(replicas).toBe(8);
    expect(tookS).toBeGreaterThan(25);
  });

  it("names functions that there are", () => {
    for (const name of ["start", "run", "status", "deleteApplication", "delete", "shutdown", "disconnect"]) {
      expect(sectionOf("Programs")).toContain(`\`${name}`);
      expect(sdk).toHaveProperty(name, expect.any(Function));
    }
  });

  it("has no example that does not type-check", { timeout: 60_000 }, () => {
    const folder = join(ROOT, "node_modules/.cache", `sdk-types-${process.pid}`);
    mkdirSync(folder, { recursive: true });
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const titles = [...page.matchAll(/^## (.*)$/gm)].map((match) => match[1]!);
    // Those beside which generated code lies are looked at with it.
    const all = titles.flatMap(examplesOf).filter((source) => !source.includes('from "./'));
    expect(all.length).toBeGreaterThanOrEqual(6);
    for (const [i, source] of all.entries()) writeFileSync(join(folder, `example-${i}.ts`), source);
    const tsconfig = { extends: join(ROOT, "tsconfig.json"), include: ["*.ts"], files: [] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(tsconfig));
    const problems = (): string => {
      try {
        return execFileSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8" });
      } catch (error) {
        return String((error as { stdout?: string }).stdout);
      }
    };
    expect(problems()).toBe("");
  });
});
