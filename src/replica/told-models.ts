import type { Clock, Timer } from "../core/clock.ts";
import type { ModelRegistry } from "../sdk/runtime.ts";

/** Models that are told of; of more the newest. */
const MAX_MODELS = 1_000;
/** Between two words on them. */
const PAUSE_MS = 100;

/** What a replica tells of its models: the first change at once, then at most ten times a second. */
export class ToldModels {
  readonly #registry: ModelRegistry;
  readonly #clock: Clock;
  readonly #onNews: () => void;
  #ids: readonly string[] | undefined;
  #pause: Timer | undefined;
  #stale = false;

  constructor(registry: ModelRegistry, clock: Clock, onNews: () => void) {
    this.#registry = registry;
    this.#clock = clock;
    this.#onNews = onNews;
    registry.onChange = () => this.#changed();
  }

  /** The newest word; undefined: there never were any models. Another object each time it is another one. */
  get ids(): readonly string[] | undefined {
    return this.#ids;
  }

  /** Unloads all models. */
  async close(): Promise<void> {
    await Promise.all([...this.#registry.caches].map((cache) => cache.close()));
  }

  #changed(): void {
    if (this.#pause !== undefined) {
      this.#stale = true;
      return;
    }
    const ids = new Set([...this.#registry.caches].flatMap((cache) => [...cache.ids()]));
    this.#ids = [...ids].slice(-MAX_MODELS);
    this.#stale = false;
    this.#pause = this.#clock.timer(
      PAUSE_MS,
      () => {
        this.#pause = undefined;
        if (this.#stale) this.#changed();
      },
      { unref: true },
    );
    this.#onNews();
  }
}
