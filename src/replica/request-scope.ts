import { textOf } from "../routing/models.ts";
import { NORMAL_PRIORITY, PRIORITY_HEADER, parsePriority } from "../routing/priority.ts";
import { sessionHeader, sessionOf } from "../routing/session.ts";
import type { RequestContext } from "../sdk/runtime.ts";

/** The context of one request. The signal is made when somebody asks for it. */
export class RequestScope implements RequestContext {
  readonly requestId: string;
  readonly multiplexedModelId: string;
  readonly revision: number;
  readonly #session: string | readonly string[];
  readonly route: string;
  readonly #priority: number | undefined;
  /** See {@link RequestContext}; set before user code runs. */
  upgradeWebSocket?: NonNullable<RequestContext["upgradeWebSocket"]>;
  #controller: AbortController | undefined;
  #aborted = false;
  #onEnd: (() => void)[] | undefined;

  /**
   * `session`: its id, or the headers that may name it (name, value, …), which are looked at when somebody asks; so they
   * are for the priority, unless that is given.
   */
  constructor(
    requestId: string,
    multiplexedModelId: string,
    revision = 0,
    session: string | readonly string[] = "",
    route = "",
    priority?: number,
  ) {
    this.requestId = requestId;
    this.multiplexedModelId = multiplexedModelId;
    this.revision = revision;
    this.#session = session;
    this.route = route;
    this.#priority = priority;
  }

  get sessionId(): string {
    const session = this.#session;
    return typeof session === "string" ? session : textOf(sessionOf(session, sessionHeader(process.env)));
  }

  get priority(): number {
    const headers = this.#session;
    if (this.#priority !== undefined || typeof headers === "string") return this.#priority ?? NORMAL_PRIORITY;
    for (let i = 0; i < headers.length; i += 2) {
      if (headers[i] === PRIORITY_HEADER) return parsePriority(headers[i + 1]!) ?? NORMAL_PRIORITY;
    }
    return NORMAL_PRIORITY;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  onEnd(listener: () => void): void {
    this.#onEnd ??= [];
    this.#onEnd.push(listener);
  }

  /** The request has ended. */
  end(): void {
    for (const listener of this.#onEnd?.splice(0) ?? []) listener();
  }

  /** The caller is gone. */
  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#controller?.abort();
  }

  /** Ends what was begun for it; what is begun from now on is not bound to it any more. */
  outlive(): void {
    this.abort();
    this.#controller = undefined;
    this.#aborted = false;
  }
}
