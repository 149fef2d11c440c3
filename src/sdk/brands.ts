/**
 * Marks on our objects. Registered symbols instead of `instanceof`, so that an application which loads a second copy
 * of the SDK still works.
 */
export const DEPLOYMENT: unique symbol = Symbol.for("windlass.deployment");
/** See {@link DEPLOYMENT}. */
export const APPLICATION: unique symbol = Symbol.for("windlass.application");
/** See {@link DEPLOYMENT}. */
export const HANDLE: unique symbol = Symbol.for("windlass.handle");
/** See {@link DEPLOYMENT}. */
export const RESPONSE: unique symbol = Symbol.for("windlass.response");
/** See {@link DEPLOYMENT}. The method that registers a class's gRPC services. */
export const GRPC: unique symbol = Symbol.for("windlass.grpc");
/** See {@link DEPLOYMENT}. */
export const BATCH: unique symbol = Symbol.for("windlass.batch");
/** See {@link DEPLOYMENT}. What a batch of streams yields for a caller whose stream has ended. */
export const BATCH_DONE: unique symbol = Symbol.for("windlass.batch.done");
/** See {@link DEPLOYMENT}. The trailers of a response. */
export const TRAILERS: unique symbol = Symbol.for("windlass.trailers");

/** Whether `value` carries `brand`. */
export function hasBrand(value: unknown, brand: symbol): value is object {
  return (typeof value === "object" || typeof value === "function") && value !== null && brand in value;
}

/** Whether `value` is an object literal or the like: the only objects that are searched for bound applications. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** Whether `value` was written as a class: its prototype property is fixed, that of a function is not. */
export function isClass(value: unknown): value is new (...args: unknown[]) => object {
  return typeof value === "function" && Object.getOwnPropertyDescriptor(value, "prototype")?.writable === false;
}
