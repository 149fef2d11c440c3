/** Requests that wait, oldest first: when each came, how long it will be worked on, and a clock's reading then. A ring. */
export class WaitingLine {
  #timesS = new Float64Array(64);
  #servicesS = new Float64Array(64);
  #readings = new Float64Array(64);
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** When the oldest came; there must be one. */
  get headS(): number {
    return this.#timesS[this.#head]!;
  }

  /** How long the oldest will be worked on. */
  get headServiceS(): number {
    return this.#servicesS[this.#head]!;
  }

  /** What the clock showed when the oldest came. */
  get headReading(): number {
    return this.#readings[this.#head]!;
  }

  append(timeS: number, serviceS: number, reading: number): void {
    if (this.#size === this.#timesS.length) this.#grow();
    const at = (this.#head + this.#size++) & (this.#timesS.length - 1);
    this.#timesS[at] = timeS;
    this.#servicesS[at] = serviceS;
    this.#readings[at] = reading;
  }

  /** Takes the oldest out. */
  shift(): void {
    this.#head = (this.#head + 1) & (this.#timesS.length - 1);
    this.#size -= 1;
  }

  #grow(): void {
    this.#timesS = unrolled(this.#timesS, this.#head);
    this.#servicesS = unrolled(this.#servicesS, this.#head);
    this.#readings = unrolled(this.#readings, this.#head);
    this.#head = 0;
  }
}

/** A ring of twice the length, of a power of two, that begins at its start. */
function unrolled(full: Float64Array, head: number): Float64Array<ArrayBuffer> {
  const next = new Float64Array(2 * full.length);
  next.set(full.subarray(head));
  next.set(full.subarray(0, head), full.length - head);
  return next;
}
