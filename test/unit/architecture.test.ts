import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");

interface Import {
  /** "src/cli/main.ts:3". */
  readonly at: string;
  /** Path from the root for relative imports, else the bare name: "src/core/clock.ts", "node:fs", "zod". */
  readonly target: string;
  readonly typeOnly: boolean;
}

interface Source {
  readonly path: string;
  /** Comments blanked out, line numbers kept. */
  readonly code: string;
  readonly imports: readonly Import[];
}

const sources: readonly Source[] = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .sort()
  .map((path) => readSource(join("src", path)));

function readSource(path: string): Source {
  const text = readFileSync(join(root, path), "utf8");
  const blank = (comment: string): string => comment.replace(/[^\n]/g, " ");
  const code = text.replace(/\/\*[\s\S]*?\*\//g, blank).replace(/(?<=^|\s)\/\/.*$/gm, blank);
  const statements = [...code.matchAll(/^[ \t]*(import|export)\b(?:[^"';]*?\bfrom)?\s*"([^"]+)"/gm)];
  const dynamic = [...code.matchAll(/(\bimport)\(\s*"([^"]+)"\s*\)/g)];
  const imports = [...statements, ...dynamic].map((match): Import => {
    const line = code.slice(0, match.index).split("\n").length;
    const name = match[2]!;
    const target = name.startsWith(".") ? relative(root, resolve(root, dirname(path), name)) : name;
    return { at: `${path}:${line}`, target, typeOnly: /^\s*(import|export)\s+type\b/.test(match[0]) };
  });
  return { path, code, imports };
}

/** Files whose path matches, with their folder's name. */
function filesOf(pattern: RegExp): Source[] {
  return sources.filter((source) => pattern.test(source.path));
}

interface ImportRule {
  readonly name: string;
  readonly files: RegExp;
  /** Of our own folders and files: all that is not here is forbidden. The file's own folder is always allowed. */
  readonly allowed: readonly RegExp[];
}

const core = /^src\/core\//;
const wire = /^src\/wire\//;
const gen = /^gen\//;
const observability = /^src\/observability\//;
const records = /^src\/controller\/(controller|records)\.ts$/;
/** Certificates and what listens with them. */
const tls = /^src\/tls\//;
const policyRunner = /^src\/controller\/policy-runner\.ts$/;
/** What decides in the controller: data in, data out. */
const pureController =
  /^src\/controller\/([^/]*-(state|status)|plan[^/]*|([^/]*-)?rollout|resources|waiting|update-class)\.ts$/;
/** What takes samples and prunes them. */
const producedSeries = /^src\/autoscaling\/series\.ts$/;
/** What is counted with. */
const metricSet = /^src\/observability\/metric-set\.ts$/;
const configTypes = /^src\/config\/types\.ts$/;

const importRules: readonly ImportRule[] = [
  { name: "core imports nothing of ours", files: /^src\/core\//, allowed: [] },
  { name: "wire imports nothing of ours", files: /^src\/wire\//, allowed: [] },
  { name: "tls imports core and observability", files: tls, allowed: [core, observability] },
  { name: "config imports core and generated code", files: /^src\/config\//, allowed: [core, gen] },
  { name: "autoscaling imports core and config", files: /^src\/autoscaling\//, allowed: [core, /^src\/config\//] },
  {
    name: "simulate imports core, config, autoscaling and the choice of a replica",
    files: /^src\/simulate\//,
    allowed: [core, /^src\/config\//, /^src\/autoscaling\//, /^src\/routing\/choose\.ts$/],
  },
  {
    name: "routing imports core, wire, config, the producer's side of series, metrics and generated code",
    files: /^src\/routing\//,
    allowed: [core, wire, gen, /^src\/config\//, producedSeries, metricSet],
  },
  {
    name: "pure controller files import core, config and each other",
    files: pureController,
    allowed: [core, /^src\/config\//],
  },
  {
    name: "the controller imports ports, never drivers, api or proxy",
    files: /^src\/controller\//,
    allowed: [
      core,
      gen,
      /^src\/config\//,
      /^src\/routing\//,
      /^src\/autoscaling\//,
      /^src\/store\/store\.ts$/,
      /^src\/engine\/(engine|proxies)\.ts$/,
      observability,
    ],
  },
  { name: "the store imports core", files: /^src\/store\//, allowed: [core] },
  {
    name: "the engine imports core, records, the protocols and routing's wire types",
    files: /^src\/engine\//,
    allowed: [
      core,
      gen,
      records,
      policyRunner,
      configTypes,
      /^src\/supervisor\//,
      /^src\/builder\/protocol\.ts$/,
      /^src\/policy-host\/protocol\.ts$/,
      /^src\/replica\/spare-protocol\.ts$/,
      observability,
    ],
  },
  {
    name: "api imports config, tls, the controller's face and the store port",
    files: /^src\/api\//,
    allowed: [core, gen, tls, /^src\/config\//, records, /^src\/store\/store\.ts$/, observability],
  },
  {
    name: "proxy imports routing, tls, core, observability and generated code",
    files: /^src\/proxy\//,
    allowed: [core, gen, tls, /^src\/routing\//, observability],
  },
  {
    name: "the SDK imports routing, core, observability, generated code, types of policies, the client and what calls replicas",
    files: /^src\/sdk\//,
    allowed: [
      core,
      gen,
      /^src\/routing\//,
      observability,
      /^src\/autoscaling\/policy\.ts$/,
      // Both only by programs that are no replicas, when they need it.
      /^src\/client\//,
      /^src\/(replica\/call-routers|supervisor\/run-dir)\.ts$/,
    ],
  },
  {
    name: "the policy host imports the builder's bundling, the SDK's errors, autoscaling, simulate and config",
    files: /^src\/policy-host\//,
    allowed: [
      core,
      observability,
      /^src\/config\//,
      /^src\/autoscaling\//,
      /^src\/simulate\//,
      /^src\/builder\/(bundle|resolve)\.ts$/,
      /^src\/sdk\/(user-error|brands|options)\.ts$/,
    ],
  },
  {
    name: "the replica imports the SDK, routing, core, observability, the producer's side of series and generated code",
    files: /^src\/replica\//,
    allowed: [wire, core, gen, /^src\/sdk\//, /^src\/routing\//, observability, producedSeries],
  },
  {
    name: "the testing kit imports what it runs: the SDK and the replica, the controller and its ports",
    files: /^src\/testing\//,
    allowed: [
      core,
      observability,
      /^src\/(sdk|replica|config|controller)\//,
      /^src\/autoscaling\/series\.ts$/,
      /^src\/store\/(store|memory)\.ts$/,
      /^src\/engine\/(engine|proxies)\.ts$/,
    ],
  },
  {
    name: "the command line has no private door: generated clients, config, core, tls, simulate, and the supervisor and builder it runs",
    files: /^src\/cli\//,
    allowed: [
      core,
      gen,
      /^src\/client\//,
      /^src\/config\//,
      /^src\/simulate\//,
      tls,
      /^src\/supervisor\/(supervisor|options|run-dir|programs)\.ts$/,
      /^src\/builder\/protocol\.ts$/,
    ],
  },
  { name: "the client library imports core and generated code", files: /^src\/client\//, allowed: [core, gen] },
  { name: "the grpc-js clients import generated code", files: /^src\/grpc\//, allowed: [gen] },
  { name: "observability imports core", files: /^src\/observability\//, allowed: [core, gen] },
];

describe("who imports whom", () => {
  it("reads the import statements of the sources", () => {
    expect(sources.length).toBeGreaterThan(20);
    const main = sources.find((source) => source.path === "src/cli/main.ts");
    expect(main?.imports.map((each) => each.target)).toContain("src/core/errors.ts");
    const program = sources.find((source) => source.path === "src/cli/program/read.ts");
    expect(program?.imports.map((each) => each.target)).toContain("src/cli/commands/watch.ts");
  });

  it.each(importRules)("$name", ({ files, allowed }) => {
    const offences = filesOf(files).flatMap(({ path, imports }) => {
      const folder = path.split("/").slice(0, 2).join("/");
      return imports
        .filter(({ target }) => /^(src|gen|test|bench|examples|scripts)\//.test(target))
        .filter(({ target }) => !target.startsWith(`${folder}/`) && !allowed.some((each) => each.test(target)))
        .map(({ at, target }) => `${at} imports ${target}`);
    });
    expect(offences).toEqual([]);
  });

  it("nobody imports bin, tests or examples", () => {
    const offences = sources.flatMap(({ imports }) =>
      imports
        .filter(({ target }) => /^(src\/bin|test|bench|examples|scripts)\//.test(target))
        .map(({ at, target }) => `${at} imports ${target}`),
    );
    expect(offences).toEqual([]);
  });

  it("pure controller files import no effectful file of their folder", () => {
    const offences = filesOf(pureController).flatMap(({ imports }) =>
      imports
        .filter(({ target, typeOnly }) => /^src\/controller\//.test(target) && !typeOnly)
        .filter(({ target }) => !pureController.test(target) && target !== "src/controller/records.ts")
        .map(({ at, target }) => `${at} imports ${target}`),
    );
    expect(offences).toEqual([]);
  });

  it("packages are imported only where they belong", () => {
    const homes: Readonly<Record<string, RegExp>> = {
      zod: /^src\/config\//,
      yaml: /^src\/(config|cli|conformance)\//,
      commander: /^src\/cli\//,
      esbuild: /^src\/builder\//,
      "@grpc/grpc-js": /^src\/(grpc\/|(replica\/grpc-js|sdk\/grpc)\.ts$)/,
      "@connectrpc/connect-web": /^src\/client\/web\.ts$/,
    };
    const offences = sources.flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => homes[target]?.test(path) === false)
        .map(({ at, target }) => `${at} imports ${target}`),
    );
    expect(offences).toEqual([]);
  });
});

const effects = [
  "Date.now(",
  "performance.now(",
  "Math.random(",
  "setTimeout(",
  "setInterval(",
  "new Date()",
  "AbortSignal.timeout",
] as const;

describe("time and chance are arguments", () => {
  it.each(effects)("nobody but the system clock and chance calls %s", (call) => {
    const offences = sources
      .filter(({ path }) => !/^src\/core\/system-(clock|random)\.ts$/.test(path))
      .flatMap(({ path, code }) => linesWith(path, code, call));
    expect(offences).toEqual([]);
  });

  it("a call is found with its line, a longer name is not", () => {
    expect(linesWith("a.ts", "x();\n  setTimeout(f);", "setTimeout(")).toEqual(["a.ts:2 setTimeout(f);"]);
    expect(linesWith("a.ts", "resetTimeout(f); socket._setTimeout(f);", "setTimeout(")).toEqual([]);
  });

  it("the system clock is constructed in bin only", () => {
    const offences = sources
      // Application code that its author's tests run has no process of ours around it.
      .filter(({ path }) => !/^src\/(bin|core)\/|^src\/sdk\/runtime\.ts$|^src\/client\/(index|web)\.ts$/.test(path))
      .flatMap(({ imports }) => imports.filter(({ target }) => /^src\/core\/system-/.test(target)).map(({ at }) => at));
    expect(offences).toEqual([]);
  });
});

/** An occurrence that is not the end of a longer name: `foo.setTimeout(` counts, `resetTimeout(` does not. */
function linesWith(path: string, code: string, call: string): string[] {
  return code.split("\n").flatMap((line, index) => {
    const at = line.indexOf(call);
    return at >= 0 && !/\w/.test(line[at - 1] ?? " ") ? [`${path}:${index + 1} ${line.trim()}`] : [];
  });
}

describe("pure files stay pure", () => {
  const pure =
    /^src\/(config\/|autoscaling\/|simulate\/|controller\/([^/]*-(state|status)|plan[^/]*)\.ts|routing\/(match|choose)\.ts)/;

  it("they import no node module but createHash", () => {
    const offences = filesOf(pure).flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => target.startsWith("node:"))
        .filter(({ target }) => !(path === "src/config/versions.ts" && target === "node:crypto"))
        .map(({ at, target }) => `${at} imports ${target}`),
    );
    expect(offences).toEqual([]);
    const versions = sources.find(({ path }) => path === "src/config/versions.ts");
    if (versions !== undefined) expect(versions.code).not.toMatch(/\brandom(Bytes|UUID|Int)\b/);
  });

  it("they neither wait nor log", () => {
    const offences = filesOf(pure).flatMap(({ path, code }) =>
      code
        .split("\n")
        .flatMap((line, index) =>
          /\b(async|await)\b/.test(withoutStrings(line)) || /\bconsole\./.test(withoutStrings(line))
            ? [`${path}:${index + 1} ${line.trim()}`]
            : [],
        ),
    );
    expect(offences).toEqual([]);
  });
});

function withoutStrings(line: string): string {
  return line.replace(/"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`/g, '""');
}
