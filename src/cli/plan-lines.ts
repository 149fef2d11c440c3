/** A plan as a person reads it. */
import { oneLine } from "./exit.ts";
import type { PlanDocument, PlannedApplication, PlannedDeployment } from "./plan-document.ts";

/** Sign and colour (as terminals number them) of each action of a deployment. */
const SIGNS: Readonly<Record<string, readonly [sign: string, colour: number]>> = {
  CREATE: ["+", 32],
  SETTINGS: ["~", 36],
  SCALE: ["~", 36],
  RECONFIGURE: ["~", 33],
  RESTART: ["±", 31],
  DELETE: ["-", 31],
};

/** How the summary counts each action. */
const COUNTED: Readonly<Record<string, string>> = {
  RESTART: "to restart",
  RECONFIGURE: "to reconfigure",
  SCALE: "to scale",
  SETTINGS: "with other settings",
  CREATE: "to create",
  DELETE: "to delete",
};

/** Paths shown of what differs. */
const MAX_CHANGES = 6;

/** The plan's text, the summary last. */
export function planText(plan: PlanDocument, colour: boolean): string {
  const lines = plan.applications.flatMap((application) => applicationLines(application, colour));
  return [...lines, summary(plan), ""].join("\n");
}

function applicationLines(application: PlannedApplication, colour: boolean): string[] {
  const { name, action, error, code_changed, canary, deployments } = application;
  const shown = deployments.filter((each) => each.action !== "NONE" || each.notes.length > 0);
  const what = [
    action === "NONE" ? "no change" : action.toLowerCase(),
    ...(code_changed ? ["sources differ"] : []),
    ...(canary ? ["begins as a canary"] : []),
  ];
  const head = `application ${oneLine(name)}: ${what.join(", ")}`;
  if (error !== "") return [head, `    error: ${oneLine(error)}`];
  const width = Math.max(0, ...shown.map((each) => each.name.length));
  return [head, ...shown.flatMap((deployment) => deploymentLines(deployment, width, colour))];
}

function deploymentLines(deployment: PlannedDeployment, width: number, colour: boolean): string[] {
  const [sign, code] = SIGNS[deployment.action] ?? [" ", 0];
  const painted = (text: string): string => (colour && code > 0 ? `\u001b[${code}m${text}\u001b[0m` : text);
  const { target_num_replicas: from, planned_target_num_replicas: to } = deployment;
  const action = deployment.action === "NONE" ? "no change" : deployment.action.toLowerCase();
  const cells = [
    `  ${painted(sign)} ${oneLine(deployment.name).padEnd(width)}`,
    painted(action.padEnd(11)),
    deployment.action === "NONE" ? "" : `${from} -> ${to}`,
    detail(deployment),
  ];
  return [cells.join("  ").trimEnd(), ...deployment.notes.map((note) => `      note: ${oneLine(note)}`)];
}

function detail({ changes, peak_extra_replicas: extra, peak_missing_replicas: missing }: PlannedDeployment): string {
  const shown = changes.slice(0, MAX_CHANGES).map(oneLine);
  if (changes.length > MAX_CHANGES) shown.push(`${changes.length - MAX_CHANGES} more`);
  const peaks = [
    ...(missing > 0 ? [`${missing} missing at most`] : []),
    ...(extra > 0 ? [`${extra} extra at most`] : []),
  ];
  return [shown.join(", "), peaks.join(", ")].filter((part) => part !== "").join("; ");
}

function summary({ applications }: PlanDocument): string {
  const deployments = applications.flatMap((application) => application.deployments);
  const counted = Object.entries(COUNTED).flatMap(([action, words]) => {
    const count = deployments.filter((deployment) => deployment.action === action).length;
    return count === 0 ? [] : [`${count} ${words}`];
  });
  const count = (found: (application: PlannedApplication) => boolean, words: string): string[] => {
    const number = applications.filter(found).length;
    return number === 0 ? [] : [`${number} application${number === 1 ? "" : "s"} ${words}`];
  };
  const untouched = (application: PlannedApplication): boolean =>
    application.deployments.every(({ action }) => action === "NONE");
  const whole = [
    ...count(({ error }) => error !== "", "that cannot be deployed"),
    ...count(({ action, error }) => action === "CREATE" && error === "", "to create"),
    ...count((each) => each.action === "UPDATE" && each.error === "" && untouched(each), "to update"),
    ...count(({ action }) => action === "DELETE", "to delete"),
  ];
  const parts = [counted.join(", "), whole.join(", ")].filter((part) => part !== "");
  return parts.length === 0 ? "nothing would change" : parts.join("; ");
}
