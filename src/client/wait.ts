/** When an application counts as running. Pure. */
import type { ConnectError } from "@connectrpc/connect";
import { type Application, Application_State, Application_StateSchema } from "../../gen/windlass/v1/application_pb.ts";
import type { WatchEvent } from "./events.ts";

/** An application that was waited for failed to deploy, or was deleted. */
export class ApplicationFailedError extends Error {
  override readonly name = "ApplicationFailedError";
  /** As it is; undefined where it was deleted. */
  readonly application: Application | undefined;

  constructor(message: string, application: Application | undefined) {
    super(message);
    this.application = application;
  }
}

/** What a wait for one application knows. */
export interface Waiting {
  readonly application: Application | undefined;
  readonly synced: boolean;
}

/** A wait that knows nothing. */
export const NOTHING_KNOWN: Waiting = { application: undefined, synced: false };

/** What is known after an event. */
export function learn(waiting: Waiting, event: WatchEvent<Application>): Waiting {
  switch (event.kind) {
    case "reset":
      return NOTHING_KNOWN;
    case "updated":
      return { ...waiting, application: event.resource };
    case "deleted":
      return { ...waiting, application: undefined };
    case "synced":
      return { ...waiting, synced: true };
  }
}

/** The application once it runs as it was last written; undefined while that is to come. Throws {@link ApplicationFailedError}. */
export function running(name: string, { application, synced }: Waiting): Application | undefined {
  if (!synced) return undefined;
  if (application === undefined) throw new ApplicationFailedError(`${name} is not there: it was deleted`, undefined);
  const { state, message, generation, observedGeneration, reconciling } = application;
  // An older generation's outcome says nothing about what was written last.
  if (observedGeneration < generation) return undefined;
  if (state === Application_State.DEPLOY_FAILED) {
    throw new ApplicationFailedError(`${name} failed to deploy: ${message || "no reason given"}`, application);
  }
  return state === Application_State.RUNNING && !reconciling ? application : undefined;
}

/** What to say of a wait that took too long; `failure`: why there is no connection. */
export function tooLong(
  name: string,
  { application }: Waiting,
  timeoutMs: number,
  failure: ConnectError | undefined,
): string {
  if (application === undefined) {
    const last = failure === undefined ? "" : `; the last attempt failed: ${failure.rawMessage}`;
    return `no news of ${name} after ${timeoutMs / 1_000} s${last}`;
  }
  const state = Application_StateSchema.value[application.state]?.localName ?? "unknown";
  const why = application.message === "" ? "" : ` (${application.message})`;
  return `${name} does not run after ${timeoutMs / 1_000} s: ${state}${why}; it goes on`;
}
