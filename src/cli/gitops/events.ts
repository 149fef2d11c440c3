/** What `windlass apply --watch` prints: a line an event. */
import {
  type Application,
  Application_State,
  Application_StateSchema,
} from "../../../gen/windlass/v1/application_pb.ts";
import type { CliContext } from "../context.ts";
import { oneLine } from "../exit.ts";
import { label } from "../labels.ts";
import type { OutputFormat } from "../output.ts";
import { documentStream } from "../output.ts";
import { type Outcome, outcomeLine } from "./report.ts";

/** One thing that happened. */
export interface WatchEvent {
  /** What: an action of an outcome, `drift`, `state`, `problem`, `warning` or `watching`. */
  readonly event: string;
  /** The application that it is about; "" for none. */
  readonly application: string;
  /** The file that names the application; "" for none. */
  readonly file: string;
  /** One line for a person, with all that the other fields say. */
  readonly message: string;
}

/** Prints events: documents where a format is asked for, else lines; what is wrong goes to stderr. */
export function eventPrinter(ctx: CliContext, output: OutputFormat | undefined): (event: WatchEvent) => void {
  const print = output === undefined ? undefined : documentStream(ctx, output);
  return (happened) => {
    const time = new Date(ctx.clock.now()).toISOString();
    const { event, application, file } = happened;
    const message = oneLine(happened.message);
    if (print !== undefined) print({ time, event, application: application || null, file: file || null, message });
    else if (event === "problem") ctx.err(`windlass: ${message}\n`);
    else if (event === "warning") ctx.err(`warning: ${message}\n`);
    else ctx.out(`${time} ${message}\n`);
  };
}

/** An outcome as events: one, or one a problem. */
export function outcomeEvents(outcome: Outcome): WatchEvent[] {
  const { application, file, action, errors } = outcome;
  if (action === "unchanged") return [];
  if (action === "failed") return errors.map((message) => ({ event: "problem", application, file, message }));
  return [{ event: action, application, file, message: outcomeLine(outcome) }];
}

/** Where an application came to stand: up, failed or ill; undefined while it is under way. */
export function standing(application: Application, name: string, file: string): WatchEvent | undefined {
  const { state, reconciling, generation, observedGeneration, message } = application;
  if (observedGeneration < generation) return undefined;
  const up = state === Application_State.RUNNING && !reconciling;
  const ill = state === Application_State.DEPLOY_FAILED || state === Application_State.UNHEALTHY;
  if (!up && !ill) return undefined;
  const why = message === "" ? "" : `: ${message}`;
  return {
    event: "state",
    application: name,
    file,
    message: `${name}: ${label(Application_StateSchema, state)}${why}`,
  };
}
