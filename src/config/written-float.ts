/** Numbers written as floats (`2.0`, `1e3`) on their way through the schemas, which see values without their text. */
import type * as z from "zod";
import { itemOf, shapeOf, typeInfo } from "./schema-info.ts";
import type { FloatMarks } from "./schema-types.ts";
import { isRecord } from "./schema-types.ts";

/** A number that was written as a float. */
export class WrittenFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  /** The number, so that messages show it as one. */
  toJSON(): number {
    return this.value;
  }
}

/** The number inside a {@link WrittenFloat}; any other value as it is. */
export function plainNumber(value: unknown): unknown {
  return value instanceof WrittenFloat ? value.value : value;
}

/** Copies what the schema reads, with a {@link WrittenFloat} in the place of each marked number that must be whole. */
export function wrapFloats(schema: z.core.$ZodType, value: unknown, floats: FloatMarks): unknown {
  const shape = shapeOf(schema);
  if (shape && isRecord(value)) {
    const copy = { ...value };
    for (const [key, field] of Object.entries(shape)) {
      if (!Object.hasOwn(value, key)) continue;
      const item = value[key];
      const marked = typeof item === "number" && typeInfo(field).number === "whole" && floats.has(value, key);
      copy[key] = marked ? new WrittenFloat(item) : wrapFloats(field, item, floats);
    }
    return copy;
  }
  const item = itemOf(schema);
  return item && Array.isArray(value) ? value.map((entry) => wrapFloats(item, entry, floats)) : value;
}
