/** What a rollback is asked with, checked: the same for REST and Connect. Pure. */
import { WindlassError } from "../core/errors.ts";

const MAX_REASON_CHARACTERS = 1024;

/** The parts of a rollback that a caller writes by hand. */
export interface RollbackWish {
  /** 0: the last good one. */
  readonly toRevision: number;
  readonly reason: string;
}

/** Throws INVALID_REQUEST for a number that no revision has, and a reason that is too long. */
export function checkRollback(wish: RollbackWish): RollbackWish {
  const { toRevision, reason } = wish;
  if (!Number.isSafeInteger(toRevision) || toRevision < 0) {
    const message = `to_revision ${toRevision} must be the number of a revision; 0, or none, is the last one that was up`;
    throw new WindlassError("INVALID_REQUEST", message);
  }
  checkReason(reason);
  return wish;
}

/** Throws INVALID_REQUEST for a reason that is too long for the history. */
export function checkReason(reason: string): void {
  if (reason.length <= MAX_REASON_CHARACTERS) return;
  const message = `reason is ${reason.length} characters long, at most ${MAX_REASON_CHARACTERS} are taken; shorten it`;
  throw new WindlassError("INVALID_REQUEST", message);
}
