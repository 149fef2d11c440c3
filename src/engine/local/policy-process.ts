/** The policy host of one application: its process, what it has loaded, and the questions that are open. */
import type { PolicyCode, PolicyQuestion, PolicyReply } from "../../controller/policy-runner.ts";
import { POLICY_DEADLINE_MS } from "../../controller/policy-runner.ts";
import type { Clock, Timer } from "../../core/clock.ts";
import type { FromHost, ToHost } from "../../policy-host/protocol.ts";
import { type Backoff, longerBackoff, NO_BACKOFF } from "./policy-backoff.ts";
import { connectPolicyHost, type PolicyLink } from "./policy-link.ts";
import type { ChildEvent } from "./supervisor-client.ts";

/** How long a process may take to listen, and a module to load. */
const START_DEADLINE_MS = 30_000;
/** A process is ended when nothing was asked for so long: its policies, or their application, are gone. */
const IDLE_MS = 60_000;
/** Characters of a reason. */
const MAX_REASON = 500;

/** What a policy process needs. */
export interface PolicyProcessOptions {
  readonly clock: Clock;
  readonly socketPath: string;
  /** Whether a process runs already, started by an earlier controller. */
  readonly running: boolean;
  spawn(code: PolicyCode): void;
  kill(): void;
  /** Tells hosts with other code or environment apart. */
  placeOf(code: PolicyCode): string;
  /** Called when nothing runs and nothing is remembered any more. */
  onRest(): void;
  emit(reply: PolicyReply): void;
}

type ProcessState =
  | { readonly kind: "down" }
  /** Spawned, or found: it is connected to once it listens. */
  | { readonly kind: "starting"; readonly link: PolicyLink; readonly deadline: Timer }
  | { readonly kind: "up"; readonly link: PolicyLink }
  /** Killed; its end has not been reported yet. `explained`: nobody is to be blamed for it any more. */
  | { readonly kind: "ending"; readonly explained: boolean };

/** One policy in one generation. */
interface Policy {
  readonly key: string;
  readonly question: PolicyQuestion;
  loaded: "no" | "loading" | "yes";
  loadTimer: Timer | undefined;
  waiting: PolicyQuestion[];
  backoff: Backoff;
}

interface Open {
  readonly policy: Policy;
  readonly question: PolicyQuestion;
  readonly timer: Timer;
  /** running: between `began` and `waits` or the answer its code holds the process. */
  phase: "sent" | "running" | "waits";
}

/** See the file's comment. */
export class PolicyProcess {
  readonly #o: PolicyProcessOptions;
  #state: ProcessState = { kind: "down" };
  /** By deployment; "" is the application's. */
  readonly #policies = new Map<string, Policy>();
  readonly #open = new Map<number, Open>();
  #nextId = 1;
  #idleTimer: Timer | undefined;
  #place: string | undefined;
  /** What the process said of its end. */
  #lastWords: string | undefined;
  /** After ends that no policy is to blame for. */
  #backoff: Backoff = NO_BACKOFF;

  constructor(options: PolicyProcessOptions) {
    this.#o = options;
    if (options.running) this.#connect();
  }

  /** See PolicyRunner.ask. */
  ask(question: PolicyQuestion): void {
    this.#idleTimer?.cancel();
    this.#idleTimer = this.#timer(IDLE_MS, () => this.#rest());
    const policy = this.#policyFor(question);
    const backoff = policy.backoff.untilMs > this.#backoff.untilMs ? policy.backoff : this.#backoff;
    if (backoff.untilMs > this.#o.clock.monotonic()) {
      this.#refuse(question, backoff.reason);
      return;
    }
    const place = this.#o.placeOf(question.code);
    if (this.#place !== undefined && this.#place !== place) this.#end({ explained: true });
    this.#place = place;
    if (this.#state.kind === "up" && policy.loaded === "yes") {
      this.#put(policy, question);
      return;
    }
    policy.waiting.push(question);
    this.#pump();
  }

  /** Takes in what the supervisor says of the process. */
  onChild(event: ChildEvent): void {
    if (event.kind === "spawn-failed") this.#gone(`could not be started: ${event.error}`);
    else if (event.kind === "exited") this.#gone(event.detail);
  }

  #policyFor(question: PolicyQuestion): Policy {
    const name = question.deployment ?? "";
    const { policy_function, policy_kwargs } = question.policy;
    const key = JSON.stringify([name, question.code.generation, policy_function, policy_kwargs]);
    const present = this.#policies.get(name);
    if (present?.key === key) return present;
    if (present) {
      this.#refuseAll(present, "was replaced by a newer version");
      present.loadTimer?.cancel();
      this.#send({ kind: "drop", key: present.key });
    }
    const policy: Policy = { key, question, loaded: "no", loadTimer: undefined, waiting: [], backoff: NO_BACKOFF };
    this.#policies.set(name, policy);
    return policy;
  }

  /** Does what can be done for the questions that wait. */
  #pump(): void {
    const waiting = [...this.#policies.values()].filter((policy) => policy.waiting.length > 0);
    const [first] = waiting;
    if (!first) return;
    if (this.#state.kind === "down") {
      this.#o.spawn(first.waiting.at(-1)!.code);
      this.#connect();
    }
    if (this.#state.kind !== "up") return;
    for (const policy of waiting) {
      if (policy.loaded === "yes") for (const question of policy.waiting.splice(0)) this.#put(policy, question);
    }
    // One after the other: whoever ends the process while it loads is known then.
    if ([...this.#policies.values()].some(({ loaded }) => loaded === "loading")) return;
    const unloaded = waiting.find(({ loaded }) => loaded === "no");
    if (unloaded) this.#load(unloaded);
  }

  #load(policy: Policy): void {
    policy.loaded = "loading";
    const { policy_function, policy_kwargs } = policy.question.policy;
    const { key } = policy;
    policy.loadTimer = this.#timer(START_DEADLINE_MS, () => {
      this.#blame(policy, `took longer than ${START_DEADLINE_MS / 1000} s to load; do no slow work while it loads`);
      this.#end({ explained: true });
    });
    const { built } = policy.question.code;
    this.#send({ kind: "load", policy: { key, policyFunction: policy_function, kwargs: policy_kwargs, built } });
  }

  #put(policy: Policy, question: PolicyQuestion): void {
    const id = this.#nextId++;
    const deadlineMs = question.deadlineMs ?? POLICY_DEADLINE_MS;
    const timer = this.#timer(deadlineMs, () => this.#overdue(id, deadlineMs));
    this.#open.set(id, { policy, question, timer, phase: "sent" });
    this.#send({ kind: "ask", id, key: policy.key, input: question.input });
  }

  /** A timer that lets what has arrived meanwhile be read first: this process may have been the slow one. */
  #timer(delayMs: number, late: () => void): Timer {
    let cancelled = false;
    const timer = this.#o.clock.timer(delayMs, () => setImmediate(() => cancelled || late()), { unref: true });
    return {
      cancel() {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  /** To blame is whoever's code holds the process, else the one who was asked. */
  #overdue(id: number, deadlineMs: number): void {
    const late = this.#open.get(id);
    if (!late) return;
    const holder = [...this.#open.values()].find(({ phase }) => phase === "running") ?? late;
    this.#blame(holder.policy, `took longer than ${deadlineMs / 1000} s, so its process was ended`);
    this.#end({ explained: true });
  }

  #onHost(message: FromHost): void {
    switch (message.kind) {
      case "hello":
        this.#greeted(message.place);
        return;
      case "loaded":
      case "load-failed": {
        const policy = [...this.#policies.values()].find(({ key }) => key === message.key);
        if (!policy) return;
        policy.loadTimer?.cancel();
        policy.loaded = message.kind === "loaded" ? "yes" : "no";
        if (message.kind === "load-failed") this.#blame(policy, String(message.error));
        this.#pump();
        return;
      }
      case "began":
      case "waits": {
        const open = this.#open.get(message.id);
        if (open) open.phase = message.kind === "began" ? "running" : "waits";
        return;
      }
      case "returned":
      case "failed":
        this.#answered(message);
        return;
      case "crashed":
        this.#lastWords = `ended: ${String(message.error)}`;
        return;
      default:
        // User code could write to the socket: what makes no sense is passed over.
        return;
    }
  }

  #answered(message: FromHost & { kind: "returned" | "failed" }): void {
    const open = this.#open.get(message.id);
    if (!open) return;
    const { policy, question, timer } = open;
    timer.cancel();
    this.#open.delete(message.id);
    // One that throws costs nobody anything: it is asked again at once.
    policy.backoff = NO_BACKOFF;
    this.#backoff = NO_BACKOFF;
    if (message.kind === "failed") this.#refuse(question, String(message.error));
    else {
      const warning = message.warning === null ? null : named(question, String(message.warning));
      this.#reply(question, { kind: "returned", value: message.value, warning });
    }
  }

  #greeted(place: string): void {
    if (this.#state.kind !== "starting") return;
    this.#state.deadline.cancel();
    this.#state = { kind: "up", link: this.#state.link };
    // One that an earlier controller started may have other code.
    if (this.#place !== undefined && place !== this.#place) this.#end({ explained: true });
    else this.#pump();
  }

  #connect(): void {
    const link = connectPolicyHost(this.#o.socketPath, this.#o.clock, {
      heard: (message) => this.#onHost(message),
      // Most likely it ended, which is reported; one that lives is of no use without its connection.
      lost: () => this.#end({ explained: false }),
    });
    const deadline = this.#timer(START_DEADLINE_MS, () => {
      this.#lastWords = `did not start within ${START_DEADLINE_MS / 1000} s`;
      this.#end({ explained: false });
    });
    this.#state = { kind: "starting", link, deadline };
  }

  #send(message: ToHost): void {
    if (this.#state.kind === "up") this.#state.link.send(message);
  }

  /** Kills the process, if there is one. Its questions are looked at when its end is reported. */
  #end({ explained }: { explained: boolean }): void {
    if (this.#state.kind === "down" || this.#state.kind === "ending") return;
    this.#disconnect();
    this.#state = { kind: "ending", explained };
    this.#o.kill();
  }

  #disconnect(): void {
    if (this.#state.kind === "starting") this.#state.deadline.cancel();
    if (this.#state.kind === "starting" || this.#state.kind === "up") this.#state.link.close();
  }

  /** The process ended. Policies that had no part in it are asked again in a new one. */
  #gone(detail: string): void {
    const { kind } = this.#state;
    if (kind === "down") return;
    const explained = this.#state.kind === "ending" && this.#state.explained;
    this.#disconnect();
    this.#state = { kind: "down" };
    if (!explained) this.#blameForEnd(`its process ${this.#lastWords ?? detail}`);
    this.#lastWords = undefined;
    for (const policy of this.#policies.values()) {
      policy.loadTimer?.cancel();
      policy.loaded = "no";
    }
    for (const [id, { policy, question, timer }] of this.#open) {
      timer.cancel();
      this.#open.delete(id);
      if (this.#policies.get(question.deployment ?? "") === policy) policy.waiting.push(question);
      else this.#refuse(question, "was replaced by a newer version");
    }
    if (this.#policies.size === 0) this.#o.onRest();
    else this.#pump();
  }

  /** Blames whose code ran or was loaded, else all that were asked, else nobody, and waits before the next process. */
  #blameForEnd(reason: string): void {
    const open = [...this.#open.values()];
    const running = open.filter(({ phase }) => phase === "running").map(({ policy }) => policy);
    const loading = [...this.#policies.values()].filter(({ loaded }) => loaded === "loading");
    const atWork = running.length + loading.length > 0 ? [...running, ...loading] : open.map(({ policy }) => policy);
    for (const policy of new Set(atWork)) this.#blame(policy, reason);
    if (atWork.length > 0) return;
    this.#backoff = longerBackoff(this.#backoff, reason, this.#o.clock.monotonic());
    for (const policy of this.#policies.values()) this.#refuseAll(policy, reason);
  }

  /** Answers what the policy was asked; it is not asked again for a while. */
  #blame(policy: Policy, reason: string): void {
    policy.backoff = longerBackoff(policy.backoff, reason, this.#o.clock.monotonic());
    this.#refuseAll(policy, reason);
  }

  /** Nobody asks any more. */
  #rest(): void {
    for (const policy of this.#policies.values()) this.#refuseAll(policy, "its process was ended");
    this.#policies.clear();
    this.#end({ explained: true });
    if (this.#state.kind === "down") this.#o.onRest();
  }

  /** Answers all questions to a policy that are open or wait. */
  #refuseAll(policy: Policy, reason: string): void {
    for (const [id, open] of this.#open) {
      if (open.policy !== policy) continue;
      open.timer.cancel();
      this.#open.delete(id);
      this.#refuse(open.question, reason);
    }
    for (const question of policy.waiting.splice(0)) this.#refuse(question, reason);
  }

  #refuse(question: PolicyQuestion, reason: string): void {
    this.#reply(question, { kind: "failed", reason: named(question, reason) });
  }

  #reply({ id, application, deployment, code }: PolicyQuestion, outcome: PolicyReply["outcome"]): void {
    this.#o.emit({ id, application, deployment, generation: code.generation, outcome });
  }
}

/** A reason with the policy it is about. Lines come from user code, so they are cut. */
function named({ policy }: PolicyQuestion, reason: string): string {
  return `${policy.policy_function}: ${reason}`.slice(0, MAX_REASON);
}
