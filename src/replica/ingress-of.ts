import type { RoutingTable } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import type { Clock } from "../core/clock.ts";
import type { HandleCall } from "../sdk/runtime.ts";
import { failureError } from "./call-failure.ts";

/** Longest delay of a timer. */
const FOR_EVER_MS = 2 ** 31 - 1;

/** Knows the ingress of applications, for calls that name the application alone. */
export class Ingress {
  readonly #clock: Clock;
  readonly #heard = Promise.withResolvers<void>();
  #table: Pick<RoutingTable, "routes" | "deployments"> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes a table. */
  apply(table: Pick<RoutingTable, "routes" | "deployments">): void {
    this.#table = table;
    this.#heard.resolve();
  }

  /** The call with its deployment. Waits for the first table. Throws where the application has no ingress. */
  async addressed(call: HandleCall): Promise<HandleCall> {
    if (call.deployment !== "") return call;
    const startedMs = this.#clock.monotonic();
    await this.#firstTable(call);
    const waitedMs = this.#clock.monotonic() - startedMs;
    if (call.signal.aborted) throw failureError({ kind: "cancelled", responseStarted: false }, call);
    if (call.timeoutMs !== null && waitedMs >= call.timeoutMs) {
      throw failureError({ kind: "timed-out", responseStarted: false }, call);
    }
    const deployment = this.#of(call.application);
    if (deployment === undefined) throw failureError({ kind: "absent" }, call);
    return { ...call, deployment, timeoutMs: call.timeoutMs === null ? null : call.timeoutMs - waitedMs };
  }

  #of(name: string): string | undefined {
    const route = this.#table?.routes.find(({ application }) => application === name);
    // Without a path over HTTP no route names it.
    const marked = this.#table?.deployments.find(({ application, ingress }) => ingress && application === name);
    return (route ?? marked)?.deployment;
  }

  async #firstTable({ signal, timeoutMs }: HandleCall): Promise<void> {
    const over = new AbortController();
    const limit = this.#clock.sleep(timeoutMs ?? FOR_EVER_MS, AbortSignal.any([signal, over.signal]));
    await Promise.race([this.#heard.promise, limit]);
    over.abort();
  }
}
