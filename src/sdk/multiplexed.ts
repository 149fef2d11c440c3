import { AsyncLocalStorage } from "node:async_hooks";
import { ModelCache } from "./multiplex-cache.ts";
import { modelMetrics, showModels } from "./multiplex-metrics.ts";
import { suggest } from "./options.ts";
import { getMultiplexedModelId, type RequestContext, runtime } from "./runtime.ts";

/** Options of `multiplexed`. `M` is a model. */
export interface MultiplexedOptions<M = unknown> {
  /** Models that a replica has at most; -1: no limit. Default 3. */
  maxNumModelsPerReplica?: number;
  /**
   * Whether a model goes before the next one is loaded, for models of which no more than the limit fit into memory. Then a
   * load that fails has cost a model. Default false: it goes once the next one is there.
   */
  unloadFirst?: boolean;
  /**
   * Lets a model go, once for each. No request that was given the model runs any more. Default: its
   * `[Symbol.asyncDispose]()` or `[Symbol.dispose]()`, if it has one.
   */
  unload?: (model: M, modelId: string) => unknown;
}

/** See {@link multiplexed}: the model of this id. Default: of the id that the present request names. */
export type MultiplexedFunction<M> = (modelId?: string) => Promise<M>;

const NAMES = ["maxNumModelsPerReplica", "unloadFirst", "unload"];

/**
 * Keeps the models that requests ask for, and has those requests come to replicas that have their model:
 *
 *     class Translator {
 *       model = multiplexed({ maxNumModelsPerReplica: 2 }, async (modelId: string) => loadModel(modelId));
 *       async fetch(request: Request) { return (await this.model()).translate(await request.text()); }
 *     }
 *
 * A request names its model in the header `serve_multiplexed_model_id` or by
 * `handle.options({ multiplexedModelId })`. However many ask for a model, it is loaded once; a load that fails fails for
 * those who wait for it, and is tried anew for the next. Above the limit the model unused for longest goes.
 */
export function multiplexed<M>(
  options: MultiplexedOptions<Awaited<M>>,
  load: (this: void, modelId: string) => M,
): MultiplexedFunction<Awaited<M>>;
export function multiplexed<M>(load: (this: void, modelId: string) => M): MultiplexedFunction<Awaited<M>>;
export function multiplexed(first: unknown, second?: unknown): MultiplexedFunction<unknown> {
  const [given, load] = typeof first === "function" && second === undefined ? [{}, first] : [first, second];
  if (typeof given !== "object" || given === null) throw new TypeError("multiplexed() needs (options, function)");
  if (typeof load !== "function") {
    throw new TypeError(`multiplexed() needs a function that loads a model, not ${typeof load}`);
  }
  const options = checked(given as Record<string, unknown>);
  const outside = AsyncLocalStorage.snapshot();
  let cache: ModelCache | undefined;
  const begin = (): ModelCache => {
    const { models, requests } = runtime();
    const made = new ModelCache({
      ...options,
      // For all who wait, so with the context of none; what it calls is for the same model.
      load: (id) => outside(() => requests.run(contextOf(id), () => (load as (modelId: string) => unknown)(id))),
      unload: (model, id) => outside(() => requests.exit(() => options.unload(model, id))),
      metrics: modelMetrics(),
      onChange: () => models.onChange(),
      onError: (id, error) => console.error(`model ${id} could not be unloaded:`, error),
    });
    showModels();
    models.caches.add(made);
    return made;
  };
  return async (modelId = getMultiplexedModelId()) => {
    if (typeof modelId !== "string") throw new TypeError(`a model id must be a string, not ${typeof modelId}`);
    if (modelId === "") {
      throw new RangeError(
        "no model id: the request needs the header serve_multiplexed_model_id, or handle.options({ multiplexedModelId })",
      );
    }
    if (cache === undefined || !runtime().models.caches.has(cache)) cache = begin();
    return cache.get(modelId, runtime().requests.getStore());
  };
}

function contextOf(multiplexedModelId: string): RequestContext {
  return { requestId: `load ${multiplexedModelId}`, multiplexedModelId, signal: new AbortController().signal };
}

function checked(options: Readonly<Record<string, unknown>>) {
  for (const name of Object.keys(options)) {
    if (NAMES.includes(name)) continue;
    const near = suggest(name, NAMES);
    throw new TypeError(
      `multiplexed() has no option "${name}"${near === undefined ? "" : `: did you mean "${near}"?`}`,
    );
  }
  const { maxNumModelsPerReplica: max = 3, unloadFirst = false, unload = dispose } = options;
  if (typeof max !== "number" || !Number.isInteger(max)) {
    throw new TypeError(`maxNumModelsPerReplica must be an integer, not ${typeof max === "number" ? max : typeof max}`);
  }
  if (max !== -1 && max < 1) throw new RangeError(`maxNumModelsPerReplica ${max} must be >= 1, or -1 for no limit`);
  if (typeof unloadFirst !== "boolean") throw new TypeError(`unloadFirst must be true or false`);
  if (typeof unload !== "function") throw new TypeError(`unload must be a function, not ${typeof unload}`);
  return {
    max: max === -1 ? Number.POSITIVE_INFINITY : max,
    unloadFirst,
    unload: unload as (model: unknown, id: string) => unknown,
  };
}

function dispose(model: unknown): unknown {
  if (typeof model !== "object" || model === null) return undefined;
  const { [Symbol.asyncDispose]: later, [Symbol.dispose]: now } = model as Partial<AsyncDisposable & Disposable>;
  return later === undefined ? now?.call(model) : later.call(model);
}
