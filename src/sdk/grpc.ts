import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { GRPC, isClass } from "./brands.ts";
import { isFetchHandler } from "./deployment.ts";

/**
 * Where a deployment's services are registered: Connect's router, and grpc-js's `addService` for implementations that
 * were written for a server of its.
 */
export interface GrpcServer extends ConnectRouter {
  /** As grpc-js's `Server.addService`. */
  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void;
}

/**
 * Methods of services on a class: `sayHello(request, context)`, or named as in the .proto, `SayHello`. Those that are left
 * out answer UNIMPLEMENTED.
 */
export type GrpcMethods<S extends DescService> = Partial<ServiceImpl<S>> & {
  [K in keyof ServiceImpl<S> as Capitalize<K & string>]?: ServiceImpl<S>[K];
};

type AllOf<S extends readonly DescService[]> = S extends readonly [
  infer First extends DescService,
  ...infer Rest extends readonly DescService[],
]
  ? GrpcMethods<First> & AllOf<Rest>
  : unknown;

/**
 * A deployable class that serves what `routes` registers: Connect's own form, so that the default export of a
 * `connect.ts` will do.
 */
export function grpc(routes: (server: GrpcServer) => void): new () => object;
/** The class, and calls of these services go to its methods of the same names. */
export function grpc<A extends unknown[], const S extends readonly [DescService, ...DescService[]], T extends AllOf<S>>(
  target: new (...args: A) => T,
  ...services: S
): new (
  ...args: A
) => T;
/** The class, and calls go to what `routes` registers for each instance. */
export function grpc<A extends unknown[], T extends object>(
  target: new (...args: A) => T,
  routes: (server: GrpcServer, instance: T) => void,
): new (
  ...args: A
) => T;
export function grpc(target: unknown, ...more: readonly unknown[]): new (...args: unknown[]) => object {
  if (typeof target !== "function") {
    const handler = isFetchHandler(target) ? ": for handlers of web requests there is ingress()" : "";
    throw new TypeError(`grpc() needs a class or a function that registers services, not ${typeof target}${handler}`);
  }
  if (!isClass(target)) {
    if (more.length > 0) throw new TypeError("grpc(routes) takes nothing else: pass grpc(Class, routes)");
    return withRoutes(class {}, "", target as (server: GrpcServer) => void);
  }
  if (more.length === 0) throw new TypeError(`grpc(${target.name}) has no services: pass descriptors, or a function`);
  const [first] = more;
  if (more.length === 1 && typeof first === "function" && !isClass(first)) {
    return withRoutes(target, target.name, first as (server: GrpcServer, instance: object) => void);
  }
  const services = more.map((service) => {
    if (isService(service)) return service;
    throw new TypeError(`grpc(${target.name}) got ${typeof service}, which is no service descriptor of protobuf-es`);
  });
  return withRoutes(target, target.name, (server, instance) => {
    for (const service of services) server.service(service, methodsOf(service, instance));
  });
}

type Routes = (server: GrpcServer, instance: object) => void;

function withRoutes(
  Target: new (...args: unknown[]) => object,
  name: string,
  routes: Routes,
): new (
  ...args: unknown[]
) => object {
  const WithGrpc = class extends Target {
    [GRPC](server: GrpcServer): void {
      routes(server, this);
    }
  };
  Object.defineProperty(WithGrpc, "name", { value: name });
  return WithGrpc;
}

function isService(value: unknown): value is DescService {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === "service";
}

/** The instance's methods that are named like one of the service. Throws where there is none. */
function methodsOf(service: DescService, instance: object): Record<string, never> {
  const found: Record<string, unknown> = {};
  for (const { localName, name } of service.methods) {
    for (const candidate of [localName, name]) {
      const value: unknown = Reflect.get(instance, candidate);
      if (typeof value === "function") found[localName] ??= value.bind(instance);
    }
  }
  if (Object.keys(found).length === 0) {
    const names = service.methods.map(({ localName }) => localName).join(", ");
    throw new TypeError(
      `${instance.constructor.name || "the class"} has none of ${service.typeName}'s methods: ${names}`,
    );
  }
  return found as Record<string, never>;
}
