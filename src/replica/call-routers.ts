import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { CallRouter, HandleCall } from "../sdk/runtime.ts";
import type { CallRouterOptions } from "./handle-client.ts";

/** What {@link callRouters} needs. */
export interface CallRoutersOptions {
  /** The controller's runtime socket. */
  readonly controllerSocket: string;
  /** What the process runs of. "": of none. */
  readonly application: string;
  /** Unique among routers: "replica/<id>". */
  readonly routerId: string;
  /** The revision that calls within the application go to which belong to no request; 0: whichever. */
  readonly revision: number;
  /** What routers count and log; default: nobody looks. */
  readonly events?: CallRouterOptions["events"];
  readonly clock: Clock;
  readonly random: Random;
}

/** Places calls of any application. */
export interface CallRouters extends CallRouter {
  /** Begins to follow the own application, before the first call. */
  prepare(): void;
  /** Fails what waits, breaks what runs and closes all connections. The next call begins anew. */
  close(): Promise<void>;
}

type Closable = CallRouter & { close(): Promise<void> };

/** A router for each application that is called: routing costs memory and start-up time, which others need not pay. */
export function callRouters(options: CallRoutersOptions): CallRouters {
  const { application: own, routerId } = options;
  const made = new Map<string, Promise<Closable>>();
  const make = async (application: string): Promise<Closable> => {
    const { createCallRouter } = await import("./handle-client.ts");
    if (application === own) return createCallRouter(options);
    return createCallRouter({ ...options, application, routerId: `${routerId}/${application}`, revision: 0 });
  };
  const routerOf = (application: string): Promise<Closable> => {
    let router = made.get(application);
    if (router === undefined) {
      router = make(application);
      made.set(application, router);
    }
    return router;
  };
  // Revisions are numbered within an application.
  const addressed = (call: HandleCall): HandleCall => (call.application === own ? call : { ...call, revision: 0 });
  return {
    prepare: () => void routerOf(own),
    unary: async (call) => (await routerOf(call.application)).unary(addressed(call)),
    async *stream(call) {
      yield* (await routerOf(call.application)).stream(addressed(call));
    },
    async close() {
      const all = [...made.values()];
      made.clear();
      await Promise.all(all.map(async (router) => (await router).close()));
    },
  };
}
