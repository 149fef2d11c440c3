import { isClass } from "./brands.ts";
import { isFetchHandler } from "./deployment.ts";
import type { FetchHandler } from "./types.ts";

type Handler = FetchHandler | ((request: Request) => Response | Promise<Response>);

/** A class with `fetch` already answers HTTP: it is returned as it is. */
export function ingress<A extends unknown[], T extends FetchHandler>(
  target: new (...args: A) => T,
): new (
  ...args: A
) => T;
/**
 * A class whose HTTP entry is what `handlerOf` makes of the instance, once for each: a router whose routes call its
 * methods, say.
 */
export function ingress<A extends unknown[], T extends object>(
  target: new (...args: A) => T,
  handlerOf: (instance: T) => Handler,
): new (
  ...args: A
) => T & FetchHandler;
/** A deployable class around any `{ fetch(request) }`. */
export function ingress(target: FetchHandler): new () => FetchHandler;
export function ingress(
  target: unknown,
  handlerOf?: (instance: object) => Handler,
): new (
  ...args: unknown[]
) => object {
  if (isClass(target)) {
    if (handlerOf !== undefined) return withHandler(target, handlerOf);
    if (isFetchHandler(target.prototype)) return target;
    throw new TypeError(`ingress(${target.name}) has no fetch(request): add one, or pass (instance) => handler`);
  }
  if (!isFetchHandler(target)) throw new TypeError("ingress() needs an object or a class with fetch(request)");
  const handler = target;
  const Ingress = class {
    fetch(request: Request): Response | Promise<Response> {
      return handler.fetch(request);
    }
  };
  const name = target.constructor?.name;
  Object.defineProperty(Ingress, "name", { value: name === "Object" || name === "Function" ? "" : (name ?? "") });
  return Ingress;
}

function withHandler(
  Target: new (...args: unknown[]) => object,
  handlerOf: (instance: object) => Handler,
): new (
  ...args: unknown[]
) => object {
  const handlers = new WeakMap<object, (request: Request) => Response | Promise<Response>>();
  const WithIngress = class extends Target {
    fetch(request: Request): Response | Promise<Response> {
      let handle = handlers.get(this);
      if (handle === undefined) {
        const handler = handlerOf(this);
        handle = typeof handler === "function" ? handler : (r) => handler.fetch(r);
        handlers.set(this, handle);
      }
      return handle(request);
    }
  };
  Object.defineProperty(WithIngress, "name", { value: Target.name });
  return WithIngress;
}
