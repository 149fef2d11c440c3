import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { ProcessIdentity } from "../controller/records.ts";
import type { Role } from "./protocol.ts";

/** A process as the run records name it; `process` is null between the record and the start. */
export interface RunRecord {
  readonly id: string;
  readonly role: Role | "supervisor";
  readonly process: ProcessIdentity | null;
}

/** Which processes run on a state dir: a small file written before each start and after it, by rename. */
export class RunRecords {
  readonly #path: string;
  readonly #records = new Map<string, RunRecord>();

  constructor(path: string) {
    this.#path = path;
  }

  /** What an earlier supervisor left; empty when there is none or the file is damaged. */
  readPrevious(): RunRecord[] {
    try {
      const records: unknown = JSON.parse(readFileSync(this.#path, "utf8"));
      return Array.isArray(records) ? (records as RunRecord[]) : [];
    } catch {
      return [];
    }
  }

  /** Throws where the file cannot be written. */
  create(record: RunRecord): void {
    this.#records.set(record.id, record);
    this.#write();
  }

  /**
   * As `create`, but a disk that fills up later must not end what runs: the file stays as it was, and the next change
   * writes all of it.
   */
  set(record: RunRecord): void {
    this.#records.set(record.id, record);
    this.#tryToWrite();
  }

  /** The process of `id` goes on as another record's, in one write. */
  rename(id: string, record: RunRecord): void {
    this.#records.delete(id);
    this.set(record);
  }

  delete(id: string): void {
    if (this.#records.delete(id)) this.#tryToWrite();
  }

  /** After an orderly end: nothing runs. A file that another supervisor has written since is left alone. */
  clear(): void {
    const mine = this.#records.get("supervisor")?.process?.pid;
    const present = this.readPrevious().find(({ role }) => role === "supervisor")?.process?.pid;
    if (present === undefined || present === mine) rmSync(this.#path, { force: true });
  }

  #tryToWrite(): void {
    try {
      this.#write();
    } catch {
      // See `set`. Replicas are recorded in the store as well.
    }
  }

  #write(): void {
    const temporary = `${this.#path}.new`;
    writeFileSync(temporary, JSON.stringify([...this.#records.values()]), { mode: 0o600 });
    renameSync(temporary, this.#path);
  }
}
