/** Which deployment gets which part of a trace. */
import type { Load } from "./run.ts";
import type { Subject } from "./subject.ts";
import type { Trace } from "./trace.ts";
import type { Traffic } from "./traffic.ts";

/** Deployments with their traffic, or why it is not clear: one line each. */
export type Assigned =
  | {
      readonly ok: true;
      readonly loads: readonly Load[];
      /** Deployments without traffic for which the same policy decides as for some with. */
      readonly idle: readonly Load[];
    }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Traffic that is named goes to the deployment of that name: `APP/DEPLOYMENT`, or the deployment's alone where it is the
 * only one. Traffic that is not goes to `wanted`, else to the only deployment there is, else to the only one that is
 * autoscaled. With `wanted`, nothing else is simulated. `trace` and `config` are what messages call the files.
 */
export function assign(
  subjects: readonly Subject[],
  { traffic }: Trace,
  wanted: string | undefined,
  { trace, config }: { readonly trace: string; readonly config: string },
): Assigned {
  if (subjects.length === 0) {
    const message = "names no deployment; list those to simulate under deployments: (`windlass build` writes them)";
    return { ok: false, problems: [`${config}: ${message}`] };
  }
  const problems: string[] = [];
  const one = wanted === undefined ? undefined : find(subjects, wanted);
  if (typeof one === "string") return { ok: false, problems: [`--deployment ${wanted}: ${one} in ${config}`] };
  const loads: Load[] = [];
  for (const [name, own] of traffic) {
    const subject: Subject | string = name === "" ? (one ?? only(subjects)) : find(subjects, name);
    if (typeof subject === "string") {
      const said = name === "" ? "has no column deployment" : `deployment ${name}`;
      problems.push(`${trace}: ${said}: ${subject} in ${config}`);
    } else if (one === undefined || subject === one) loads.push({ key: name, subject, traffic: own });
  }
  if (problems.length === 0 && loads.length === 0) problems.push(`${trace}: has no line for deployment ${wanted}`);
  const twice = loads.find(({ subject }, i) => loads.findIndex((other) => other.subject === subject) !== i);
  if (twice) problems.push(`${trace}: calls ${nameOf(twice.subject)} by several names; use one`);
  if (problems.length > 0) return { ok: false, problems };
  const idle = decidedWith(
    loads.map(({ subject }) => subject),
    subjects,
  );
  return { ok: true, loads, idle: idle.map((subject) => ({ key: nameOf(subject), subject, traffic: NO_TRAFFIC })) };
}

const NO_TRAFFIC: Traffic = { kind: "requests", timesS: new Float64Array(), servicesS: new Float64Array() };

/** Others of `all` for which the policy of an application decides together with some of `some`. */
export function decidedWith(some: readonly Subject[], all: readonly Subject[]): Subject[] {
  const together = new Set(some.filter(isDecidedTogether).map(({ application }) => application));
  return all.filter((each) => isDecidedTogether(each) && together.has(each.application) && !some.includes(each));
}

function isDecidedTogether({ autoscaling }: Subject): boolean {
  return autoscaling?.together !== undefined;
}

/** `APP/DEPLOYMENT`. */
export function nameOf({ application, deployment }: Pick<Subject, "application" | "deployment">): string {
  return `${application}/${deployment}`;
}

/** The deployment of a name, or what is wrong with it. */
function find(subjects: readonly Subject[], name: string): Subject | string {
  const exact = subjects.find((subject) => nameOf(subject) === name);
  if (exact) return exact;
  const short = subjects.filter(({ deployment }) => deployment === name);
  if (short.length === 1) return short[0]!;
  return short.length === 0
    ? `is not among ${listed(subjects)}`
    : `could be ${listed(short)}; name the application too`;
}

function only(subjects: readonly Subject[]): Subject | string {
  if (subjects.length === 1) return subjects[0]!;
  const autoscaled = subjects.filter(({ autoscaling }) => autoscaling !== null);
  if (autoscaled.length === 1) return autoscaled[0]!;
  return `say with --deployment which of ${listed(subjects)} it is for`;
}

function listed(subjects: readonly Subject[]): string {
  const names = subjects.slice(0, 8).map(nameOf);
  return `${names.join(", ")}${subjects.length > names.length ? " and others" : ""}`;
}
