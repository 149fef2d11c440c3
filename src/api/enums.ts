/** Between our own unions of upper-case words and proto enums, by the descriptor's shared prefix: no hand-made maps. */
import type { DescEnum } from "@bufbuild/protobuf";
import type { GenEnum } from "@bufbuild/protobuf/codegenv2";

const tables = new WeakMap<DescEnum, { byWord: Map<string, number>; byNumber: Map<number, string> }>();

function tableOf(desc: DescEnum): { byWord: Map<string, number>; byNumber: Map<number, string> } {
  let table = tables.get(desc);
  if (table === undefined) {
    const prefix = (desc.sharedPrefix ?? "").toUpperCase();
    const words = desc.values.map(({ name, number }) => [name.slice(prefix.length), number] as const);
    table = { byWord: new Map(words), byNumber: new Map(words.map(([word, number]) => [number, word])) };
    tables.set(desc, table);
  }
  return table;
}

/** The enum's value for a word in any case: "running" and "RUNNING" are STATE_RUNNING. Throws for a word it lacks. */
export function enumValue<T extends number>(desc: GenEnum<T>, word: string): T {
  const number = tableOf(desc).byWord.get(word.toUpperCase());
  if (number === undefined) throw new Error(`${desc.typeName} has no value for ${word}`);
  return number as T;
}

/** The word for an enum's value, "RUNNING" for STATE_RUNNING; undefined for a number it lacks. */
export function enumWord<T extends number>(desc: GenEnum<T>, value: T): string | undefined {
  return tableOf(desc).byNumber.get(value);
}
