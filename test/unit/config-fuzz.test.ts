import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { validateApplicationConfig, validateDeployConfig } from "../../src/config/check.ts";
import { readConfigDocument } from "../../src/config/document.ts";
import { readJson } from "../../src/config/json.ts";
import { deployConfigFromMessage, deployConfigToMessage } from "../../src/config/message.ts";
import { type ConfigResult, parseAutoscalingConfig, parseScaleRequest } from "../../src/config/parse.ts";
import { isRecord } from "../../src/config/schema-types.ts";

/** Documents of the recorded cases, accepted and refused ones. */
const SEEDS = (["deploy_config_validation.json", "autoscaling_config_validation.json"] as const).map((name) => {
  const text = readFileSync(new URL(`../conformance/vectors/${name}`, import.meta.url), "utf8");
  return (JSON.parse(text) as { cases: { input: unknown }[] }).cases.map(({ input }) => input);
});

/** Values that mistakes are made of, beside any JSON there is. */
const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    null,
    true,
    "",
    " ",
    "/",
    "auto",
    "app:app",
    "Infinity",
    "1e400",
    -1,
    0,
    0.5,
    1e21,
    2 ** 53,
    -0,
    [],
    {},
  ),
  fc.constantFrom(
    [[]],
    [null],
    [{}],
    { __proto__x: 1 },
    JSON.parse('{"__proto__": {"a": 1}, "constructor": 1}') as unknown,
  ),
  fc.string({ unit: "binary", maxLength: 6 }),
);

interface Mutation {
  /** Which of the document's places, by a number that is taken modulo how many there are. */
  readonly at: number;
  readonly how: "replace" | "remove" | "rename" | "copy";
  readonly value: unknown;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(),
  how: fc.constantFrom("replace", "remove", "rename", "copy"),
  value: odd,
});

/** The document with mistakes made in it. */
function mutated(document: unknown, mutations: readonly Mutation[]): unknown {
  const holder = { document: structuredClone(document) };
  for (const { at, how, value } of mutations) {
    const places = placesOf(holder);
    const place = places[at % places.length];
    // The whole document was removed.
    if (place === undefined) break;
    const [container, key] = place;
    if (how === "replace") container[key] = value;
    else if (how === "remove") delete container[key];
    else if (how === "copy") container[key] = places[(at * 7) % places.length]![2];
    else if (!Array.isArray(container)) {
      container[`${key}s`] = container[key];
      delete container[key];
    }
  }
  // As text, so that nothing but JSON is left: holes, what contains itself and -0 do not come over HTTP.
  try {
    return JSON.parse(JSON.stringify(holder.document) ?? "null");
  } catch {
    return null;
  }
}

type Place = [container: Record<string, unknown>, key: string, value: unknown];

function placesOf(value: unknown, depth = 0): Place[] {
  if ((!isRecord(value) && !Array.isArray(value)) || depth > 12) return [];
  return Object.entries(value).flatMap(([key, inner]): Place[] => [
    [value as Record<string, unknown>, key, inner],
    ...placesOf(inner, depth + 1),
  ]);
}

/** Those that are accepted as they are, which one mistake may leave so. */
const GOOD = SEEDS[0]!.filter((document) => validateDeployConfig(document).ok);

const documents = fc
  .oneof(
    fc.tuple(fc.constantFrom(...GOOD), fc.array(mutation, { maxLength: 1 })),
    fc.tuple(fc.constantFrom(...SEEDS[0]!), fc.array(mutation, { maxLength: 3 })),
  )
  .map(([document, mutations]) => mutated(document, mutations));

/** Accepted, or refused with lines that each say something. */
function expectVerdict(result: ConfigResult<unknown>): void {
  if (result.ok) {
    for (const warning of result.warnings) expect(warning).toMatch(/^[^\n]+$/);
    return;
  }
  expect(result.problems.length).toBeGreaterThan(0);
  for (const { path, message } of result.problems) {
    expect(path).toBeTypeOf("string");
    expect(message).toMatch(/^[^\n]+$/);
    expect(message).not.toMatch(/Error: |\[object Object\]|undefined|\bat .*:\d+:\d+/);
  }
}

describe("configs that nobody would write", () => {
  it("any JSON is accepted, or refused with a line a problem", () => {
    fc.assert(
      fc.property(odd, (value) => {
        for (const input of [value, { applications: value }, { applications: [value] }]) {
          expectVerdict(validateDeployConfig(input));
          expectVerdict(validateApplicationConfig(input));
        }
        expectVerdict(parseAutoscalingConfig(value));
        expectVerdict(parseScaleRequest(value));
        expectVerdict(parseScaleRequest({ target_num_replicas: value, request_id: value }));
      }),
      { numRuns: 400 },
    );
  });

  it("so is any recorded config with mistakes in it, and what is accepted is accepted again as it came out", () => {
    let accepted = 0;
    fc.assert(
      fc.property(documents, (input) => {
        const result = validateDeployConfig(input);
        expectVerdict(result);
        if (!result.ok) return;
        accepted += 1;
        const again = validateDeployConfig(JSON.parse(JSON.stringify(result.config)));
        expect(again).toMatchObject({ ok: true, config: JSON.parse(JSON.stringify(result.config)) });
      }),
      { numRuns: 1_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it("what is accepted crosses Connect unharmed", () => {
    fc.assert(
      fc.property(documents, (input) => {
        const result = validateDeployConfig(input);
        if (!result.ok) return;
        const crossed = deployConfigFromMessage(deployConfigToMessage(result.config));
        expect(validateDeployConfig(crossed)).toMatchObject({ ok: true });
      }),
      { numRuns: 500 },
    );
  });

  it("so is any recorded autoscaling config with mistakes in it", () => {
    const configs = fc
      .tuple(fc.constantFrom(...SEEDS[1]!), fc.array(mutation, { minLength: 1, maxLength: 3 }))
      .map(([document, mutations]) => mutated(document, mutations));
    fc.assert(
      fc.property(configs, (input) => {
        expectVerdict(parseAutoscalingConfig(input));
        const application = { import_path: "a:b", deployments: [{ name: "D", autoscaling_config: input }] };
        expectVerdict(validateDeployConfig({ applications: [application] }));
      }),
      { numRuns: 500 },
    );
  });

  it("any text is a document, or refused with lines that begin with the file's name", () => {
    const json = documents.map((document) => JSON.stringify(document));
    const cut = fc.tuple(json, fc.nat()).map(([text, at]) => text.slice(0, at % (text.length + 1)));
    const texts = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: "binary" }), json, cut);
    fc.assert(
      fc.property(texts, (text) => {
        const document = readConfigDocument(text, "app.yaml");
        if (document.ok) expectVerdict(validateDeployConfig(document.data, { floats: document.floats }));
        else for (const problem of document.problems) expect(problem).toMatch(/^app\.yaml[: ][^\n]+$/);
        const read = readJson(text);
        if (read.ok) expectVerdict(validateDeployConfig(read.value, { floats: read.floats }));
        else expect(read.message).toMatch(/^[^\n]+$/);
      }),
      { numRuns: 600 },
    );
  });
});
