import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { walkGraph, withHandles } from "../../src/sdk/graph.ts";
import { type Application, deployment, ingress } from "../../src/sdk/index.ts";
import { applicationFromExport } from "../../src/sdk/load.ts";

class Leaf {
  call() {
    return 1;
  }
}
class Root {
  readonly args: unknown[];
  constructor(...args: unknown[]) {
    this.args = args;
  }
}
const leaf = deployment(Leaf);
const root = deployment(Root);
const shape = (application: Application, name = "app") => {
  const { ingress: entry, nodes } = walkGraph(application, name);
  return { entry, nodes: nodes.map((node) => [node.name, ...node.outbound]) };
};

describe("graph", () => {
  it("makes one deployment of one application that is bound twice", () => {
    const shared = leaf.bind();
    expect(shape(root.bind(shared, shared))).toEqual({ entry: "Root", nodes: [["Root", "Leaf"], ["Leaf"]] });
  });

  it("numbers different applications of the same name", () => {
    expect(shape(root.bind(leaf.bind(), leaf.bind(), leaf.bind())).nodes).toEqual([
      ["Root", "Leaf", "Leaf_1", "Leaf_2"],
      ["Leaf"],
      ["Leaf_1"],
      ["Leaf_2"],
    ]);
  });

  it("finds applications in nested arrays and plain objects", () => {
    const deep = root.options({ name: "Middle" }).bind({ leaves: [{ leaf: leaf.bind() }] });
    expect(shape(root.bind([[deep]])).nodes).toEqual([["Root", "Middle"], ["Middle", "Leaf"], ["Leaf"]]);
  });

  it("survives cyclic arguments", () => {
    const cyclic: Record<string, unknown> = { leaf: leaf.bind() };
    cyclic.self = cyclic;
    expect(shape(root.bind(cyclic)).nodes[0]).toEqual(["Root", "Leaf"]);
  });

  it("names a nameless root after the export", () => {
    expect(shape(deployment({ fetch: () => new Response() }).bind(), "hello").entry).toBe("hello");
  });

  it("asks for a name below the root", () => {
    expect(() => shape(root.bind(deployment({ fetch: () => new Response() }).bind()))).toThrow(/has no name/);
  });

  it("says which deployment was not bound", () => {
    expect(() => shape(root.bind(leaf))).toThrow("Root.bind() got the deployment Leaf unbound: pass Leaf.bind(...)");
  });

  it("replaces applications by handles and leaves other arguments alone", () => {
    const plain = { a: [1] };
    const bound = leaf.bind();
    const [first, second] = withHandles([plain, { x: [bound, 2] }], () => "handle");
    expect(first).toBe(plain);
    expect(second).toEqual({ x: ["handle", 2] });
  });
});

describe("application named by an export", () => {
  const app = root.bind();
  class Web {
    fetch() {
      return new Response();
    }
  }
  it.each<[string, unknown, string]>([
    ["an application", app, "Root"],
    ["a bare deployment", leaf, "Leaf"],
    ["an object with fetch", { fetch: () => new Response() }, "x"],
    ["an instance with fetch", new Web(), "Web"],
    ["a class with fetch", Web, "Web"],
    ["what ingress returns", ingress(new Web()), "Web"],
    ["a builder function", (_args: object) => app, "Root"],
    ["an async builder function", async (_args: object) => app, "Root"],
  ])("may be %s", async (_name, exported, name) => {
    expect(walkGraph(await applicationFromExport({ x: exported }, "x", {}), "x").ingress).toBe(name);
  });

  it("gives args to a builder function", async () => {
    const build = ({ name }: { name: string }) => root.options({ name }).bind();
    const built = await applicationFromExport({ x: build }, "x", { name: "fromArgs" });
    expect(walkGraph(built, "x").ingress).toBe("fromArgs");
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>, RegExp]>([
    ["a missing export", { app, other: 1 }, {}, /^no export "x" \(the module exports app, other\)$/],
    ["a misspelt export", { xy: app }, {}, /^no export "x": did you mean "xy"\? \(the module exports xy\)$/],
    ["an empty module", {}, {}, /^no export "x": the module exports nothing$/],
    ["a number", { x: 4 }, {}, /^export "x" is not an application but a number: export deployment/],
    ["a function of no parameters", { x: () => app }, {}, /^export "x" is a function of 0 parameters/],
    ["a class without fetch", { x: Leaf }, {}, /^export "x" is a class/],
    ["a builder that builds nothing", { x: (_: object) => 3 }, {}, /^builder function "x" returned a number/],
    ["args for an application", { x: app }, { a: 1 }, /^args were given, but export "x" is an application/],
  ])("must not be %s", async (_name, module, args, message) => {
    await expect(applicationFromExport(module, "x", args)).rejects.toThrow(message);
  });
});

describe("ingress", () => {
  it("answers through the handler made of the instance, made once", async () => {
    let made = 0;
    class Counter {
      count = 0;
    }
    const Routed = ingress(Counter, (instance) => {
      made += 1;
      return { fetch: () => new Response(String(++instance.count)) };
    });
    const instance = new Routed();
    await instance.fetch(new Request("http://x/"));
    expect(await (await instance.fetch(new Request("http://x/"))).text()).toBe("2");
    expect([made, Routed.name]).toEqual([1, "Counter"]);
  });

  it("takes handlers of Node's HTTP server, which functions of two parameters are", async () => {
    class Shop {
      name = "shop";
    }
    const ask = async (Target: new () => { fetch(request: Request): Response | Promise<Response> }): Promise<string> =>
      (await new Target().fetch(new Request("http://x/path"))).text();
    expect(await ask(ingress((request: IncomingMessage, response: ServerResponse) => response.end(request.url)))).toBe(
      "/path",
    );
    expect(
      await ask(
        ingress(
          Shop,
          ({ name }) =>
            (_request, response) =>
              response.end(name),
        ),
      ),
    ).toBe("shop");
    expect(
      await ask(
        ingress(
          Shop,
          ({ name }) =>
            async () =>
              new Response(name),
        ),
      ),
    ).toBe("shop");
    expect(() => ingress((() => {}) as never)).toThrow(/or a function \(request, response\)$/);
  });

  it("returns a class with fetch itself, and refuses one without", () => {
    class Web {
      fetch() {
        return new Response();
      }
    }
    expect(ingress(Web)).toBe(Web);
    expect(() => ingress(Leaf as never)).toThrow(/has no fetch/);
  });

  it.each([
    [5, "something of type number"],
    [undefined, "undefined"],
    [Promise.resolve(() => {}), "a promise, which is not waited for"],
  ])("refuses what was made of the instance and is no handler: %s", (made, shown) => {
    const Routed = ingress(Leaf, () => made as never);
    expect(() => new Routed().fetch(new Request("http://x/"))).toThrow(
      `ingress(Leaf, …) was given ${shown}: return an object with fetch(request), or a function`,
    );
  });
});
