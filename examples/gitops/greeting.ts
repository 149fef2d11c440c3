// Greets, in the words that the config says.
import { deployment } from "windlass";

interface Words {
  greeting: string;
}

class Greeter {
  #greeting = "";

  reconfigure({ greeting }: Words): void {
    this.#greeting = greeting;
  }

  fetch(request: Request): Response {
    const name = new URL(request.url).searchParams.get("name") ?? "you";
    return new Response(`${this.#greeting}, ${name}!\n`);
  }
}

export const app = deployment(Greeter).bind();
