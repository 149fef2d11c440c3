import { addSample, prune, type SeriesStore } from "../../autoscaling/series.ts";
import type { SimulatedController } from "./controller.ts";

const QUEUED = "";

/**
 * A router in front of one deployment of a simulated controller: holds a number of requests open, spreads them over the
 * replicas that the present table has, and reports as routers do, at the intervals of the table and at once where
 * requests wait and no replica is. The requests that find no room at `perReplica` each wait.
 */
export class SimulatedRouter {
  readonly #simulation: Pick<SimulatedController, "clock" | "routes">;
  readonly #name: { readonly application: string; readonly deployment: string };
  readonly #perReplica: number | "max_ongoing_requests";
  readonly #store: SeriesStore = new Map();
  #concurrent = 0;
  #sampleAt = 0;
  #pushAt = 0;
  #told = false;
  #lastS = 0;

  constructor(
    simulation: Pick<SimulatedController, "clock" | "routes">,
    application = "a",
    deployment = "D",
    options: { perReplica?: number | "max_ongoing_requests" } = {},
  ) {
    this.#simulation = simulation;
    this.#name = { application, deployment };
    this.#perReplica = options.perReplica ?? Number.POSITIVE_INFINITY;
  }

  /** Requests that are open from now on. */
  set concurrent(count: number) {
    this.#concurrent = count;
    this.#wake();
  }

  get concurrent(): number {
    return this.#concurrent;
  }

  /** Requests that replicas work on. */
  get running(): number {
    let sum = 0;
    for (const count of this.#split().running.values()) sum += count;
    return sum;
  }

  /** Requests that wait for a replica. */
  get queued(): number {
    return this.#split().queued;
  }

  /** Reports at once, as to a controller that is there again. */
  reconnected(): void {
    this.#told = false;
    this.#push();
  }

  /** Lets time pass in steps of 50 ms, sampling and reporting as it goes. */
  async run(seconds: number, each: () => void | Promise<void> = () => {}): Promise<void> {
    const { clock } = this.#simulation;
    const end = clock.now() + seconds * 1_000;
    while (clock.now() < end) {
      this.beat();
      await clock.advance(50);
      await each();
    }
  }

  #split(): { queued: number; running: Map<string, number> } {
    const { replicas = [], maxOngoingRequests = 0 } = this.#targets() ?? {};
    const perReplica = this.#perReplica === "max_ongoing_requests" ? maxOngoingRequests : this.#perReplica;
    const running = new Map(replicas.map(({ id }) => [id, 0]));
    let queued = this.#concurrent;
    for (let round = 0; queued > 0 && round < perReplica && running.size > 0; round++) {
      for (const [id, count] of running) {
        if (queued === 0) break;
        running.set(id, count + 1);
        queued -= 1;
      }
    }
    return { queued, running };
  }

  #targets() {
    const { application, deployment } = this.#name;
    return this.#simulation.routes.latest.table.deployments.find(
      (each) => each.application === application && each.deployment === deployment,
    );
  }

  /** Samples and reports where it is time to. */
  beat(): void {
    const sampling = this.#targets()?.loadSampling;
    if (sampling === undefined) return;
    const now = this.#simulation.clock.now();
    if (now >= this.#sampleAt) {
      this.#sample(now / 1_000);
      this.#sampleAt = now + sampling.sampleIntervalS * 1_000;
    }
    if (now >= this.#pushAt) {
      this.#push();
      this.#pushAt = now + sampling.pushIntervalS * 1_000;
    }
    this.#wake();
  }

  #sample(nowS: number): void {
    const { queued, running } = this.#split();
    addSample(this.#store, QUEUED, nowS, queued);
    for (const [id, count] of running) addSample(this.#store, id, nowS, count);
    prune(this.#store, nowS - (this.#targets()?.loadSampling?.lookBackS ?? 30));
  }

  #wake(): void {
    const { queued, running } = this.#split();
    if (running.size > 0 || queued === 0) this.#told = false;
    else if (!this.#told && this.#targets()?.loadSampling !== undefined) {
      this.#told = true;
      // As routers do: idle time before requests came counts nowhere.
      if (this.#store.get(QUEUED)?.values.at(-1) === 0) this.#store.delete(QUEUED);
      this.#sample(this.#simulation.clock.now() / 1_000);
      this.#push();
    }
  }

  #push(): void {
    this.#lastS = Math.max(this.#simulation.clock.now() / 1_000, this.#lastS + 1e-5);
    const series = new Map(
      [...this.#store].map(([name, { timesS, values }]) => [name, { timesS: [...timesS], values: [...values] }]),
    );
    this.#simulation.routes.reportLoad({
      routerId: "proxy/0",
      timestampS: this.#lastS,
      deployments: [{ ...this.#name, series }],
    });
  }
}
