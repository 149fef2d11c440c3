// A front that answers HTTP and a back that it calls through a handle; each scales on its own.
import { type DeploymentHandle, deployment } from "windlass";

class Greeter {
  #greeting: string;

  constructor(greeting: string) {
    this.#greeting = greeting;
  }

  /** Called when `user_config` changes, without a restart. */
  reconfigure({ greeting }: { greeting: string }): void {
    this.#greeting = greeting;
  }

  greet(name: string): string {
    return `${this.#greeting}, ${name}!`;
  }

  async *spell(name: string): AsyncGenerator<string> {
    for (const letter of name) yield letter;
  }
}

class Front {
  readonly #greeter: DeploymentHandle<Greeter>;

  constructor(greeter: DeploymentHandle<Greeter>) {
    this.#greeter = greeter;
  }

  async fetch(request: Request): Promise<Response> {
    const name = new URL(request.url).searchParams.get("name") ?? "world";
    const letters: string[] = [];
    for await (const letter of this.#greeter.options({ stream: true }).spell.remote(name)) letters.push(letter);
    return Response.json({ greeting: await this.#greeter.greet.remote(name), letters });
  }
}

const greeter = deployment(Greeter, { numReplicas: 2 }).bind("Hello");
export const app = deployment(Front).bind(greeter);
