// Replicas that hold what their requests need: notes of a session, and books of a shelf.
import { type DeploymentHandle, deployment, getReplicaContext, getSessionId } from "windlass";

/** Keeps the notes of sessions in memory: every request of a session has to come to the same replica. */
class Notes {
  readonly #notes = new Map<string, string[]>();

  fetch(request: Request): Response {
    const session = getSessionId();
    const added = new URL(request.url).searchParams.get("add");
    const notes = [...(this.#notes.get(session) ?? []), ...(added === null ? [] : [added])];
    this.#notes.set(session, notes);
    return Response.json({ replica: getReplicaContext().replicaId, notes });
  }
}

/** Fetches a shelf when it is first asked for, and tells routers which shelves it has. */
class Shelf {
  readonly #shelves = new Set<string>();

  recordRoutingStats(): { shelves: string[] } {
    return { shelves: [...this.#shelves] };
  }

  look(shelf: string): { replica: string; fetched: boolean } {
    const fetched = !this.#shelves.has(shelf);
    this.#shelves.add(shelf);
    return { replica: getReplicaContext().replicaId, fetched };
  }
}

class Desk {
  readonly #shelf: DeploymentHandle<Shelf>;

  constructor(shelf: DeploymentHandle<Shelf>) {
    this.#shelf = shelf;
  }

  async fetch(request: Request): Promise<Response> {
    return Response.json(await this.#shelf.look.remote(new URL(request.url).searchParams.get("shelf") ?? "a"));
  }
}

export const notes = deployment(Notes).bind();
export const shelves = deployment(Desk).bind(deployment(Shelf).bind());
