/** What needs a step: whole applications, and of others some deployments. */
export class Dirty {
  /** By application: store keys of deployments. */
  readonly #of = new Map<string, Set<string> | "all">();

  /** How many applications something is to be stepped of. */
  get size(): number {
    return this.#of.size;
  }

  /** All of an application. */
  addApplication(name: string): void {
    this.#of.set(name, "all");
  }

  /** One deployment, by store key, and what follows from it for its application. */
  addDeployment(application: string, key: string): void {
    const known = this.#of.get(application);
    if (known === undefined) this.#of.set(application, new Set([key]));
    else if (known !== "all") known.add(key);
  }

  /** Whatever another one holds. */
  addAll(other: Dirty): void {
    for (const [application, which] of other.#of) {
      if (which === "all") this.addApplication(application);
      else for (const key of which) this.addDeployment(application, key);
    }
  }

  /** Names of the applications, in the order in which they came. */
  names(): Iterable<string> {
    return this.#of.keys();
  }

  /** Each application with the store keys of its deployments, or "all". */
  entries(): Iterable<[application: string, which: ReadonlySet<string> | "all"]> {
    return this.#of;
  }
}
