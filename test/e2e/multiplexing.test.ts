/** Models in a whole instance: two proxies, two replicas, and each model in one place. */
import { describe, expect, it } from "vitest";
import { api, eventually, ROOT, startWindlass, waitForStatus } from "../support/windlass.ts";

describe("multiplexing", () => {
  it("has requests for a model come to the replica that has it, over whichever proxy, without a controller too, and counts them", async () => {
    const windlass = await startWindlass([`${ROOT}/examples/multiplexing.yaml`]);
    await waitForStatus(windlass, "translations", "RUNNING", 150_000);
    /** Which replica answers; a connection of its own, so that either proxy may take it. */
    const ask = async (model: string): Promise<string> => {
      const response = await fetch(`${windlass.http}/translate?word=river`, {
        headers: { "serve-multiplexed-model-id": model, connection: "close" },
      });
      expect([model, response.status]).toEqual([model, 200]);
      return ((await response.json()) as { replica: string }).replica;
    };
    const places = async (): Promise<string> => `${await ask("fr")} ${await ask("de")}`;
    // Once both proxies have heard of the models each stays where it is.
    const steady = await eventually(async () => {
      const first = await places();
      for (let i = 0; i < 8; i++) if ((await places()) !== first) return undefined;
      return new Set(first.split(" ")).size === 2 && first;
    });
    process.kill(windlass.pids.controller, "SIGKILL");
    for (let i = 0; i < 8; i++) expect(await places()).toBe(steady);
    const metrics = await eventually(async () => {
      const { text } = await api(windlass, "/metrics").catch(() => ({ text: "" }));
      return text.includes('model_id="fr"') && text.includes('model_id="de"') && text;
    });
    expect(metrics).toMatch(/^serve_multiplexed_models_load_counter\{deployment="Translator",.*\} [1-9]/m);
    expect(await windlass.stop()).toBe(0);
  });
});
