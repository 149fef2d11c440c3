interface Entry {
  readonly key: string;
  /** In the order of their first setting. */
  readonly sequence: number;
  at: number;
  /** Place in the heap; -1: in none, as it is never due. */
  place: number;
}

/**
 * A moment for each of many keys. Setting one costs O(log n), the earliest is known, and finding those that are due costs
 * what is due, however many there are.
 */
export class Deadlines {
  readonly #entries = new Map<string, Entry>();
  /** No entry is earlier than its parent, the one at half its place. */
  readonly #heap: Entry[] = [];
  #sequence = 0;

  /** Infinity: it has none. */
  get(key: string): number {
    return this.#entries.get(key)?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Infinity keeps the key's place in the order and makes it never due. */
  set(key: string, at: number): void {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { key, sequence: this.#sequence++, at: Number.POSITIVE_INFINITY, place: -1 };
      this.#entries.set(key, entry);
    }
    if (entry.at === at) return;
    entry.at = at;
    if (at === Number.POSITIVE_INFINITY) this.#takeOut(entry);
    else if (entry.place === -1) this.#raise(entry, this.#heap.length);
    else this.#settle(entry);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#takeOut(entry);
  }

  /** Infinity: nothing is ever due. */
  earliest(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Keys that are due at `now`, in the order in which they were set first. They stay until they are set anew. */
  due(now: number): string[] {
    const found: Entry[] = [];
    const open = [0];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      const entry = this.#heap[place];
      // What is below is no earlier.
      if (entry === undefined || entry.at > now) continue;
      found.push(entry);
      open.push(2 * place + 1, 2 * place + 2);
    }
    return found.sort((a, b) => a.sequence - b.sequence).map(({ key }) => key);
  }

  #takeOut(entry: Entry): void {
    const { place } = entry;
    if (place === -1) return;
    entry.place = -1;
    const last = this.#heap.pop()!;
    if (last === entry) return;
    last.place = place;
    this.#heap[place] = last;
    this.#settle(last);
  }

  /** Brings an entry that is in the heap to where it belongs. */
  #settle(entry: Entry): void {
    const parent = this.#heap[(entry.place - 1) >> 1];
    if (entry.place > 0 && parent!.at > entry.at) this.#raise(entry, entry.place);
    else this.#lower(entry, entry.place);
  }

  #raise(entry: Entry, from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above]!;
      if (parent.at <= entry.at) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(entry, place);
  }

  #lower(entry: Entry, from: number): void {
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      const [a, b] = [this.#heap[left], this.#heap[left + 1]];
      if (a === undefined) break;
      const child = b !== undefined && b.at < a.at ? b : a;
      if (entry.at <= child.at) break;
      const below = child.place;
      this.#put(child, place);
      place = below;
    }
    this.#put(entry, place);
  }

  #put(entry: Entry, place: number): void {
    entry.place = place;
    this.#heap[place] = entry;
  }
}
