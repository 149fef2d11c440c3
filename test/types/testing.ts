// Checked by tsc alone: every line under "@ts-expect-error" must be an error, every other line must not.
import { deployment } from "../../src/sdk/index.ts";
import { runLocal, simulateInstance } from "../../src/testing/index.ts";

class Adder {
  add(a: number, b: number): number {
    return a + b;
  }
}

export async function local(): Promise<void> {
  await using app = await runLocal(deployment(Adder).bind());
  const sum: number = await app.handle.add.remote(1, 2);
  const same: number = await app.deployment<Adder>("Adder").add.remote(sum, 2);
  const response: Response = await app.fetch("/");
  // @ts-expect-error misspelt
  void app.handle.ad;
  // @ts-expect-error wrong argument
  void app.handle.add.remote("1", 2);
  // @ts-expect-error a deployment has to be bound
  void runLocal(deployment(Adder));
  // @ts-expect-error no such option
  void runLocal(deployment(Adder).bind(), { nam: "x" });
  void [same, response];
}

export async function simulated(): Promise<void> {
  const target: number = await simulateInstance({ config: "" }, (instance) => instance.deployment("a", "b").target);
  await simulateInstance({ config: {} }, (instance) => {
    const view = instance.deployment("a", "b");
    view.load({ concurrent: 1 });
    // @ts-expect-error rates need a service time
    view.load({ requestsPerS: 1 });
    // @ts-expect-error read only
    view.target = 3;
  });
  void target;
}
