/** Builds that belong to no application's record. */
import { WindlassError } from "../core/errors.ts";
import type { BuildRequest, Engine, EngineEvent } from "../engine/engine.ts";
import type { BuildOutcome } from "./writes.ts";

/** Runs builds whose results nobody but their caller sees. The engine's own deadline ends those that hang. */
export class TrialBuilds {
  readonly #engine: Pick<Engine, "build" | "cancelBuild">;
  readonly #closed = new AbortController();
  readonly #waiting = new Map<string, (outcome: BuildOutcome) => void>();

  constructor(engine: Pick<Engine, "build" | "cancelBuild">) {
    this.#engine = engine;
  }

  /** Takes the end of one of these builds; false for any other event. */
  take(event: EngineEvent): boolean {
    if (event.kind !== "built" && event.kind !== "build-failed") return false;
    const done = this.#waiting.get(event.buildId);
    if (!done) return false;
    this.#waiting.delete(event.buildId);
    done(event.kind === "built" ? { ok: true, result: event.result } : { ok: false, error: event.error });
    return true;
  }

  /** Builds all at a time. Once `caller` aborts, what is not done is cancelled, and this rejects. */
  async run(requests: ReadonlyMap<string, BuildRequest>, caller: AbortSignal): Promise<Map<string, BuildOutcome>> {
    const signal = AbortSignal.any([caller, this.#closed.signal]);
    const outcomes = new Map<string, BuildOutcome>();
    let leave: () => void = () => {};
    const left = new Promise<never>((_resolve, reject) => {
      leave = () => reject(gone());
      if (signal.aborted) leave();
      signal.addEventListener("abort", leave, { once: true });
    });
    // A caller that leaves after the last build is nobody's failure.
    left.catch(() => {});
    try {
      if (signal.aborted) throw gone();
      const all = [...requests].map(async ([name, request]) => outcomes.set(name, await this.#one(request)));
      await Promise.race([Promise.all(all), left]);
      // In the order of the requests, whichever was done first.
      return new Map([...requests.keys()].map((name) => [name, outcomes.get(name)!]));
    } finally {
      signal.removeEventListener("abort", leave);
      for (const { buildId } of requests.values()) {
        if (this.#waiting.delete(buildId)) this.#engine.cancelBuild(buildId);
      }
    }
  }

  /** Gives up all builds, those to come included. */
  close(): void {
    this.#closed.abort();
  }

  #one(request: BuildRequest): Promise<BuildOutcome> {
    return new Promise((resolve) => {
      this.#waiting.set(request.buildId, resolve);
      this.#engine.build(request);
    });
  }
}

function gone(): WindlassError {
  return new WindlassError("INSTANCE_UNAVAILABLE", "the plan was given up: its caller left or the controller stops");
}
