import { application, eventually, type Windlass } from "./windlass.ts";

/** Waits until deployments of an application have these targets. */
export async function reach(windlass: Windlass, app: string, targets: Record<string, number>): Promise<void> {
  let seen: Record<string, number | undefined> = {};
  let message = "";
  await eventually(
    async () => {
      const view = await application(windlass, app);
      message = view?.message ?? "";
      const targetOf = (name: string) => view?.deployments[name]?.target_num_replicas;
      seen = Object.fromEntries(Object.keys(targets).map((name) => [name, targetOf(name)]));
      return JSON.stringify(seen) === JSON.stringify(targets);
    },
    () => `targets are ${JSON.stringify(seen)}, wanted ${JSON.stringify(targets)}; ${message}`,
  );
}
