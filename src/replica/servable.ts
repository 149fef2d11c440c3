import { DEFAULT_METHOD } from "../sdk/handle.ts";
import type { DeploymentSpec } from "../sdk/types.ts";
import type { GrpcService } from "./grpc-call.ts";

/** What a replica runs, seen from its servers. Hooks that the author left out are null. */
export interface Servable {
  /** Instance, function or object. */
  readonly object: unknown;
  /** Answers an HTTP request. */
  http(request: Request): unknown;
  /** A method for handles, bound; undefined when there is none. */
  method(name: string): ((...args: unknown[]) => unknown) | undefined;
  /** Names that {@link method} knows, but private ones. */
  methods(): string[];
  readonly reconfigure: ((userConfig: unknown) => unknown) | null;
  readonly checkHealth: (() => unknown) | null;
  /** Numbers by name, for the autoscaler. */
  readonly recordAutoscalingStats: (() => unknown) | null;
  /** JSON by name, for request routers. */
  readonly recordRoutingStats: (() => unknown) | null;
  readonly dispose: (() => unknown) | null;
  /** Answers gRPC calls; absent: it serves none. */
  readonly grpc?: GrpcService;
}

type Method = (...args: unknown[]) => unknown;

/** Makes what a replica of `spec` runs; constructs the class. Throws what the constructor throws. */
export function makeServable(spec: DeploymentSpec, args: readonly unknown[]): Servable {
  if (spec.kind === "function") return fromFunction(spec.target as Method);
  if (spec.kind === "object") return fromObject(spec.target as object);
  const Target = spec.target as new (...args: readonly unknown[]) => object;
  return fromObject(new Target(...args));
}

function fromFunction(target: Method): Servable {
  return {
    object: target,
    http: (request) => target(request),
    method: (name) => (name === DEFAULT_METHOD ? target : undefined),
    methods: () => [DEFAULT_METHOD],
    reconfigure: null,
    checkHealth: null,
    recordAutoscalingStats: null,
    recordRoutingStats: null,
    dispose: null,
  };
}

function fromObject(object: object): Servable {
  const find = (name: string | symbol): Method | undefined => {
    const value: unknown = Reflect.get(object, name);
    return typeof value === "function" && value !== Reflect.get(Object.prototype, name)
      ? (value.bind(object) as Method)
      : undefined;
  };
  const entry = find("fetch") ?? find(DEFAULT_METHOD);
  return {
    object,
    http(request) {
      if (entry === undefined) throw new TypeError(`${nameOf(object)} has neither fetch(request) nor call(request)`);
      return entry(request);
    },
    method: (name) => (name === "constructor" ? undefined : find(name)),
    methods: () => methodNames(object),
    reconfigure: find("reconfigure") ?? null,
    checkHealth: find("checkHealth") ?? null,
    recordAutoscalingStats: find("recordAutoscalingStats") ?? null,
    recordRoutingStats: find("recordRoutingStats") ?? null,
    dispose: find(Symbol.asyncDispose) ?? find(Symbol.dispose) ?? null,
  };
}

function nameOf(object: object): string {
  return object.constructor?.name || "the deployed object";
}

function methodNames(object: object): string[] {
  const names = new Set<string>();
  for (
    let level: object | null = object;
    level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level)
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (typeof value === "function" && name !== "constructor" && !name.startsWith("_")) names.add(name);
    }
  }
  return [...names].sort();
}
