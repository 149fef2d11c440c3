import type { CliContext } from "../context.ts";
import { keyOf, START_FLAGS, type StartFlag } from "../start-flags.ts";
import { VERSION } from "../version.ts";

/** Names the schema for tools that hold several; nothing is to be found under it. */
const SCHEMA_ID = "urn:windlass:config";

/** `windlass schema`: the config's JSON Schema, its `start:` section included. */
export async function schema(ctx: CliContext): Promise<void> {
  const { configJsonSchema } = await import("../../config/json-schema.ts");
  const config = configJsonSchema();
  const properties = { ...(config.properties as Record<string, unknown>), start: startSchema() };
  const head = { $schema: config.$schema, $id: SCHEMA_ID, $comment: `Windlass ${VERSION}`, title: config.title };
  ctx.out(`${JSON.stringify({ ...head, ...config, properties }, null, 2)}\n`);
}

function startSchema(): Record<string, unknown> {
  const flags: readonly StartFlag[] = START_FLAGS;
  return {
    type: "object",
    description: "Flags of `windlass start` and `windlass run`.",
    properties: Object.fromEntries(
      flags.map((flag) => [keyOf(flag.name), { ...valueSchema(flag), description: describe(flag) }]),
    ),
  };
}

function valueSchema({ name, value, list, choices }: StartFlag): Record<string, unknown> {
  if (value === undefined) return { type: "boolean" };
  if (value === "on|off") return { enum: ["on", "off", true, false] };
  if (choices !== undefined) return { enum: choices };
  if (name === "num-cpus") return { type: "number", minimum: 0 };
  if (value === "port" || value === "n") return { type: "integer", minimum: 0 };
  if (value === "json") return { anyOf: [{ type: "object" }, { type: "string" }] };
  if (value === "ports") {
    const port = { type: "integer", minimum: 0 };
    return { anyOf: [port, { type: "string" }, { type: "array", items: port, minItems: 1 }] };
  }
  return list ? { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] } : { type: "string" };
}

function describe({ help, default: byDefault }: StartFlag): string {
  const sentence = `${help.charAt(0).toUpperCase()}${help.slice(1)}.`;
  return byDefault === undefined ? sentence : `${sentence} Default: ${byDefault}.`;
}
