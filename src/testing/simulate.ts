import { errorText } from "../core/errors.ts";
import { runtime } from "../sdk/runtime.ts";
import type { SimulatedInstance, SimulationOptions } from "./simulated/instance.ts";

/**
 * Deploys a config on an instance of Windlass that has no processes and whose time is virtual, and runs `test` on it:
 *
 *     await simulateInstance({ config: readFileSync("windlass.yaml", "utf8") }, async (instance) => {
 *       const text = instance.deployment("text-ml", "Translator");
 *       text.load({ requestsPerS: 50, serviceTimeS: 0.2 });
 *       await instance.until(() => text.target === 5, 120);
 *     });
 *
 * Controller and autoscaler are the real ones; replicas are ready after `startMs` and do nothing but take time. Minutes pass
 * in less than a second. What `test` rejects with says the seed, with which the run can be repeated.
 */
export async function simulateInstance<R>(
  options: SimulationOptions,
  test: (instance: SimulatedInstance) => R | Promise<R>,
): Promise<R> {
  const { makeInstance } = await import("./simulated/instance.ts");
  const seed = options.seed ?? Math.floor(runtime().random.next() * 2 ** 32);
  const instance = await makeInstance(options, seed);
  try {
    return await test(instance);
  } catch (error) {
    const where = `(at ${instance.timeS} s; { seed: ${seed} } repeats it)`;
    if (!(error instanceof Error)) throw new Error(`${errorText(error)} ${where}`);
    error.message += ` ${where}`;
    throw error;
  }
}
