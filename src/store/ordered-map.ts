/** Keys a block holds before it is split in two. Large enough for few blocks, small enough that an insert moves little. */
const MAX_BLOCK = 512;

/**
 * A map whose keys can be listed by prefix in code-unit order. `get` is one hash lookup; `set` of a new key and
 * `delete` move at most {@link MAX_BLOCK} references, whatever the size of the map.
 */
export class OrderedMap<V> {
  readonly #values = new Map<string, V>();
  /** Sorted keys in sorted blocks; no block is empty. */
  readonly #blocks: string[][] = [];

  /** Number of keys. */
  get size(): number {
    return this.#values.size;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: V): void {
    const known = this.#values.has(key);
    this.#values.set(key, value);
    if (known) return;
    const index = this.#blockOf(key);
    const block = this.#blocks[index];
    if (block === undefined) {
      this.#blocks.push([key]);
      return;
    }
    block.splice(lowerBound(block, key), 0, key);
    if (block.length > MAX_BLOCK) this.#blocks.splice(index + 1, 0, block.splice(MAX_BLOCK / 2));
  }

  delete(key: string): void {
    if (!this.#values.delete(key)) return;
    const index = this.#blockOf(key);
    const block = this.#blocks[index]!;
    block.splice(lowerBound(block, key), 1);
    if (block.length === 0) this.#blocks.splice(index, 1);
  }

  /** The values of all keys that begin with `prefix`, ordered by key. */
  range(prefix: string): V[] {
    const found: V[] = [];
    for (let index = this.#blockOf(prefix); index < this.#blocks.length; index++) {
      const block = this.#blocks[index]!;
      // Only the first block can hold keys below the prefix; in the others the bound is 0.
      for (let i = lowerBound(block, prefix); i < block.length; i++) {
        const key = block[i]!;
        if (!key.startsWith(prefix)) return found;
        found.push(this.#values.get(key)!);
      }
    }
    return found;
  }

  /** Index of the last block whose first key is not above `key`; 0 when there is none. */
  #blockOf(key: string): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#blocks[middle]![0]! <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** Index of the first element that is not below `key`. */
function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
