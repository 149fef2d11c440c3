/** Models in a whole instance: two proxies, two replicas, and each model in one place. */
import { describe, expect, it } from "vitest";
import { api, eventually, ROOT, startWindlass, waitForStatus } from "../support/windlass.ts";

describe("multiplexing", () => {
  it("has requests for a model come to the replica that has it, over whichever proxy, without a controller too, and counts them", async () => {
    const windlass = await startWindlass([`${ROOT}/examples/multiplexing.yaml`]);
    await waitForStatus(windlass, "translations", "RUNNING", 150_000);
    /** Which replica answers; a connection of its own, so that either proxy may take it. */
    let asked = 0;
    const ask = async (model: string): Promise<string> => {
      asked += 1;
      const response = await fetch(`${windlass.http}/translate?word=river`, {
        headers: { "serve-multiplexed-model-id": model, connection: "close" },
      });
      expect([model, response.status]).toEqual([model, 200]);
      return ((await response.json()) as { replica: string }).replica;
    };
    /** As many models as the replicas have room for: one that two replicas had would leave none for another. */
    const places = async (): Promise<string> => {
      const replicas: string[] = [];
      for (const model of ["fr", "de", "it", "es"]) replicas.push(await ask(model));
      return replicas.join(" ");
    };
    /** Requests that each proxy has answered, once all are counted. */
    const answered = (): Promise<number[]> =>
      eventually(async () => {
        const { text } = await api(windlass, "/metrics");
        const counts = [...text.matchAll(/^serve_num_http_requests\{.*\} (\d+)$/gm)].map((line) => Number(line[1]));
        return counts.reduce((sum, count) => sum + count, 0) === asked && counts;
      });
    // Once both proxies have heard of the models each stays where it is.
    const stays = async (): Promise<string | undefined> => {
      const first = await places();
      for (let i = 0; i < 8; i++) if ((await places()) !== first) return undefined;
      return first;
    };
    const steady = await eventually(
      async () => {
        if ((await stays()) === undefined) return undefined;
        const before = await answered();
        const found = await stays();
        if (found === undefined) return undefined;
        const after = await answered();
        // The kernel says which proxy is asked.
        return after.length === 2 && after.every((count, i) => count - (before[i] ?? 0) >= 8) && found;
      },
      undefined,
      60_000,
    );
    const [one, ...others] = steady.split(" ");
    expect(others.filter((replica) => replica === one)).toHaveLength(1);
    process.kill(windlass.pids.controller, "SIGKILL");
    for (let i = 0; i < 8; i++) expect(await places()).toBe(steady);
    const metrics = await eventually(async () => {
      const { text } = await api(windlass, "/metrics").catch(() => ({ text: "" }));
      return text.includes('model_id="fr"') && text.includes('model_id="de"') && text;
    });
    expect(metrics).toMatch(/^serve_multiplexed_models_load_counter\{deployment="Translator",.*\} [1-9]/m);
    expect(await windlass.stop()).toBe(0);
  }, 90_000);
});
