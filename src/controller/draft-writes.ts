/** The writes of a draft by store key, found by folder, and taken back in part. */
export class DraftWrites {
  readonly #all = new Map<string, unknown>();
  /** Keys by what stands before their last part, so that a list looks at its own alone. */
  readonly #folders = new Map<string, Set<string>>();
  /** What to undo, newest last; kept only inside of {@link undone}. */
  #log: { readonly key: string; readonly had: boolean; readonly value: unknown }[] = [];
  #depth = 0;

  has(key: string): boolean {
    return this.#all.has(key);
  }

  /** null: the record is to go; undefined: it was not written. */
  get(key: string): unknown {
    return this.#all.get(key);
  }

  /** Keys written under `folder`, which ends in "/", or is "" for keys without one; of records nobody lists, none. */
  under(folder: string): ReadonlySet<string> {
    return this.#folders.get(folder) ?? NONE;
  }

  entries(): Iterable<[string, unknown]> {
    return this.#all;
  }

  set(key: string, value: unknown): void {
    this.#note(key);
    this.#put(key, value);
  }

  /** Forgets a write: the record stays as it is. */
  delete(key: string): void {
    if (!this.#all.has(key)) return;
    this.#note(key);
    this.#drop(key);
  }

  /** Runs `fn`; what it wrote is undone when it throws, and the error thrown on. */
  undone(fn: () => void): void {
    const start = this.#log.length;
    this.#depth += 1;
    try {
      fn();
    } catch (error) {
      while (this.#log.length > start) {
        const { key, had, value } = this.#log.pop()!;
        if (had) this.#put(key, value);
        else this.#drop(key);
      }
      throw error;
    } finally {
      this.#depth -= 1;
      if (this.#depth === 0) this.#log = [];
    }
  }

  #note(key: string): void {
    if (this.#depth > 0) this.#log.push({ key, had: this.#all.has(key), value: this.#all.get(key) });
  }

  #put(key: string, value: unknown): void {
    this.#all.set(key, value);
    if (isUnlisted(key)) return;
    const folder = folderOf(key);
    let keys = this.#folders.get(folder);
    if (keys === undefined) {
      keys = new Set();
      this.#folders.set(folder, keys);
    }
    keys.add(key);
  }

  #drop(key: string): void {
    this.#all.delete(key);
    this.#folders.get(folderOf(key))?.delete(key);
  }
}

const NONE: ReadonlySet<string> = new Set();

/** What is recorded has a folder for each deployment, all of which may be written in one turn. */
function isUnlisted(key: string): boolean {
  return key.startsWith("trace/") || key.startsWith("shadow-trace/");
}

function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf("/") + 1);
}
