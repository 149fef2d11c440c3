/** What a run of `windlass apply` came to, as text and as a document. Pure. */
import { oneLine } from "../exit.ts";
import type { PlanDocument, PlannedApplication } from "../plan-document.ts";

/** What is done with an application; `adopt`: only the set that it belongs to changes. */
export type Action = "create" | "update" | "adopt" | "unchanged" | "delete" | "failed";

/** One application of a {@link Report}. */
export interface Outcome {
  readonly application: string;
  readonly action: Action;
  /** The file that names it; "" where none does. */
  readonly file: string;
  /** Why it failed, one line each; else empty. */
  readonly errors: readonly string[];
  /** What the write does; absent where no plan was made. */
  readonly plan?: PlannedApplication;
}

/** A whole run. */
export interface Report {
  readonly set: string;
  /** Whether nothing was written. */
  readonly dryRun: boolean;
  readonly outcomes: readonly Outcome[];
}

const DONE: Readonly<Record<Action, string>> = {
  create: "created",
  update: "updated",
  adopt: "adopted",
  unchanged: "unchanged",
  delete: "deleted",
  failed: "failed",
};

/** Actions that change something, with the summary's word for those that are still to come. */
const TO_COME = { create: "to create", update: "to update", adopt: "to adopt", delete: "to delete" } as const;

/** Applications that the run changes, or would. */
export function pending({ outcomes }: Report): number {
  return outcomes.filter(({ action }) => action in TO_COME).length;
}

/** Applications that failed. */
export function failures({ outcomes }: Report): readonly Outcome[] {
  return outcomes.filter(({ action }) => action === "failed");
}

/** "shop: created (apps/shop.yaml)". */
export function outcomeLine({ application, action, file }: Outcome): string {
  return `${oneLine(application)}: ${DONE[action]}${file === "" ? "" : ` (${file})`}`;
}

/** "2 created, 1 unchanged". */
export function summary({ outcomes, dryRun }: Report): string {
  const words: Readonly<Record<string, string>> = dryRun ? { ...DONE, ...TO_COME } : DONE;
  const parts = Object.entries(words).flatMap(([action, word]) => {
    const count = outcomes.filter((outcome) => outcome.action === action).length;
    return count === 0 ? [] : [`${count} ${word}`];
  });
  return parts.join(", ") || "nothing to do";
}

/** The run as `-o` prints it. */
export function reportDocument(report: Report): Record<string, unknown> {
  return {
    set: report.set,
    dry_run: report.dryRun,
    pending: report.dryRun ? pending(report) : 0,
    failed: failures(report).length,
    applications: report.outcomes.map(({ application, action, file, errors, plan }) => ({
      name: application,
      action,
      file: file === "" ? null : file,
      error: errors.length === 0 ? null : errors.join("; "),
      deployments: plan?.deployments ?? [],
    })),
  };
}

/** What would be done, as a plan: for those that read it. */
export function plannedDocument({ outcomes }: Report): PlanDocument {
  const applications = outcomes
    .filter(({ action }) => action !== "failed")
    .map(({ application, action, plan }): PlannedApplication => {
      const nothing = { name: application, error: "", code_changed: false, canary: false, deployments: [] };
      const actions: Readonly<Record<string, string>> = { delete: "DELETE", adopt: "UPDATE" };
      return { ...nothing, ...plan, action: actions[action] ?? plan?.action ?? "NONE" };
    });
  return { token: "", expire_time_s: null, revision: 0, warnings: [], applications };
}
