/** Requests whose text begins alike go to one replica, whose cache of prefixes they use. */
import type { PrefixAffinityKwargs } from "../config/request-router.ts";
import type { Clock } from "../core/clock.ts";
import { type PolicyChoice, pickByRanks, type RoutingPolicy } from "./policy.ts";
import { PrefixTree } from "./prefix-tree.ts";
import type { Seeker } from "./replica-set.ts";
import type { Slot } from "./slot.ts";

/** Longer texts are compared this far. */
const MAX_CHARS = 32_768;
/** Characters that are kept however the router is set up: prompts come from clients. */
const MOST_CHARS = 16_777_216;

/**
 * A request goes to the replicas that know most of its text, where that is at least `match_rate_threshold` of it, else to
 * those that know the least text of all. Requests without a text, those for which these replicas have no room, and all
 * while queues differ by more than `imbalanced_threshold` go where the power of two choices sends them.
 */
export class PrefixAffinity implements RoutingPolicy {
  readonly #kwargs: PrefixAffinityKwargs;
  readonly #clock: Clock;
  readonly #tree = new PrefixTree<Slot>();
  readonly #textOf = new WeakMap<Seeker, string>();
  #lookedAtMs = 0;

  constructor(kwargs: PrefixAffinityKwargs, { clock }: { readonly clock: Clock }) {
    this.#kwargs = kwargs;
    this.#clock = clock;
  }

  pick(seeker: Seeker, slots: readonly Slot[], maxOngoing: number, nowMs: number): PolicyChoice {
    const text = this.#text(seeker);
    if (text === "" || this.#imbalanced(slots, nowMs)) return "default";
    const { matched, holders } = this.#tree.match(text, nowMs);
    const known = matched / text.length >= this.#kwargs.match_rate_threshold;
    const rank = known ? slots.filter((slot) => holders.has(slot)) : this.#withLeast(slots);
    const picked = pickByRanks([rank], seeker.avoid, maxOngoing);
    return picked === undefined || picked.park || picked.slot === seeker.avoid ? "default" : picked;
  }

  update(slots: readonly Slot[]): void {
    this.#tree.keep(new Set(slots));
  }

  accepted(seeker: Seeker, slot: Slot): void {
    const text = this.#text(seeker);
    if (text === "" || slot.retired) return;
    const nowMs = this.#clock.monotonic();
    this.#tree.insert(text, slot, nowMs);
    this.#evict(nowMs);
  }

  #evict(nowMs: number): void {
    const { do_eviction: evicts, eviction_threshold_chars: from, eviction_target_chars: to } = this.#kwargs;
    if (nowMs - this.#lookedAtMs < this.#kwargs.eviction_interval_secs * 1_000 && this.#tree.chars < MOST_CHARS) return;
    this.#lookedAtMs = nowMs;
    if (evicts && this.#tree.chars > from) this.#tree.shrink(to);
    else if (this.#tree.chars >= MOST_CHARS) this.#tree.shrink(MOST_CHARS / 2);
  }

  #imbalanced(slots: readonly Slot[], nowMs: number): boolean {
    const { imbalanced_threshold: threshold } = this.#kwargs;
    if (threshold === null) return false;
    const lengths = slots.filter(({ dropped }) => !dropped).map((slot) => slot.queueLength(nowMs));
    return Math.max(...lengths) - Math.min(...lengths) > threshold;
  }

  #withLeast(slots: readonly Slot[]): Slot[] {
    const open = slots.filter(({ dropped }) => !dropped);
    const sizes = open.map((slot) => this.#tree.charsOf(slot));
    const least = Math.min(...sizes);
    return open.filter((_, index) => sizes[index] === least);
  }

  #text(seeker: Seeker): string {
    let text = this.#textOf.get(seeker);
    if (text === undefined) {
      text = textOf(seeker).slice(0, MAX_CHARS);
      this.#textOf.set(seeker, text);
    }
    return text;
  }
}

/** What the request's `prompt` or its `messages` say, of a call's arguments or of a body of JSON; empty: nothing. */
function textOf({ request: { kind, args, body, headers } }: Seeker): string {
  try {
    for (const arg of args ?? []) {
      const text = promptIn(arg);
      if (text !== "") return text;
    }
    if (kind !== "http" || !(body instanceof Uint8Array) || !isJson(headers)) return "";
    return promptIn(JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8")));
  } catch {
    // No JSON, or what cannot be written as text: a bigint, a circle, a getter that throws.
    return "";
  }
}

function isJson(headers: readonly string[]): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === "content-type") return headers[i + 1]!.startsWith("application/json");
  }
  return false;
}

function promptIn(value: unknown): string {
  if (typeof value !== "object" || value === null) return "";
  const { prompt, messages } = value as { readonly prompt?: unknown; readonly messages?: unknown };
  if (typeof prompt === "string") return prompt;
  if (Array.isArray(prompt)) return prompt.filter((part) => typeof part === "string").join("\n");
  if (!Array.isArray(messages)) return "";
  let text = "";
  for (const message of messages as unknown[]) {
    const { role = "", content = "" } = (message ?? {}) as { readonly role?: unknown; readonly content?: unknown };
    text += `${text && "\n"}${String(role)}: ${typeof content === "string" ? content : JSON.stringify(content)}`;
    if (text.length >= MAX_CHARS) break;
  }
  return text;
}
