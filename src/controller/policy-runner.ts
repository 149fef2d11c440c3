/**
 * The port through which policies outside the controller are asked: users' own, and built-in ones that fetch. Asking
 * never throws and never waits; each question gets exactly one answer, as an event. Driver: engine/local (a process per
 * application that is asked; one that is not asked any more is ended).
 */
import type { PolicyInput } from "../autoscaling/policy.ts";
import type { BuiltPolicy } from "./records.ts";

export interface PolicyRunner {
  /** All answers go to this one listener, set before the first question. */
  onAnswer(listener: (answer: PolicyReply) => void): void;
  /** Asks; the answer comes within the deadline once the policy is loaded, else as a failure. */
  ask(question: PolicyQuestion): void;
}

/** What a policy is asked. */
export interface PolicyQuestion {
  /** Told apart by the asker; the answer carries it. */
  readonly id: string;
  readonly application: string;
  /** null: the policy of the application as a whole. */
  readonly deployment: string | null;
  readonly policy: HostedPolicy;
  /** For an application's policy by deployment. */
  readonly input: PolicyInput | Readonly<Record<string, PolicyInput>>;
  readonly code: PolicyCode;
  /** What is answered is recorded and not followed. Its code is kept apart from that which decides in earnest. */
  readonly shadow?: boolean;
  /** How long the call may take once the policy is loaded. Default: {@link POLICY_DEADLINE_MS}. */
  readonly deadlineMs?: number;
}

/** The policy as configured. */
export interface HostedPolicy {
  readonly policy_function: string;
  readonly policy_kwargs: Readonly<Record<string, unknown>>;
}

/** Where a policy's code lies and when it is to be loaded anew. */
export interface PolicyCode {
  /** The application's base dir. */
  readonly baseDir: string;
  /** The unpacked `runtime_env.working_dir` the code is in; null: the base dir. */
  readonly workingDir: string | null;
  /** What the build made of it; null: it was not part of the build, and is bundled when it is loaded. */
  readonly built: BuiltPolicy | null;
  /** `runtime_env.env_vars` of the application. */
  readonly env: Readonly<Record<string, string>>;
  /** Changes with each registration: another one loads the code anew, with new instances of classes. */
  readonly generation: string;
}

/** What came of a question. */
export interface PolicyReply {
  readonly id: string;
  readonly application: string;
  readonly deployment: string | null;
  readonly generation: string;
  readonly outcome: PolicyOutcome;
}

/** See {@link PolicyReply}. */
export type PolicyOutcome =
  /** `value` is JSON from users' code, for readPolicyOutput. `warning`: one line for the application's message, else null. */
  | { readonly kind: "returned"; readonly value: unknown; readonly warning: string | null }
  /** `reason` is one line for users. */
  | { readonly kind: "failed"; readonly reason: string };

/** How long a call of a policy may take, in milliseconds; see docs/autoscaling-policies.md. */
export const POLICY_DEADLINE_MS = 1_000;
