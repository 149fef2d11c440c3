import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type DeploymentHandle, deployment, getAppHandle, getDeploymentHandle } from "../../src/sdk/index.ts";
import { runLocal } from "../../src/testing/index.ts";
import { startFakeControllerRuntime } from "../support/fake-controller-runtime.ts";
import { send, startReady } from "../support/replica-process.ts";
import { tempDir } from "../support/temp-dir.ts";

class Words {
  length(word: string): number {
    return word.length;
  }
  call(word: string): string {
    return word.toUpperCase();
  }
}
const words = deployment(Words).bind();

class Asker {
  // A deployment may ask for its own application while it is constructed.
  readonly self: DeploymentHandle<Asker> = getDeploymentHandle<Asker>("Asker");
  readonly words = getAppHandle<typeof words>("dictionary");
  one(): number {
    return 1;
  }
  async ask(word: string): Promise<unknown[]> {
    const named = getDeploymentHandle<Words>("Words", "dictionary");
    const nobody = getDeploymentHandle<Words>("Wrods", "dictionary");
    const failed = await nobody.length.remote(word).catch((error: unknown) => String(error));
    const gone = await getAppHandle<Words>("gone")
      .remote(word)
      .catch((error: unknown) => String(error));
    return [await this.self.one.remote(), await this.words.remote(word), await named.length.remote(word), failed, gone];
  }
}
const asked = [
  1,
  "ADA",
  3,
  'DeploymentUnavailableError: deployment "Wrods" of application "dictionary" does not exist or was deleted',
  'DeploymentUnavailableError: application "gone" does not exist, was deleted, or does not run yet',
];

describe("handles by name", () => {
  it("find deployments of their own and of other applications in one process", async () => {
    await using _ = await runLocal(words, { name: "dictionary" });
    await using app = await runLocal(deployment(Asker).bind());
    expect(await app.handle.ask.remote("Ada")).toEqual(asked);
  });

  it("find them from a replica, whose router follows each application that it calls", async () => {
    const folder = tempDir();
    const controller = await startFakeControllerRuntime(join(folder, "controller"));
    onTestFinished(() => controller.stop());
    const source = `import { deployment, getAppHandle, getDeploymentHandle } from "windlass";
      class Asker {
        self = getDeploymentHandle("Asker");
        words = getAppHandle("dictionary");
        one() { return 1; }
        async fetch() {
          const word = "Ada";
          const named = getDeploymentHandle("Words", "dictionary");
          const nobody = getDeploymentHandle("Wrods", "dictionary");
          const failed = await nobody.length.remote(word).catch(String);
          const gone = await getAppHandle("gone").remote(word).catch(String);
          return [await this.self.one.remote(), await this.words.remote(word), await named.length.remote(word), failed, gone];
        }
      }
      export const app = deployment(Asker).bind();`;
    const wordsSource = `import { deployment } from "windlass";
      class Words {
        length(word: string) { return word.length; }
        call(word: string) { return word.toUpperCase(); }
      }
      export const app = deployment(Words).bind();`;
    const [asker, back] = await Promise.all([
      startReady({ folder, source, deployment: "Asker" }),
      startReady({ folder, source: wordsSource, deployment: "Words" }),
    ]);
    const targets = (application: string, { spec }: typeof asker) => ({
      application,
      deployment: spec.deployment,
      maxOngoingRequests: 5,
      maxQueuedRequests: -1,
      replicas: [{ id: spec.replicaId, address: spec.dataSocket }],
    });
    // The first call comes before the first table.
    const answer = send(asker);
    controller.publish({
      routes: [{ prefix: "/", application: "dictionary", deployment: "Words" }],
      deployments: [targets("app", asker), targets("dictionary", back)],
    });
    expect(JSON.parse(String((await answer).body))).toEqual(asked);
    const router = `replica/${asker.spec.replicaId}`;
    expect([...controller.watchers].sort()).toEqual([router, `${router}/dictionary`, `${router}/gone`]);
  });

  it("need a name, and outside of replicas that of an application", () => {
    expect(() => getDeploymentHandle("Words")).toThrow(/outside of a replica needs the name of the application/);
    expect(() => getDeploymentHandle("")).toThrow("needs the name of a deployment");
    expect(() => getAppHandle("")).toThrow("needs the name of an application");
  });
});
