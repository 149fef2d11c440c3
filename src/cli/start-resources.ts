/** The values of --num-cpus, --num-gpus and --resources. */

/** A value, or what is wrong with it, to stand after the flag's name. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

const MOST = 1_000_000;

/** CPUs of the node: any number from 0, fractions too. */
export function parseCpus(text: string): Parsed<number> {
  const value = /^\d{1,7}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
  if (value <= MOST) return { ok: true, value };
  return { ok: false, problem: `must be a number from 0 to ${MOST}, got "${text}"` };
}

/**
 * Ids of the node's GPUs: the first `text` of those that CUDA_VISIBLE_DEVICES names where `start` itself is limited to
 * some, else 0 and up.
 */
export function parseGpus(text: string, visible: string | undefined): Parsed<readonly string[]> {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count <= 1024)) return { ok: false, problem: `must be a whole number from 0 to 1024, got "${text}"` };
  if (visible === undefined) return { ok: true, value: Array.from({ length: count }, (_, index) => String(index)) };
  const ids = visible
    .split(",")
    .map((id) => id.trim())
    .filter((id) => id !== "");
  if (count <= ids.length) return { ok: true, value: ids.slice(0, count) };
  return { ok: false, problem: `is ${count}, but CUDA_VISIBLE_DEVICES names ${ids.length}; lower it or name more` };
}

/** Custom resources of the node, as a JSON object of amounts. */
export function parseCustom(text: string): Parsed<Readonly<Record<string, number>>> {
  const problem = `must be a JSON object of numbers >= 0 such as {"accel": 2}, got ${text}`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, problem };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { ok: false, problem };
  for (const [name, amount] of Object.entries(value)) {
    if (typeof amount !== "number" || !(amount >= 0 && amount <= MOST)) return { ok: false, problem };
    const other = { CPU: "give CPUs with --num-cpus", GPU: "give GPUs with --num-gpus", memory: "memory never limits" };
    if (Object.hasOwn(other, name)) {
      return { ok: false, problem: `names ${name}; ${other[name as keyof typeof other]}` };
    }
  }
  return { ok: true, value: value as Record<string, number> };
}
