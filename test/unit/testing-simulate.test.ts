import { describe, expect, it } from "vitest";
import { type DeploymentHandle, deployment } from "../../src/sdk/index.ts";
import { simulateInstance } from "../../src/testing/index.ts";

const CONFIG = `
applications:
  - name: shop
    route_prefix: /
    import_path: ./shop.ts:app
    deployments:
      - name: Shop
        max_ongoing_requests: 4
        autoscaling_config:
          min_replicas: 1
          max_replicas: 8
          target_ongoing_requests: 2
          metrics_interval_s: 1
          look_back_period_s: 5
          upscale_delay_s: 2
          downscale_delay_s: 20
      - name: Prices
        num_replicas: 2
`;

describe("an instance on virtual time", () => {
  it("scales a deployment up under load and down after it", async () => {
    await simulateInstance({ config: CONFIG }, async (instance) => {
      const shop = instance.deployment("shop", "Shop");
      await instance.advance(10);
      expect([shop.target, shop.running, shop.status]).toEqual([1, 1, "HEALTHY"]);
      // 10 a second for a second each are 10 at once: 5 replicas at 2 each.
      shop.load({ requestsPerS: 10, serviceTimeS: 1 });
      const tookS = await instance.until(() => shop.target >= 5, 60);
      expect(tookS).toBeGreaterThan(1);
      await instance.advance(60);
      expect([shop.target, shop.running, shop.queued, shop.ongoing]).toEqual([5, 5, 0, 10]);
      shop.load({ concurrent: 0 });
      await instance.advance(15);
      expect(shop.target).toBe(5);
      await instance.until(() => shop.target === 1, 60);
    });
  });

  it("lets requests wait where replicas have no room", async () => {
    await simulateInstance({ config: CONFIG }, async (instance) => {
      const prices = instance.deployment("shop", "Prices");
      await instance.advance(1);
      prices.load({ concurrent: 13 });
      await instance.advance(1);
      expect([prices.ongoing, prices.queued]).toEqual([10, 3]);
    });
  });

  it("replaces replicas that die, tells of those that cannot start, and survives its controller", async () => {
    await simulateInstance({ config: CONFIG }, async (instance) => {
      const prices = instance.deployment("shop", "Prices");
      await instance.until(() => prices.running === 2, 10);
      prices.behave({ startMs: 5_000 });
      prices.kill(2);
      await instance.advance(1);
      expect(prices.running).toBe(0);
      await instance.restartController(3);
      await instance.until(() => prices.running === 2, 30);
      prices.behave({ startMs: 50, startError: "no weights" });
      await instance.apply(CONFIG.replace("num_replicas: 2", "num_replicas: 3"));
      await instance.until(() => prices.message.includes("no weights"), 120);
    });
  });

  it("takes names, options and the ingress from code", async () => {
    class Back {
      one(): number {
        return 1;
      }
    }
    class Front {
      readonly back: DeploymentHandle<Back>;
      constructor(back: DeploymentHandle<Back>) {
        this.back = back;
      }
    }
    const app = deployment(Front).bind(deployment(Back, { numReplicas: 3 }).bind());
    const config = { applications: [{ name: "a", import_path: "./a.ts:app" }] };
    await simulateInstance({ config, code: { "./a.ts:app": app } }, async (instance) => {
      await instance.advance(1);
      expect([instance.deployment("a", "Front").running, instance.deployment("a", "Back").running]).toEqual([1, 3]);
      expect(() => instance.deployment("a", "Bakc")).toThrow(
        "there is no deployment a/Bakc: there are a/Back, a/Front",
      );
    });
  });

  it("fails by chance, the same way for the same seed, and says the seed of a run that failed", async () => {
    const history = (seed: number) =>
      simulateInstance(
        { config: CONFIG, seed, faults: { replicaCrashEveryS: 5, controllerCrashEveryS: 20 } },
        async (instance) => {
          const prices = instance.deployment("shop", "Prices");
          prices.behave({ startMs: 700 });
          const seen: number[] = [];
          for (let i = 0; i < 120; i++) {
            await instance.advance(0.5);
            seen.push(prices.running);
          }
          return seen.join("");
        },
      );
    const [first, again, other] = [await history(7), await history(7), await history(8)];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(first).toMatch(/[01]/);
    const failing = simulateInstance({ config: CONFIG, seed: 3 }, (instance) => instance.until(() => false, 2));
    await expect(failing).rejects.toThrow(
      /^did not come to hold within 2 s of virtual time; at 2\.2 s shop\/Prices: target 2, RUNNING 2, HEALTHY; .* \(at 2\.2 s; \{ seed: 3 \} repeats it\)$/,
    );
  });

  it("says what is wrong with a config, line by line", async () => {
    const misspelt = simulateInstance({ config: CONFIG.replace("max_replicas", "max_replica") }, () => {});
    await expect(misspelt).rejects.toThrow(/config:11:\d+.*max_replica/s);
    const document = { applications: [{ name: "a", import_path: "a.b" }] };
    await expect(simulateInstance({ config: document }, () => {})).rejects.toThrow(/applications.*import_path/);
  });
});
