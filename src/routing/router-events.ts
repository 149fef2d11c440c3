/** A deployment, as events name it. */
export interface Named {
  readonly application: string;
  readonly deployment: string;
}

/** Why a request was not taken: the line was full, one of higher priority took its place, or its answer would come too late. */
export type RefusalReason = "full" | "displaced" | "late";

/** A replica that is left out for a time. */
export interface EjectedReplica {
  readonly id: string;
  /** Requests that it failed in a row. */
  readonly failures: number;
  readonly forMs: number;
  /** How it failed the last one. */
  readonly error: string;
}

/** Hears of what a router decides beside placing requests; calls come in the middle of that and must not throw. */
export interface RouterEvents {
  refused(target: Named, reason: RefusalReason): void;
  /** A request that may have reached user code was to be sent again. `granted`: the budget had room for it. */
  retried(target: Named, granted: boolean): void;
  ejected(target: Named, replica: EjectedReplica): void;
  /** A replica that was left out takes requests again. */
  readmitted(target: Named, replicaId: string): void;
}
