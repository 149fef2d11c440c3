/** Routers that share replicas which are always full: nobody's requests wait for those of others. */
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/core/system-clock.ts";
import { systemRandom } from "../../src/core/system-random.ts";
import { Admission } from "../../src/replica/admission.ts";
import type { ChannelReceiver, ReplicaChannel } from "../../src/routing/channel.ts";
import { createReplicaChannel } from "../../src/routing/replica-channel.ts";
import { Router, type RouterRequest } from "../../src/routing/router.ts";
import { type Running, startReady } from "../support/replica-process.ts";
import { get, head, post } from "../support/scripted-router.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { tempDir } from "../support/temp-dir.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

/** What became of the requests of one router; a wait is counted in requests of anybody that ended meanwhile. */
interface Share {
  served: number;
  longestWait: number;
}

interface Contest {
  /** Of each router, that many requests are always under way. */
  readonly clients: readonly number[];
  readonly addresses: readonly string[];
  readonly maxOngoing: number;
  readonly request?: RouterRequest;
}

/** Keeps requests under way through each router until `total` have ended. */
function contest(
  routers: readonly Router[],
  { clients, addresses, maxOngoing, request = get }: Contest,
  total: number,
) {
  const shares: Share[] = clients.map(() => ({ served: 0, longestWait: 0 }));
  const failures: unknown[] = [];
  const done = Promise.withResolvers<void>();
  let ended = 0;
  for (const router of routers) {
    router.apply({
      deployments: [
        {
          application: "app",
          deployment: "d",
          replicas: addresses.map((address) => ({ id: address, address })),
          maxOngoingRequests: maxOngoing,
          maxQueuedRequests: -1,
          backpressureStatusCode: 503,
          unavailable: "",
        },
      ] as never,
    });
  }
  const send = (index: number): void => {
    const router = routers[index]!;
    const before = ended;
    router.send(router.target("app", "d"), request, {
      onHead() {},
      onData: () => true,
      onEnd() {
        const share = shares[index]!;
        share.longestWait = Math.max(share.longestWait, ended - before);
        share.served += 1;
        ended += 1;
        if (ended >= total) done.resolve();
        else send(index);
      },
      onFailed: (failure) => {
        failures.push(failure);
        if (ended < total) done.reject(new Error(JSON.stringify(failure)));
      },
    });
  };
  clients.forEach((count, index) => {
    for (let each = 0; each < count; each++) send(index);
  });
  return { shares, done: done.promise };
}

describe("two routers before one real replica that is always full", () => {
  const SOURCE = `import { deployment } from "windlass";
    class App {
      async fetch(request: Request) { await request.text(); await new Promise((end) => setTimeout(end, 2)); return new Response("ok"); }
      async echo(text: string) { await new Promise((end) => setTimeout(end, 2)); return text; }
    }
    export const app = deployment(App).bind();`;
  const routerOf = (): Router => {
    const router = new Router({ channel: createReplicaChannel(), clock: systemClock, random: systemRandom });
    onTestFinished(() => router.close());
    return router;
  };
  const addressesOf = (running: Running) => [running.spec.dataSocket];

  it.each([
    ["one at a time", 1, [8, 8], post],
    ["several at a time, and unlike crowds", 4, [24, 8], get],
  ])(
    "serve %s in the order in which requests came, whichever way they came",
    async (_, maxOngoing, clients, request) => {
      const running = await startReady({ source: SOURCE, maxOngoing, folder: tempDir() });
      const all = clients.reduce((sum, each) => sum + each, 0);
      const routers = [routerOf(), routerOf()];
      const { shares, done } = contest(routers, { clients, addresses: addressesOf(running), maxOngoing, request }, 400);
      await done;
      // No client gets less than 0.6 of an equal share, and no request waits for more than twice as many as there are.
      shares.forEach(({ served }, index) => {
        expect(served / 400, JSON.stringify(shares)).toBeGreaterThan((0.6 * clients[index]!) / all);
      });
      expect(Math.max(...shares.map(({ longestWait }) => longestWait)), JSON.stringify(shares)).toBeLessThan(2 * all);
    },
  );
});

/** Replicas in virtual time: the real admission, a service time, and a way to and fro. */
class Replicas {
  readonly clock = new VirtualClock();
  readonly #admissions = new Map<string, Admission>();
  readonly #serviceMs: () => number;
  readonly #hopMs: number;

  constructor(addresses: readonly string[], maxOngoing: number, serviceMs: () => number, hopMs: number) {
    for (const address of addresses) this.#admissions.set(address, new Admission(maxOngoing, this.clock));
    this.#serviceMs = serviceMs;
    this.#hopMs = hopMs;
  }

  channel(): ReplicaChannel {
    return {
      open: (address, request, receiver) => {
        const admission = this.#admissions.get(address)!;
        let over = false;
        const later = (ms: number, run: () => void): void => void this.clock.timer(ms, run);
        const say = (run: (receiver: ChannelReceiver) => void): void =>
          later(this.#hopMs, () => {
            if (!over) run(receiver);
          });
        const enter = (): void => {
          const contended = admission.waiting > 0;
          if (request.wait !== undefined) say((to) => to.onEntered?.(contended, -1));
          later(this.#serviceMs(), () => {
            admission.leave();
            say((to) => {
              to.onAccepted(head({ ongoing: 1, contended }));
              to.onEnd();
            });
          });
        };
        const refuse = (): void => say((to) => to.onFailed({ kind: "rejected", ongoing: admission.ongoing }));
        later(this.#hopMs, () => {
          if (admission.enter(undefined)) enter();
          else if (request.wait === undefined) refuse();
          else if (!admission.wait({ ...request.wait, onEntered: enter, onRefused: refuse })) refuse();
        });
        return {
          resume() {},
          upload() {},
          cancel() {
            over = true;
          },
        };
      },
      release() {},
      close: () => Promise.resolve(),
    };
  }
}

describe("in virtual time", () => {
  it.each([
    { name: "two routers and one replica", clients: [10, 10], replicas: 1, maxOngoing: 1 },
    { name: "a crowd and a single client", clients: [40, 1], replicas: 1, maxOngoing: 2 },
    { name: "five routers and three replicas", clients: [12, 12, 12, 12, 12], replicas: 3, maxOngoing: 4 },
    {
      name: "many handles and many replicas",
      clients: Array.from({ length: 16 }, () => 4),
      replicas: 8,
      maxOngoing: 1,
    },
  ])("$name: slots stay busy, and nobody waits much longer than those before it take", async (given) => {
    const { clients, replicas, maxOngoing } = given;
    const random = seededRandom(7);
    const serviceMs = (): number => 50 + random.next() * 100;
    const addresses = Array.from({ length: replicas }, (_, index) => `r${index}`);
    const site = new Replicas(addresses, maxOngoing, serviceMs, 0.5);
    const routers = clients.map(() => new Router({ channel: site.channel(), clock: site.clock, random }));
    const all = clients.reduce((sum, each) => sum + each, 0);
    const total = 20 * all;
    const { shares, done } = contest(routers, { clients, addresses, maxOngoing }, total);
    const startMs = site.clock.now();
    let over = false;
    void done.then(() => {
      over = true;
    });
    while (!over) await site.clock.advance(100);
    const elapsedMs = site.clock.now() - startMs;
    const busy = (total * 100) / (elapsedMs * replicas * maxOngoing);
    expect(busy, JSON.stringify({ busy, shares })).toBeGreaterThan(0.93);
    shares.forEach(({ served }, index) => {
      expect(served / total, JSON.stringify(shares)).toBeGreaterThan((0.6 * clients[index]!) / all);
    });
    expect(Math.max(...shares.map(({ longestWait }) => longestWait)), JSON.stringify(shares)).toBeLessThan(2 * all);
    await Promise.all(routers.map((router) => router.close()));
  });
});
