/** Models in a whole instance: two proxies, two replicas, and each model in one place. */
import { describe, expect, it } from "vitest";
import { api, eventually, ROOT, startWindlass, waitForStatus } from "../support/windlass.ts";

describe("multiplexing", () => {
  it("has requests for a model come to the replica that has it, over whichever proxy, and tells what is counted", async () => {
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
    // Once both proxies have heard of the models each stays where it is.
    await eventually(async () => {
      const rounds: string[] = [];
      for (let i = 0; i < 8; i++) rounds.push(`${await ask("fr")} ${await ask("de")}`);
      const [first] = rounds;
      const [french, german] = first!.split(" ");
      return french !== german && rounds.every((round) => round === first);
    });
    const metrics = await eventually(async () => {
      const { text } = await api(windlass, "/metrics");
      return text.includes('model_id="fr"') && text.includes('model_id="de"') && text;
    });
    expect(metrics).toMatch(/^serve_multiplexed_models_load_counter\{deployment="Translator",.*\} [1-9]/m);
    expect(await windlass.stop()).toBe(0);
  });
});
