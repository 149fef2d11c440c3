import type { SimulatedRouter } from "./router.ts";

/** Requests that come to a deployment. */
export type OfferedLoad =
  /** So many are open at any time. */
  | { readonly concurrent: number }
  /** So many come in a second, evenly, and each takes a replica for so long; a replica has `max_ongoing_requests`. */
  | { readonly requestsPerS: number; readonly serviceTimeS: number };

/** Load on one deployment, as a router before it sees it. */
export class LoadSource {
  readonly #router: SimulatedRouter;
  #load: OfferedLoad = { concurrent: 0 };
  /** Open requests, fractions and all. */
  #open = 0;

  constructor(router: SimulatedRouter) {
    this.#router = router;
  }

  /** Requests that wait for a replica. */
  get queued(): number {
    return this.#router.queued;
  }

  /** Requests that replicas work on. */
  get ongoing(): number {
    return this.#router.running;
  }

  /** From now on this comes. */
  offer(load: OfferedLoad): void {
    this.#load = load;
    if ("concurrent" in load) this.#set(load.concurrent);
  }

  /** Lets `stepMs` of it come and be served, and reports what routers would. */
  beat(stepMs: number): void {
    const load = this.#load;
    if ("requestsPerS" in load) {
      const stepS = stepMs / 1_000;
      const served = (this.#router.running * stepS) / load.serviceTimeS;
      this.#set(Math.max(0, this.#open + load.requestsPerS * stepS - served));
    }
    this.#router.beat();
  }

  #set(open: number): void {
    this.#open = open;
    const whole = Math.round(open);
    if (whole !== this.#router.concurrent) this.#router.concurrent = whole;
  }
}
