// Checked by tsc alone: every line under "@ts-expect-error" must be an error, every other line must not.
import {
  type Application,
  type DeploymentHandle,
  deployment,
  getReplicaContext,
  ingress,
} from "../../src/sdk/index.ts";

class Back {
  readonly factor: number;
  constructor(factor: number) {
    this.factor = factor;
  }
  double(x: number): number {
    return 2 * x * this.factor;
  }
  async greet(name: string, polite?: boolean): Promise<string> {
    return polite ? `Dear ${name}` : name;
  }
  async *count(to: number): AsyncGenerator<number> {
    for (let i = 0; i < to; i++) yield i;
  }
  call(text: string): Uint8Array {
    return new TextEncoder().encode(text);
  }
}

class Front {
  readonly back: DeploymentHandle<Back>;
  readonly more: { named: DeploymentHandle<Back>; list: DeploymentHandle<Back>[] };
  constructor(
    back: DeploymentHandle<Back>,
    more: { named: DeploymentHandle<Back>; list: DeploymentHandle<Back>[] },
    title = "x",
  ) {
    this.back = back;
    this.more = more;
    void title;
  }
  async fetch(request: Request): Promise<Response> {
    const doubled: number = await this.back.double.remote(1);
    const greeting: string = await this.back.greet.remote("a", true);
    const bytes: Uint8Array = await this.back.remote("text");
    const chained: number = await this.back.double.remote(this.back.double.remote(2));
    for await (const item of this.back.options({ stream: true }).count.remote(3)) {
      const number: number = item;
      void number;
    }
    // @ts-expect-error misspelt method
    void this.back.dubble.remote(1);
    // @ts-expect-error wrong argument
    void this.back.double.remote("1");
    // @ts-expect-error missing argument
    void this.back.greet.remote();
    // @ts-expect-error wrong result
    const wrong: string = await this.back.double.remote(1);
    // @ts-expect-error a field is not a method
    void this.back.factor.remote();
    // @ts-expect-error a streaming response is not awaited
    void this.back.options({ stream: true }).count.remote(3).then;
    // @ts-expect-error unknown setting
    void this.back.options({ timeout: 3 });
    return new Response(`${doubled} ${greeting} ${bytes.length} ${chained} ${wrong} ${request.url}`);
  }
}

const back = deployment(Back, { numReplicas: 2, rayActorOptions: { numCpus: 0.5 } }).bind(3);
const named: Application<Back> = back;
export const front = deployment(Front).bind(back, { named: back, list: [back, named] });

// @ts-expect-error the constructor needs a number
deployment(Back).bind("3");
// @ts-expect-error the constructor needs an argument
deployment(Back).bind();
// @ts-expect-error a front is not a back
deployment(Front).bind(front, { named: back, list: [] });
// @ts-expect-error unknown option
deployment(Back, { replicas: 2 });
// @ts-expect-error options are typed in depth
deployment(Back, { autoscalingConfig: { minReplicas: "1" } });
// @ts-expect-error not deployable
deployment(42);

const double = deployment((x: number) => 2 * x, { name: "double" });
export const caller = deployment(
  class Caller {
    readonly double: DeploymentHandle<(x: number) => number>;
    constructor(handle: DeploymentHandle<(x: number) => number>) {
      this.double = handle;
    }
    async call(): Promise<number> {
      // @ts-expect-error the function takes a number
      await this.double.remote("1");
      return await this.double.remote(1);
    }
  },
).bind(double.bind());

export const web = deployment(ingress({ fetch: () => new Response() })).bind();
export const routed = deployment(
  ingress(Back, (instance) => async () => new Response(String(instance.double(2)))),
).bind(1);
// @ts-expect-error Back has no fetch
ingress(Back);

export const id: string = getReplicaContext().replicaId;
