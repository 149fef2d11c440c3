import { setTimeout as sleep } from "node:timers/promises";
import { type DeploymentHandle, deployment } from "windlass";

/** Each request takes half a second; a replica works on several at once. */
class Worker {
  async fetch(): Promise<Response> {
    await sleep(500);
    return Response.json({ done: true });
  }
}

/** One deployment, for policies of a deployment. */
export const worker = deployment(Worker).bind();

class Thumbnails {
  async call(path: string): Promise<string> {
    await sleep(300);
    return `${path} made smaller`;
  }
}

class Captions {
  async call(path: string): Promise<string> {
    await sleep(600);
    return `${path} described`;
  }
}

class Gallery {
  readonly #thumbnails: DeploymentHandle<Thumbnails>;
  readonly #captions: DeploymentHandle<Captions>;

  constructor(thumbnails: DeploymentHandle<Thumbnails>, captions: DeploymentHandle<Captions>) {
    this.#thumbnails = thumbnails;
    this.#captions = captions;
  }

  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const handle = searchParams.has("caption") ? this.#captions : this.#thumbnails;
    return Response.json({ result: await handle.remote(pathname) });
  }
}

/** Two deployments behind a third, for a policy of the application as a whole. */
export const gallery = deployment(Gallery).bind(deployment(Thumbnails).bind(), deployment(Captions).bind());
