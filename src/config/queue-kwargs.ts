/** The arguments of the built-in policy `windlass:queue`, which the reference has under a name of its own. */
import * as z from "zod";
import type { ReadKwargs } from "./policy-kwargs.ts";
import { readBy } from "./read.ts";
import { laxFloat, optional, required, rules, strictObject } from "./schema-fields.ts";
import type { Fault } from "./schema-types.ts";

/** Arguments of `windlass:queue` with their defaults. */
export interface QueueKwargs {
  /** May hold a password, as may `rabbitmq_management_url`. */
  readonly broker_url: string;
  readonly queue_name: string;
  /** Given for RabbitMQ; null for Redis. */
  readonly rabbitmq_management_url: string | null;
  /** Seconds from the start of one poll to the start of the next. */
  readonly poll_interval_s: number;
}

/** The arguments whose value is a URL that may hold a password. */
export const QUEUE_SECRETS = ["broker_url", "rabbitmq_management_url"] as const;

const REDIS = ["redis:", "rediss:"];
const RABBITMQ = ["amqp:", "amqps:", "pyamqp:", "pyamqps:"];

const fault = (message: string): Fault => ({ kind: "policy_not_importable", message });
/** White space and backslashes would hide from redaction where a password ends. */
const WELL_FORMED = /^[a-z]+:\/\/[^\s\\]+$/i;

/** Whether a broker's URL is one of Redis; else it is one of RabbitMQ. */
export function isRedis(brokerUrl: string): boolean {
  return REDIS.includes(URL.parse(brokerUrl)?.protocol ?? "");
}

/** Values are never shown: what is wrong with one may be its password. */
function urlOf(schemes: readonly string[], whose: string): (text: string) => Fault | undefined {
  const forms = schemes.map((scheme) => `${scheme}//`).join(", ");
  return (text) => {
    const url = WELL_FORMED.test(text) ? URL.parse(text) : null;
    if (url === null || url.hostname === "" || !schemes.includes(url.protocol)) {
      return fault(
        `must be the URL of ${whose} with a host (${forms}); write /, #, ? and the like in a password as %2F, %23, %3F`,
      );
    }
    if ([url.username, url.password].every(decodes)) return undefined;
    return fault("holds a % in its user or password that stands for nothing; write it as %25");
  };
}

function decodes(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function redisDatabase(text: string): Fault | undefined {
  if (!isRedis(text) || /^\/?\d*$/.test(new URL(text).pathname)) return undefined;
  return fault("must end in the number of a database, such as redis://host:6379/0");
}

interface Given {
  readonly broker_url: string;
  readonly rabbitmq_management_url?: string | null;
}

function managed({ broker_url, rabbitmq_management_url: management }: Given): Fault | undefined {
  if (isRedis(broker_url) || typeof management === "string") return undefined;
  return fault(
    "must have rabbitmq_management_url for a RabbitMQ broker, as its management plugin tells the length; write e.g. http://localhost:15672",
  );
}

const SCHEMA = strictObject("windlass:queue", {
  broker_url: required(
    z.string().superRefine(rules(urlOf([...REDIS, ...RABBITMQ], "a Redis or RabbitMQ broker"), redisDatabase)),
    { doc: "Of the broker." },
  ),
  queue_name: required(z.string().min(1), { doc: "Whose messages are counted." }),
  rabbitmq_management_url: optional(
    z
      .string()
      .superRefine(rules(urlOf(["http:", "https:"], "RabbitMQ's management API")))
      .nullable(),
    { doc: "For RabbitMQ only." },
  ),
  poll_interval_s: optional(laxFloat({ above: 0, finite: true }), { doc: "Seconds between polls.", default: 10 }),
}).superRefine(rules(managed));

/** Reads the arguments of `windlass:queue`. Problems never show a URL. */
export function readQueueKwargs(input: unknown): ReadKwargs<QueueKwargs> {
  const read = readBy(SCHEMA, input);
  if (!read.ok) return read;
  return { ok: true, kwargs: { rabbitmq_management_url: null, poll_interval_s: 10, ...read.value } };
}
