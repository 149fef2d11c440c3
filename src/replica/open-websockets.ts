/** What is closed with its replica. */
export interface Closable {
  close(code: number, reason: string): void;
  once(event: "close", listener: () => void): unknown;
}

/** The websockets of a replica, for the day it stops. */
export class OpenWebsockets {
  readonly #open = new Set<Closable>();
  #leaving = false;

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** One was opened. */
  add(socket: Closable): void {
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
    if (this.#leaving) close(socket);
  }

  /** Closes all with 1001, those that come later too; clients then find another replica. */
  leave(): void {
    this.#leaving = true;
    for (const socket of this.#open) close(socket);
  }
}

function close(socket: Closable): void {
  socket.close(1001, "the replica stops");
}
