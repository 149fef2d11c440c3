import { describe, expect, it } from "vitest";
import { z } from "zod";
import { APPLICATION } from "../../src/sdk/brands.ts";
import { type Application, builder, deployment } from "../../src/sdk/index.ts";
import { applicationFromExport } from "../../src/sdk/load.ts";

class Model {
  readonly name: string;
  readonly size: number;
  constructor(name: string, size: number) {
    this.name = name;
    this.size = size;
  }
}

const app = builder(z.object({ model: z.string(), sizes: z.array(z.coerce.number()).default([1]) }), (args) =>
  deployment(Model).bind(args.model, args.sizes[0] ?? 0),
);
const argsOf = (application: Application) => application[APPLICATION].args;

describe("builder(schema, build)", () => {
  it("gives the function what the schema made of the args", async () => {
    const built = await applicationFromExport({ app }, "app", { model: "a", sizes: ["12"] });
    expect(argsOf(built)).toEqual(["a", 12]);
  });

  it("fills in what the schema has defaults for", async () => {
    expect(argsOf(await app({ model: "a" }))).toEqual(["a", 1]);
  });

  it("says in one line what does not fit, and where", async () => {
    const failed = applicationFromExport({ app }, "app", { sizes: ["x"] });
    await expect(failed).rejects.toThrow(
      "args.model: Invalid input: expected string, received undefined; args.sizes[0]: Invalid input: expected number, received NaN",
    );
    await expect(failed).rejects.toMatchObject({ name: "NotAnApplicationError" });
  });

  it("takes any Standard Schema, asynchronous ones too", async () => {
    const only = {
      "~standard": {
        version: 1 as const,
        vendor: "ours",
        validate: async (value: unknown) =>
          (value as { n?: unknown }).n === 1
            ? { value: { n: 1 } }
            : { issues: [{ message: "must be\n 1", path: [{ key: "n" }] }] },
        types: undefined as unknown as { input: { n: number }; output: { n: number } },
      },
    };
    const one = builder(only, ({ n }) => deployment(Model).bind("one", n));
    expect(argsOf(await one({ n: 1 }))).toEqual(["one", 1]);
    await expect(one({ n: 2 })).rejects.toThrow(/^args\.n: must be 1$/);
  });

  it("refuses what is no schema or no function", () => {
    expect(() => builder({} as never, () => deployment(Model).bind("a", 1))).toThrow("needs a schema");
    expect(() => builder(z.object({}), "x" as never)).toThrow("(schema, function)");
  });
});
