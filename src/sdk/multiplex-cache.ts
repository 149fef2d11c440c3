/**
 * The models of one `multiplexed` function. One that is asked for is loaded once, however many ask; when it is there, and
 * there are more than the limit, the one unused for longest goes. Its unloading waits for the requests that have it.
 */
import { RequestCancelledError } from "./errors.ts";
import type { ModelMetrics } from "./multiplex-metrics.ts";
import type { ModelIds, RequestContext } from "./runtime.ts";

/** What a {@link ModelCache} needs. */
export interface ModelCacheOptions {
  /** Models at most; Infinity: no limit. */
  readonly max: number;
  /** Whether room is made before a model is loaded. */
  readonly unloadFirst: boolean;
  readonly load: (id: string) => unknown;
  readonly unload: (model: unknown, id: string) => unknown;
  readonly metrics: ModelMetrics;
  /** The ids held or being loaded may be others now. */
  readonly onChange: () => void;
  /** Unloading failed. */
  readonly onError: (id: string, error: unknown) => void;
}

interface Held {
  readonly id: string;
  readonly model: unknown;
  /** Requests that were given it and have not ended. */
  readonly users: Set<RequestContext>;
}

interface Loading {
  readonly id: string;
  begun: boolean;
  waiters: number;
  readonly users: Set<RequestContext>;
  readonly done: Promise<Held>;
  readonly resolve: (held: Held) => void;
  readonly reject: (error: unknown) => void;
}

/** See the file's comment. */
export class ModelCache implements ModelIds {
  readonly #o: ModelCacheOptions;
  /** Least recently used first. */
  readonly #held = new Map<string, Held>();
  readonly #loading = new Map<string, Loading>();
  /** Out of the cache, but requests have them still. */
  readonly #retiring = new Map<string, Held>();
  readonly #unloading = new Map<string, Promise<void>>();
  #loads = 0;
  #closed = false;

  constructor(options: ModelCacheOptions) {
    this.#o = options;
  }

  /** Ids of models that are here. */
  held(): Iterable<string> {
    return this.#held.keys();
  }

  /** Ids of models that are here or will soon be. */
  *ids(): Generator<string> {
    yield* this.#held.keys();
    yield* this.#loading.keys();
  }

  /** The model; `request` is whom it is for, and keeps it from being unloaded until it ends. */
  async get(id: string, request: RequestContext | undefined): Promise<unknown> {
    if (this.#closed) throw new RequestCancelledError(`model ${id} is not loaded: the replica ends`);
    this.#o.metrics.asked();
    const held = this.#recent(id);
    if (held !== undefined) {
      this.#use(held, request);
      return held.model;
    }
    const loading = this.#ask(id);
    this.#use(loading, request);
    return (await this.#wait(loading, request)).model;
  }

  /** Unloads all, once what loads has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const loading of this.#loading.values()) this.#dropUnbegun(loading);
    await Promise.allSettled([...this.#loading.values()].map(({ done }) => done));
    const held = [...this.#held.values(), ...this.#retiring.values()];
    this.#held.clear();
    this.#retiring.clear();
    for (const each of held) void this.#unload(each);
    await Promise.all(this.#unloading.values());
  }

  /** Notes that a request has a model until it ends. */
  #use({ id, users }: Held | Loading, request: RequestContext | undefined): void {
    if (request?.onEnd === undefined || users.has(request)) return;
    users.add(request);
    request.onEnd(() => {
      users.delete(request);
      const retiring = this.#retiring.get(id);
      if (retiring?.users === users) this.#unloadRetired(retiring);
    });
  }

  /** A model that is here, from now on the one used last. */
  #recent(id: string): Held | undefined {
    const held = this.#held.get(id) ?? this.#retiring.get(id);
    if (held === undefined) return undefined;
    const back = this.#retiring.delete(id);
    this.#held.delete(id);
    this.#held.set(id, held);
    if (back) this.#makeRoom(this.#o.max, held);
    return held;
  }

  #ask(id: string): Loading {
    let loading = this.#loading.get(id);
    if (loading === undefined) {
      const { promise, resolve, reject } = Promise.withResolvers<Held>();
      // It may end with nobody left who waits.
      promise.catch(() => {});
      loading = { id, begun: false, waiters: 0, users: new Set(), done: promise, resolve, reject };
      this.#loading.set(id, loading);
      this.#o.onChange();
      this.#next();
    }
    return loading;
  }

  /** Several load at once while there is room for them; else one after the other. */
  #next(): void {
    for (const loading of this.#loading.values()) {
      if (loading.begun) continue;
      if (this.#loads > 0 && this.#held.size + this.#loads >= this.#o.max) return;
      loading.begun = true;
      this.#loads += 1;
      void this.#load(loading);
    }
  }

  async #load(loading: Loading): Promise<void> {
    const { id } = loading;
    const { max, unloadFirst, metrics } = this.#o;
    try {
      // The same model is never there twice.
      await this.#unloading.get(id);
      if (unloadFirst) await Promise.all(this.#makeRoom(max - this.#loads));
      const model = await metrics.loading(async () => this.#o.load(id));
      const held: Held = { id, model, users: loading.users };
      this.#held.set(id, held);
      loading.resolve(held);
      this.#makeRoom(max, held);
    } catch (error) {
      loading.reject(error);
    }
    this.#loads -= 1;
    this.#loading.delete(id);
    this.#o.onChange();
    this.#next();
  }

  async #wait(loading: Loading, request: RequestContext | undefined): Promise<Held> {
    const signal = request?.signal;
    if (signal === undefined) {
      loading.waiters += 1;
      return await loading.done;
    }
    const gone = (): Error =>
      new RequestCancelledError(`loading of model ${loading.id} was given up with request ${request?.requestId}`);
    loading.waiters += 1;
    const left = Promise.withResolvers<never>();
    const leave = (): void => {
      left.reject(gone());
      loading.waiters -= 1;
      if (loading.waiters === 0) this.#dropUnbegun(loading);
    };
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([loading.done, left.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  #dropUnbegun(loading: Loading): void {
    if (loading.begun) return;
    this.#loading.delete(loading.id);
    loading.reject(new RequestCancelledError(`loading of model ${loading.id} was given up`));
    this.#o.onChange();
  }

  /** Lets models go until `room` are left: first those that no request has. */
  #makeRoom(room: number, keep?: Held): Promise<void>[] {
    const unloads: Promise<void>[] = [];
    while (this.#held.size > Math.max(room, 0)) {
      let oldest: Held | undefined;
      for (const held of this.#held.values()) {
        oldest ??= held;
        if (held.users.size > 0 || held === keep) continue;
        oldest = held;
        break;
      }
      this.#held.delete(oldest!.id);
      this.#retiring.set(oldest!.id, oldest!);
      const unload = this.#unloadRetired(oldest!);
      if (unload !== undefined) unloads.push(unload);
    }
    if (unloads.length > 0) this.#o.onChange();
    return unloads;
  }

  #unloadRetired(held: Held): Promise<void> | undefined {
    if (held.users.size > 0 || this.#retiring.get(held.id) !== held) return undefined;
    this.#retiring.delete(held.id);
    return this.#unload(held);
  }

  #unload({ id, model }: Held): Promise<void> {
    const unload = this.#o.metrics
      .unloading(async () => void (await this.#o.unload(model, id)))
      .catch((error: unknown) => this.#o.onError(id, error))
      .finally(() => {
        if (this.#unloading.get(id) === unload) this.#unloading.delete(id);
      });
    this.#unloading.set(id, unload);
    return unload;
  }
}
