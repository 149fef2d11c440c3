import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { tempDir } from "../support/temp-dir.ts";
import { api, clientEnv, ROOT, startWindlass, type Windlass } from "../support/windlass.ts";

const SDK = pathToFileURL(join(ROOT, "dist/sdk/index.js")).href;

/** Runs a module as a program; what it printed, by lines of JSON. */
async function program(windlass: Windlass, path: string, source: string): Promise<unknown[]> {
  writeFileSync(path, source);
  const env = { ...process.env, ...clientEnv(windlass), WINDLASS_STATE_DIR: windlass.stateDir };
  const { stdout } = await promisify(execFile)(process.execPath, [path], { env });
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

it("programs run, call, look at and delete applications, which no config deletes", { timeout: 60_000 }, async () => {
  const folder = tempDir();
  const windlass = await startWindlass();
  const print = "const print = (value) => console.log(JSON.stringify(value));";
  const SHOP = `import { deployment, disconnect, run, status } from "${SDK}";
    class Prices { of(fruit: string): number { if (fruit === "stone") throw new RangeError("no fruit"); return fruit.length; } }
    class Shop {
      prices: any;
      constructor(prices: any) { this.prices = prices; }
      async sell(fruit: string) { return { fruit, price: await this.prices.of.remote(fruit) }; }
      async *all(fruits: string[]) { for (const fruit of fruits) yield await this.sell(fruit); }
      fetch() { return new Response("open"); }
    }
    export const app = deployment(Shop).bind(deployment(Prices).bind());
    if (import.meta.main) {
      ${print}
      const shop = await run({ app }, { name: "shop", routePrefix: "/shop" });
      print(await shop.sell.remote("pear"));
      print(await shop.sell.remote("stone").catch((error: unknown) => [error instanceof RangeError, String(error)]));
      const sold: unknown[] = [];
      for await (const each of shop.options({ stream: true }).all.remote(["fig", "apple"])) sold.push(each.price);
      print(sold);
      const { state, applications, proxies } = await status();
      print([state, Object.values(proxies), applications.shop?.status, applications.shop?.deployments.Shop]);
      await disconnect();
    }`;
  expect(await program(windlass, join(folder, "shop.ts"), SHOP)).toEqual([
    { fruit: "pear", price: 4 },
    [true, "RangeError: no fruit"],
    [3, 5],
    [
      "RUNNING",
      ["HEALTHY", "HEALTHY"],
      "RUNNING",
      {
        status: "HEALTHY",
        statusTrigger: "CONFIG_UPDATE_COMPLETED",
        message: "",
        targetReplicas: 1,
        replicaStates: { RUNNING: 1 },
      },
    ],
  ]);
  expect(await (await fetch(`${windlass.http}/shop`)).text()).toBe("open");

  // A config that does not list it leaves it alone.
  const put = await api(windlass, "/api/serve/applications/", { method: "PUT", body: { applications: [] } });
  expect(put.status).toBe(200);

  const LATER = `import { deleteApplication, disconnect, getAppHandle, getDeploymentHandle, run, shutdown, start, status } from "${SDK}";
    ${print}
    const applications = async () => Object.keys((await status()).applications);
    print(await applications());
    print(await getAppHandle("shop").sell.remote("lime"));
    print(await getDeploymentHandle("Prices", "shop").of.remote("date"));
    print(await getAppHandle("inn").call.remote().catch(String));
    await run("./shop.ts:app", { name: "second", routePrefix: null, baseDir: ${JSON.stringify(folder)} });
    print(await applications());
    await deleteApplication("shop");
    await deleteApplication("never");
    print(await applications());
    print(await run("./shop.ts:ap", { name: "bad", baseDir: ${JSON.stringify(folder)} }).catch((error) => error.message));
    await shutdown();
    await shutdown();
    print((await status()).state);
    print([await start({ httpOptions: { requestTimeoutS: 7 } }), await start(), (await status()).state]);
    print(await start({ httpOptions: { prot: 1 } }).catch(String));
    await disconnect();`;
  expect(await program(windlass, join(folder, "later.mjs"), LATER)).toEqual([
    ["shop"],
    { fruit: "lime", price: 4 },
    4,
    'DeploymentUnavailableError: application "inn" does not exist, was deleted, or does not run yet',
    ["second", "shop"],
    ["second"],
    expect.stringContaining('no export "ap": did you mean "app"?'),
    "ABSENT",
    [true, false, "RUNNING"],
    'TypeError: httpOptions has no option "prot": it has host, port, rootPath, requestTimeoutS, keepAliveTimeoutS',
  ]);
});

it("a module that runs itself wherever it is imported is told so by its deploy", { timeout: 40_000 }, async () => {
  const folder = tempDir();
  const windlass = await startWindlass();
  const LOOP = `import { deployment, run } from "${SDK}";
    export const app = deployment(class Loop { fetch() { return new Response(); } }).bind();
    await run({ app });`;
  await expect(program(windlass, join(folder, "loop.ts"), LOOP)).rejects.toMatchObject({
    stderr: expect.stringMatching(
      /default failed to deploy: .*run\(\) is for programs: .* guard it by `if \(import\.meta\.main\)`/,
    ),
  });
});
