/** Moments with a number each, the earliest first; in typed arrays, since every request passes through. */
export class EventHeap {
  #times = new Float64Array(64);
  #tags = new Int32Array(64);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The earliest time; Infinity: none. */
  get nextS(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#times[0]!;
  }

  push(timeS: number, tag: number): void {
    if (this.#size === this.#times.length) this.#grow();
    const times = this.#times;
    const tags = this.#tags;
    let hole = this.#size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (times[parent]! <= timeS) break;
      times[hole] = times[parent]!;
      tags[hole] = tags[parent]!;
      hole = parent;
    }
    times[hole] = timeS;
    tags[hole] = tag;
  }

  /** Takes the earliest out; its number. There must be one. */
  pop(): number {
    const times = this.#times;
    const tags = this.#tags;
    const found = tags[0]!;
    const size = --this.#size;
    const timeS = times[size]!;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      if (child + 1 < size && times[child + 1]! < times[child]!) child += 1;
      if (timeS <= times[child]!) break;
      times[hole] = times[child]!;
      tags[hole] = tags[child]!;
      hole = child;
    }
    times[hole] = timeS;
    tags[hole] = tags[size]!;
    return found;
  }

  #grow(): void {
    const times = new Float64Array(2 * this.#times.length);
    const tags = new Int32Array(times.length);
    times.set(this.#times);
    tags.set(this.#tags);
    this.#times = times;
    this.#tags = tags;
  }
}
