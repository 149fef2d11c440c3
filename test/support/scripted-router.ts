/** A router over a scripted channel, on a clock of its own: every order of events can be played. */
import type { Clock } from "../../src/core/clock.ts";
import type { Random } from "../../src/core/random.ts";
import type { ChannelReceiver, ChannelRequest, ReplicaChannel, ResponseHead } from "../../src/routing/channel.ts";
import type { LoadWatcher } from "../../src/routing/deployment-queue.ts";
import { Router, type RouterFailure, type RouterFault, type RouterRequest } from "../../src/routing/router.ts";
import type { RouterEvents } from "../../src/routing/router-events.ts";
import type { RouterMetrics } from "../../src/routing/router-metrics.ts";

export const get: RouterRequest = { kind: "http", method: "GET", path: "/", headers: [], body: null };
export const post: RouterRequest = { ...get, method: "POST" };
export const head = (given: Partial<ResponseHead> = {}): ResponseHead => ({
  status: 200,
  headers: [],
  ongoing: -1,
  result: "",
  reservation: "",
  ...given,
});

interface Sent extends ChannelReceiver {
  readonly to: string;
  readonly request: ChannelRequest;
  cancelled: boolean;
}

interface Outcome {
  state: "waiting" | "head" | "ended" | "failed";
  failure?: RouterFailure;
  cancel(): void;
}

export function scriptedRouter(
  random: Random = { next: () => 0 },
  watcher?: LoadWatcher,
  events?: RouterEvents,
  metrics?: RouterMetrics,
  onRouterFault?: (fault: RouterFault) => void,
) {
  let nowMs = 0;
  let timers: { atMs: number; fn: () => void }[] = [];
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    timer(delayMs, fn) {
      const timer = { atMs: nowMs + delayMs, fn };
      timers.push(timer);
      return {
        cancel() {
          timers = timers.filter((other) => other !== timer);
        },
      };
    },
    sleep: () => Promise.reject(new Error("not used")),
  };
  const sent: Sent[] = [];
  const released: string[] = [];
  const channel: ReplicaChannel = {
    open(to, request, receiver) {
      const entry: Sent = {
        to,
        request,
        cancelled: false,
        onEntered: (contended, ongoing) => receiver.onEntered?.(contended, ongoing),
        onAccepted: (value) => receiver.onAccepted(value),
        onData: (chunk) => receiver.onData(chunk),
        onEnd: () => receiver.onEnd(),
        onFailed: (failure) => receiver.onFailed(failure),
      };
      sent.push(entry);
      return {
        resume() {},
        upload() {},
        cancel() {
          entry.cancelled = true;
        },
      };
    },
    release: (address) => void released.push(address),
    close: () => Promise.resolve(),
  };
  const router = new Router({ channel, clock, random, watcher, events, metrics, onRouterFault });
  const apply = (ids: readonly string[], given: Record<string, unknown> = {}): void => {
    const targets = {
      application: "app",
      deployment: "d",
      // "r@2" runs revision 2.
      replicas: ids.map((id) => ({ id, address: id, revision: BigInt(id.split("@")[1] ?? 0) })),
      maxOngoingRequests: 1,
      maxQueuedRequests: -1,
      backpressureStatusCode: 503,
      unavailable: "",
      ...given,
    };
    router.apply({ deployments: [targets] as never });
  };
  const target = router.target("app", "d");
  const send = (request: RouterRequest = get): Outcome => {
    const outcome: Outcome = { state: "waiting", cancel: () => call.cancel() };
    const call = router.send(target, request, {
      onHead() {
        outcome.state = "head";
      },
      onData: () => true,
      onEnd() {
        outcome.state = "ended";
      },
      onFailed(failure) {
        outcome.state = "failed";
        outcome.failure = failure;
      },
    });
    return outcome;
  };
  return {
    router,
    target,
    sent,
    released,
    apply,
    send,
    to: () => sent.map((entry) => entry.to).join(" "),
    answer(entry: Sent) {
      entry.onAccepted(head());
      entry.onEnd();
    },
    /** Lets time pass, timers firing in order. */
    pass(ms: number) {
      const end = nowMs + ms;
      for (;;) {
        const next = timers.filter((timer) => timer.atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined) break;
        timers = timers.filter((timer) => timer !== next);
        nowMs = next.atMs;
        next.fn();
      }
      nowMs = end;
    },
    timers: () => timers.length,
  };
}
