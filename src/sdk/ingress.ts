import { isClass } from "./brands.ts";
import { isFetchHandler } from "./deployment.ts";
import { type NodeHandler, webHandlerOf } from "./node-handler.ts";
import type { FetchHandler } from "./types.ts";

type WebHandler = (request: Request) => Response | Promise<Response>;
type Handler = FetchHandler | WebHandler | NodeHandler;

/** A class with `fetch` already answers HTTP: it is returned as it is. */
export function ingress<A extends unknown[], T extends FetchHandler>(
  target: new (...args: A) => T,
): new (
  ...args: A
) => T;
/**
 * A class whose HTTP entry is what `handlerOf` makes of the instance, once for each: a router whose routes call its
 * methods, say. A function of two parameters or more is a handler for Node's HTTP server, `(request, response)`.
 */
export function ingress<A extends unknown[], T extends object>(
  target: new (...args: A) => T,
  handlerOf: (instance: T) => Handler,
): new (
  ...args: A
) => T & FetchHandler;
/** A deployable class around any `{ fetch(request) }`. */
export function ingress(target: FetchHandler): new () => FetchHandler;
/** A deployable class around a handler for Node's HTTP server, `(request, response)`: an Express app, say. */
export function ingress(target: NodeHandler): new () => FetchHandler;
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
  if (!isFetchHandler(target) && !isNodeHandler(target)) {
    throw new TypeError("ingress() needs an object or a class with fetch(request), or a function (request, response)");
  }
  const handle = webHandler(target);
  const Ingress = class {
    fetch(request: Request): Response | Promise<Response> {
      return handle(request);
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
  const handlers = new WeakMap<object, WebHandler>();
  const WithIngress = class extends Target {
    fetch(request: Request): Response | Promise<Response> {
      let handle = handlers.get(this);
      if (handle === undefined) {
        const handler = handlerOf(this);
        if (!isFetchHandler(handler) && typeof handler !== "function") {
          throw new TypeError(
            `ingress(${Target.name}, …) was given ${show(handler)}: return an object with fetch(request), or a function`,
          );
        }
        handle = webHandler(handler);
        handlers.set(this, handle);
      }
      return handle(request);
    }
  };
  Object.defineProperty(WithIngress, "name", { value: Target.name });
  return WithIngress;
}

function webHandler(handler: Handler): WebHandler {
  if (isFetchHandler(handler)) return (request) => handler.fetch(request);
  return isNodeHandler(handler) ? webHandlerOf(handler) : handler;
}

function show(value: unknown): string {
  if (value instanceof Promise) return "a promise, which is not waited for";
  return value === undefined || value === null ? String(value) : `something of type ${typeof value}`;
}

/** Handlers of web requests have one parameter. */
function isNodeHandler(value: unknown): value is NodeHandler {
  return typeof value === "function" && value.length >= 2;
}
