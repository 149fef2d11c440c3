import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CLIENTS = join(ROOT, "clients");

/** Where the client of each language says its version: the first group of the pattern. */
const PLACES: Readonly<Record<string, readonly (readonly [file: string, pattern: RegExp])[]>> = {
  go: [
    ["doc.go", /^const Version = "(.+)"$/m],
    ["README.md", /^.*\bVersion (\d\S*), for Windlass\b/m],
  ],
  java: [
    ["pom.xml", /<artifactId>windlass-client<\/artifactId>\s*<version>(.+)<\/version>/],
    ["lab/pom.xml", /<artifactId>windlass-client-lab<\/artifactId>\s*<version>(.+)<\/version>/],
    ["lab/pom.xml", /<artifactId>windlass-client<\/artifactId>\s*<version>(.+)<\/version>/],
    ["README.md", /<artifactId>windlass-client<\/artifactId>\s*<version>(.+)<\/version>/],
    ["README.md", /^.*\bVersion (\d\S*), for Windlass\b/m],
  ],
  python: [
    ["pyproject.toml", /^version = "(.+)"$/m],
    ["README.md", /^.*\bVersion (\d\S*), for Windlass\b/m],
  ],
  rust: [
    ["Cargo.toml", /^version = "(.+)"$/m],
    ["README.md", /^.*\bVersion (\d\S*), for Windlass\b/m],
  ],
  typescript: [["README.md", /^Version (\d\S*), for Windlass\b/m]],
};

const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };

it("every language has its place here", () => {
  const languages = existsSync(CLIENTS) ? readdirSync(CLIENTS) : [];
  expect(Object.keys(PLACES).sort()).toEqual(languages.sort());
});

it.each(
  Object.entries(PLACES).flatMap(([language, places]) =>
    places.map(([file, pattern]) => ({ path: join("clients", language, file), pattern })),
  ),
)("$path has the version of package.json", ({ path, pattern }) => {
  expect(pattern.exec(readFileSync(join(ROOT, path), "utf8"))?.[1]).toBe(version);
});
