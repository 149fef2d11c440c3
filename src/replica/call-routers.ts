import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { CallRouter, HandleCall } from "../sdk/runtime.ts";

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
  readonly clock: Clock;
  readonly random: Random;
}

/** Places calls of any application. `prepare` begins to follow the own one, before the first call. */
export type CallRouters = CallRouter & { prepare(): void };

/** A router for each application that is called: routing costs memory and start-up time, which others need not pay. */
export function callRouters(options: CallRoutersOptions): CallRouters {
  const { application: own, routerId } = options;
  const made = new Map<string, Promise<CallRouter>>();
  const make = async (application: string): Promise<CallRouter> => {
    const { createCallRouter } = await import("./handle-client.ts");
    if (application === own) return createCallRouter(options);
    return createCallRouter({ ...options, application, routerId: `${routerId}/${application}`, revision: 0 });
  };
  const routerOf = (application: string): Promise<CallRouter> => {
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
  };
}
