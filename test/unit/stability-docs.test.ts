/** docs/stability.md says something of all that is published, and nothing that buf.yaml, CI or the code contradict. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createRegistry } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { DeploymentService } from "../../gen/windlass/v1/deployment_service_pb.ts";
import { EXIT } from "../../src/cli/exit.ts";

const root = resolve(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const page = read("docs/stability.md");

/** Rows of the page's tables: cells without their backquotes. */
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .map((line) => line.slice(2, -2).split(" | "));

const promiseOf = (name: string): string | undefined => rows.find(([first]) => first === `\`${name}\``)?.at(-1);

const protos = readdirSync(join(root, "proto"), { recursive: true, encoding: "utf8" }).filter((path) =>
  path.endsWith(".proto"),
);
const packages = [...new Set(protos.map((path) => /^package ([\w.]+);$/m.exec(read(join("proto", path)))![1]!))].sort();

describe("docs/stability.md", () => {
  it.each(packages)("promises something of the proto package %s", (name) => {
    expect(promiseOf(name)).toMatch(/^(stable|of others|internal)/);
  });

  it("names no proto package that is not there", () => {
    const named = rows
      .map(([first]) => /^`([a-z]\w*(?:\.\w+)+)`$/.exec(first!)?.[1])
      .filter((name) => name !== undefined);
    expect(named.filter((name) => !packages.includes(name))).toEqual([]);
  });

  const exported = Object.keys((JSON.parse(read("package.json")) as { exports: object }).exports);
  it.each(exported)("promises something of the export %s", (key) => {
    expect(promiseOf(`windlass${key.slice(1)}`)).toMatch(/^(stable|internal)/);
  });

  it("says of buf breaking what buf.yaml says", () => {
    const { breaking } = parse(read("buf.yaml")) as { breaking: { use: string[]; ignore: string[] } };
    expect(breaking.use).toEqual([/`buf breaking`[^.]*\s+category `(\w+)`/.exec(page)?.[1]]);
    const leftOut = rows.filter((row) => row.at(-1)!.includes("`buf breaking` leaves it out")).map(([first]) => first);
    const ignored = protos.filter((path) =>
      breaking.ignore.some((folder) => join("proto", path).startsWith(`${folder}/`)),
    );
    const names = ignored.map((path) => `\`${/^package ([\w.]+);$/m.exec(read(join("proto", path)))![1]!}\``);
    expect(leftOut.sort()).toEqual([...new Set(names)].sort());
    // CI runs it, and compares with the main branch.
    expect(read(".ci/run")).toMatch(/buf breaking --against/);
    expect(read(".ci/run")).toContain("origin/main");
  });

  it("keeps to itself the package that no client speaks", () => {
    expect(promiseOf("windlass.runtime.v1")).toMatch(/^internal/);
    expect(read("src/api/connect/routes.ts")).not.toContain("windlass/runtime");
  });

  it("knows every exit code", () => {
    const [, first, last] = /exit codes (\d) to (\d)/.exec(page)!;
    expect(Object.values(EXIT).sort()).toEqual(
      Array.from({ length: Number(last) + 1 - Number(first) }, (_, index) => Number(first) + index),
    );
  });

  it("calls methods with grpcurl that exist", () => {
    const registry = createRegistry(DeploymentService, Health);
    const named = [...page.matchAll(/grpcurl [^\n]*(?:\\\n[^\n]*)? ((?:windlass|grpc)[\w.]+)\/(\w+)$/gm)];
    expect(named.length).toBeGreaterThan(2);
    for (const [, service, method] of named) {
      expect(
        registry.getService(service!)?.methods.map(({ name }) => name),
        service,
      ).toContain(method);
    }
  });

  it("links to pages that are there", () => {
    const links = [...page.matchAll(/\]\(([^)#:]+)(?:#[\w-]*)?\)/g)].map((match) => match[1]!);
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((link) => !existsSync(join(root, "docs", link)))).toEqual([]);
  });
});
