import { INITIAL_CREDIT_BYTES, WireError } from "./frame.ts";

/** What a sender may still send of a body before the receiver has taken some. */
export class SendCredit {
  #left = INITIAL_CREDIT_BYTES;

  /** Bytes; 0: wait. */
  get left(): number {
    return this.#left;
  }

  /** At most {@link left}. */
  spend(bytes: number): void {
    this.#left -= bytes;
  }

  /** The receiver has taken some. Throws a WireError where it returns more than it was sent. */
  returned(bytes: number): void {
    this.#left += bytes;
    if (this.#left > INITIAL_CREDIT_BYTES) throw new WireError("more credit was returned than was spent");
  }
}

/** Credit is returned in portions of this size. */
const RETURN_BYTES = INITIAL_CREDIT_BYTES / 4;

/** What a receiver has let a sender send, and what of it was taken. */
export class ReceiveCredit {
  /** Came in and was not returned. */
  #open = 0;
  #taken = 0;

  /** A piece came in. Throws a WireError where the sender had no credit for it. */
  received(bytes: number): void {
    this.#open += bytes;
    if (this.#open > INITIAL_CREDIT_BYTES) throw new WireError("the peer sent more than it may");
  }

  /** The application has taken a piece. Returns what is to be returned to the sender now; 0: nothing yet. */
  took(bytes: number): number {
    this.#taken += bytes;
    if (this.#taken < RETURN_BYTES) return 0;
    const portion = this.#taken;
    this.#taken = 0;
    this.#open -= portion;
    return portion;
  }
}
