import { setTimeout as sleep } from "node:timers/promises";
import { getRequestContext } from "windlass";

const PRICES: Record<string, number> = { apple: 30, banana: 25, cherry: 90 };

/** What the shop has. */
export class Stock {
  #dayMs = 100;

  /** Called when `user_config` changes, without a restart. */
  reconfigure({ day_ms }: { day_ms: number }): void {
    this.#dayMs = day_ms;
  }

  price(fruit: string): number {
    const price = PRICES[fruit];
    if (price === undefined) throw new RangeError(`there is no ${fruit}`);
    return price;
  }

  /** How a fruit changes, day by day. */
  async *ripen(fruit: string): AsyncGenerator<string> {
    const { signal } = getRequestContext()!;
    for (const state of ["green", "yellow", "ripe"]) {
      yield `${state} ${fruit}`;
      // Nobody waits any more: the wait ends and throws.
      await sleep(this.#dayMs, undefined, { signal });
    }
  }
}
