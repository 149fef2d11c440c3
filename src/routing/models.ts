/** Which models replicas have: as they told, and as follows from the requests that were sent to them. */

/** How long a request waits for a replica that has its model, before another one loads it as well. Ms. */
const DEFAULT_MODEL_WAIT_MS = 1_000;
/** A replica tells of a model that was asked for within this time; if not, it has none of that name. */
const TOLD_BY_MS = 1_000;
/** For so long after a request for a model it is known that there was one; without a controller that is all there is. */
const HOPE_MS = 60_000;
/** Models that are expected of one replica: names come from clients. */
const MAX_HOPES = 64;

/** See the file's comment. */
export class Models {
  readonly #told = new Map<string, ReadonlySet<string>>();
  /** By replica: when requests for a model were first and last sent there. */
  readonly #hopes = new Map<string, Map<string, { readonly firstMs: number; lastMs: number }>>();
  #blind = true;

  /** A replica told which models it has or loads; none: it has stopped, or knows no models. */
  tell(replica: string, models: readonly string[], nowMs: number): void {
    if (models.length === 0) this.#told.delete(replica);
    else this.#told.set(replica, new Set(models));
    this.#giveUp(replica, nowMs);
  }

  /** Somebody passes on what replicas tell: there is a controller. */
  hear(): void {
    this.#blind = false;
  }

  /** Nobody passes on what replicas tell. What they have not told of in time until now is expected no more. */
  goBlind(nowMs: number): void {
    if (this.#blind) return;
    this.#blind = true;
    for (const replica of this.#hopes.keys()) this.#giveUp(replica, nowMs);
  }

  /** A replica takes no requests any more. */
  forget(replica: string): void {
    this.#told.delete(replica);
    this.#hopes.delete(replica);
  }

  /** Forgets the replicas that are not in `present`. */
  keep(present: ReadonlySet<string>): void {
    for (const known of [this.#told, this.#hopes]) {
      for (const replica of known.keys()) if (!present.has(replica)) known.delete(replica);
    }
  }

  /** A request for a model was sent to a replica, which has it or will load it. */
  sent(replica: string, model: string, nowMs: number): void {
    let hopes = this.#hopes.get(replica);
    if (hopes === undefined) {
      hopes = new Map();
      this.#hopes.set(replica, hopes);
    }
    const before = hopes.get(model);
    const firstMs = before === undefined || nowMs - before.lastMs >= HOPE_MS ? nowMs : before.firstMs;
    hopes.delete(model);
    hopes.set(model, { firstMs, lastMs: nowMs });
    if (hopes.size > MAX_HOPES) hopes.delete(hopes.keys().next().value!);
  }

  /** Whether a replica has a model or loads it, as far as known. */
  has(replica: string, model: string, nowMs: number): boolean {
    return this.#told.get(replica)?.has(model) === true || this.#expects(replica, model, nowMs);
  }

  /** The models that a replica told of. */
  told(replica: string): readonly string[] {
    return [...(this.#told.get(replica) ?? [])];
  }

  /** How many models a replica has or loads, as far as known. */
  count(replica: string, nowMs: number): number {
    const told = this.#told.get(replica);
    let count = told?.size ?? 0;
    for (const model of this.#hopes.get(replica)?.keys() ?? []) {
      if (told?.has(model) !== true && this.#expects(replica, model, nowMs)) count += 1;
    }
    return count;
  }

  /** What was asked of a replica so long ago that it would have told of it. */
  #giveUp(replica: string, nowMs: number): void {
    const hopes = this.#hopes.get(replica);
    if (hopes === undefined) return;
    for (const [model, { firstMs }] of hopes) if (nowMs - firstMs >= TOLD_BY_MS) hopes.delete(model);
    if (hopes.size === 0) this.#hopes.delete(replica);
  }

  #expects(replica: string, model: string, nowMs: number): boolean {
    const hope = this.#hopes.get(replica)?.get(model);
    if (hope === undefined) return false;
    // A deployment without models tells of none, whatever clients ask for: its requests are spread as ever.
    return nowMs - hope.firstMs < TOLD_BY_MS || (this.#blind && nowMs - hope.lastMs < HOPE_MS);
  }
}

/** The model that a request names in its headers (name, value, …; names in lower case); empty: none. */
export function modelOf(headers: readonly string[]): string {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    if (name.length !== 26) continue;
    if (name === "serve_multiplexed_model_id" || name === "serve-multiplexed-model-id") return textOf(headers[i + 1]!);
  }
  return "";
}

/** An id as the value of a header: headers are latin1, ids any text. */
export function modelHeader(id: string): string {
  return BEYOND_ASCII.test(id) ? Buffer.from(id, "utf8").toString("latin1") : id;
}

const BEYOND_ASCII = /[^\0-\x7f]/;

/** The text that the value of a header stands for. A client may have sent it in latin1 as well. */
export function textOf(value: string): string {
  if (!BEYOND_ASCII.test(value)) return value;
  const text = Buffer.from(value, "latin1").toString("utf8");
  return text.includes("\ufffd") ? value : text;
}

/** How long requests wait for a replica that has their model, as the environment says; in ms, default 1000. */
export function modelWaitMs(env: Readonly<Record<string, string | undefined>>): number {
  const text = env.RAY_SERVE_MULTIPLEXED_MODEL_ID_MATCHING_TIMEOUT_S;
  const seconds = text === undefined || text.trim() === "" ? Number.NaN : Number(text);
  return seconds >= 0 && Number.isFinite(seconds) ? seconds * 1_000 : DEFAULT_MODEL_WAIT_MS;
}
