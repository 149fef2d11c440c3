import type { Child, FromSupervisor, SpawnSpec, ToSupervisor } from "../../supervisor/protocol.ts";

/** What happens to a child of the supervisor. */
export type ChildEvent = Exclude<FromSupervisor, { kind: "children" | "stop" }>;

/** The IPC channel of a process: `process` itself in the controller, a fake in tests. */
export interface IpcChannel {
  send(message: ToSupervisor): void;
  onMessage(listener: (message: FromSupervisor) => void): void;
}

/** The controller's side of the supervisor protocol: hands each child's events to whoever asked for the child. */
export class SupervisorClient {
  readonly #channel: IpcChannel;
  readonly #listeners: { prefix: string; listener: (event: ChildEvent) => void }[] = [];
  #children: readonly Child[] = [];
  #onStop: (() => void) | undefined;
  #stopWanted = false;

  constructor(channel: IpcChannel) {
    this.#channel = channel;
  }

  /** Asks what runs; resolves when the supervisor has answered. Call once, first. */
  connect(): Promise<void> {
    return new Promise((resolve) => {
      this.#channel.onMessage((message) => {
        if (message.kind === "children") {
          this.#children = message.children;
          resolve();
        } else if (message.kind === "stop") {
          this.#stopWanted = true;
          this.#onStop?.();
        } else for (const { prefix, listener } of this.#listeners) if (message.id.startsWith(prefix)) listener(message);
      });
      this.send({ kind: "hello" });
    });
  }

  /** What ran when this controller came up. */
  get children(): readonly Child[] {
    return this.#children;
  }

  /** Events of all children whose id begins with `prefix`. */
  listen(prefix: string, listener: (event: ChildEvent) => void): void {
    this.#listeners.push({ prefix, listener });
  }

  /** Called when the supervisor wants a stop; at once where it has said so before, while the controller came up. */
  onStop(listener: () => void): void {
    this.#onStop = listener;
    if (this.#stopWanted) listener();
  }

  send(message: ToSupervisor): void {
    this.#channel.send(message);
  }

  spawn(id: string, spec: SpawnSpec): void {
    this.send({ kind: "spawn", id, spec });
  }
}
