/** What a loaded policy is. */

/** Asks a policy. It may throw, and return anything. */
export type LoadedPolicy = (input: unknown) => unknown;

/** What a built-in policy returns when it has found out something beside its wish. */
export class Answer {
  readonly value: unknown;
  /** One line for the application's message; null: all is well. */
  readonly warning: string | null;

  constructor(value: unknown, warning: string | null) {
    this.value = value;
    this.warning = warning;
  }
}

/** A policy cannot be used, or keeps the target on purpose. The message is one line for the user. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
}
