/** What a supervisor and a spare replica process tell each other over the spare's IPC channel. */

/** To the spare: become this replica. */
export interface TakeOver {
  readonly kind: "take-over";
  /** Arguments of the program, as a process of its own would have them. */
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** From the spare: it is loaded and waits; it has become the replica, and is silent from then on. */
export type FromSpare = { readonly kind: "idle" } | { readonly kind: "taken" };

/** Whether what a child said is of this kind. */
export function saidBySpare(message: unknown, kind: FromSpare["kind"]): boolean {
  return typeof message === "object" && message !== null && "kind" in message && message.kind === kind;
}
