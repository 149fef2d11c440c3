/** What watches of scaling decisions read of the store. Pure. */
import type { ScalingDecision } from "../../gen/windlass/v1/scaling_pb.ts";
import type { DecisionNews } from "../controller/controller.ts";
import { WindlassError } from "../core/errors.ts";
import { applicationName, deploymentName, parseName } from "../core/names.ts";
import type { Change, Store } from "../store/store.ts";
import type { Permission } from "./auth.ts";
import { decisionView } from "./decision-view.ts";

/** Whose decisions a watch is about. */
export interface DecisionScope {
  /** The resource name of an application or a deployment; undefined: all. */
  readonly under: string | undefined;
  /** Those of the shadows instead. */
  readonly shadow: boolean;
}

/** What is told of one deployment, by its resource name. */
export type DecisionEvent =
  | { readonly case: "decision"; readonly name: string; readonly value: ScalingDecision }
  /** Nothing decides on it any more. */
  | { readonly case: "deleted"; readonly value: string };

/**
 * What a watch by `name` is about, and what it takes: a deployment, `applications/{application}` (or with
 * `/deployments/-`) for all of it, or `applications/-` for all there are. Throws INVALID_REQUEST.
 */
export function decisionScope(name: string, shadow: boolean): { scope: DecisionScope; permission: Permission } {
  const { application, deployment = "-", replica } = parseName(name) ?? { application: "", replica: "" };
  if (replica !== undefined || (application === "-" && deployment !== "-")) {
    throw new WindlassError(
      "INVALID_REQUEST",
      `name ${JSON.stringify(name)} must be applications/{application}/deployments/{deployment}, applications/{application} or applications/-, percent-escaped`,
    );
  }
  if (application === "-") return { scope: { under: undefined, shadow }, permission: { kind: "read" } };
  const under = deployment === "-" ? applicationName(application) : deploymentName(application, deployment);
  return { scope: { under, shadow }, permission: { kind: "read-application", application } };
}

/** Reads what is stored of the decisions on a deployment, as messages, oldest first. */
export type DecisionReader = (value: string) => readonly ScalingDecision[];

/** One that reads what comes to many watches once. */
export function decisionReader(): DecisionReader {
  let last: { readonly value: string; readonly decisions: readonly ScalingDecision[] } = { value: "", decisions: [] };
  return (value) => {
    if (last.value !== value) {
      last = { value, decisions: (JSON.parse(value) as DecisionNews).decisions.map(decisionView) };
    }
    return last.decisions;
  };
}

/** Where the decisions in scope are, and what they are to a watch. */
export function watchedDecisions(store: Store, { under, shadow }: DecisionScope, read: DecisionReader) {
  const kind = shadow ? "shadow-decision" : "decision";
  const [, application, , deployment] = (under ?? "").split("/");
  // Keys and names escape alike.
  const prefix = `${kind}/${application === undefined ? "" : `${application}/${deployment ?? ""}`}`;
  // The key of one deployment may begin as that of another.
  const inScope = (key: string): boolean => deployment === undefined || key === prefix;
  const eventsOf = (key: string, value: string | undefined): DecisionEvent[] => {
    const [, ofApplication, ofDeployment] = key.split("/");
    const name = `applications/${ofApplication}/deployments/${ofDeployment}`;
    if (value === undefined) return [{ case: "deleted", value: name }];
    return read(value).map((decision) => ({ case: "decision", name, value: decision }));
  };
  return {
    prefix,
    snapshot: () =>
      store.range(prefix).flatMap(({ key, value }) => (inScope(key) ? eventsOf(key, value).slice(-1) : [])),
    newsOf: (changes: readonly Change[]) =>
      changes.flatMap(({ key, value }) => (inScope(key) ? eventsOf(key, value) : [])),
  };
}
