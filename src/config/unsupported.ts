/**
 * Settings of the reference that this version cannot keep: they are refused, each with what to do instead, since
 * leaving them out silently would promise what nobody keeps.
 */
import type { Problem } from "../core/errors.ts";
import { formatPath } from "./describe.ts";
import type { Path } from "./schema-types.ts";
import { select, valueAt } from "./select.ts";
import { tlsOf } from "./tls-options.ts";
import type { HttpOptions } from "./types.ts";

/** One setting that is refused. */
interface Unsupported {
  /** See {@link select}. */
  readonly pattern: string;
  readonly rule: UnsupportedRule;
  /** Follows the path; undefined where this value can be kept. */
  readonly says: (value: unknown, around: unknown) => string | undefined;
}

/** Ids of the rules with what each refuses. */
export const UNSUPPORTED_RULES = {
  tls: "ssl_ca_certs or ssl_keyfile_password without ssl_certfile and ssl_keyfile: serving plain HTTP where TLS was asked for would be dangerous. A running instance whose proxies speak plain HTTP, or ask for no client certificates, refuses a config that wants them, for the same reason.",
  tracing: "tracing_config.enabled.",
  "controller-environment": "Variables in controller_options: the controller runs before a config is read.",
  "deployment-actors": "deployment_actors.",
  gang: "gang_scheduling_config.",
  "node-labels":
    "accelerator_type, label_selector, fallback_strategy and placement_group_bundle_label_selector: one machine has no labels to choose by.",
  "one-machine": "placement_group_strategy STRICT_SPREAD with several bundles.",
} as const;

/** A key of {@link UNSUPPORTED_RULES}. */
export type UnsupportedRule = keyof typeof UNSUPPORTED_RULES;

const always = (text: string) => (): string => text;

function withoutCertificate(_value: unknown, around: unknown): string | undefined {
  const { http_options: http } = around as { readonly http_options?: HttpOptions };
  if (tlsOf(http ?? {}) !== null) return undefined;
  return "is set, but there is no TLS without ssl_certfile and ssl_keyfile; give both, or remove it";
}

const NO_LABELS = always("is set, but the one machine that replicas run on has no labels; remove it");

const IN_DOCUMENT: readonly Unsupported[] = [
  ...["ssl_keyfile_password", "ssl_ca_certs"].map(
    (key) => ({ pattern: `http_options.${key}`, rule: "tls", says: withoutCertificate }) as const,
  ),
  {
    pattern: "tracing_config.enabled",
    rule: "tracing",
    says: (value) =>
      value === true ? "is true, but requests are not traced; remove it or set it to false" : undefined,
  },
  {
    pattern: "controller_options.runtime_env.env_vars",
    rule: "controller-environment",
    says: always("cannot reach the controller, which already runs; set the variables for `windlass start` instead"),
  },
];

/** In an override, and in options set in code. */
const IN_DEPLOYMENT: readonly Unsupported[] = [
  {
    pattern: "deployment_actors",
    rule: "deployment-actors",
    says: always(
      "is not part of this version; remove it and let the replicas call a deployment of one replica instead",
    ),
  },
  {
    pattern: "gang_scheduling_config",
    rule: "gang",
    says: always("is not part of this version: replicas start and fail one by one; remove it"),
  },
  {
    pattern: "ray_actor_options.accelerator_type",
    rule: "node-labels",
    says: always("is set, but kinds of accelerators are not told apart; remove it and ask for num_gpus"),
  },
  { pattern: "ray_actor_options.label_selector", rule: "node-labels", says: NO_LABELS },
  { pattern: "ray_actor_options.fallback_strategy", rule: "node-labels", says: NO_LABELS },
  { pattern: "placement_group_bundle_label_selector", rule: "node-labels", says: NO_LABELS },
  { pattern: "placement_group_strategy", rule: "one-machine", says: needsNodes },
];

function needsNodes(strategy: unknown, around: unknown): string | undefined {
  const bundles = (around as { placement_group_bundles?: unknown[] }).placement_group_bundles ?? [];
  if (strategy !== "STRICT_SPREAD" || bundles.length < 2) return undefined;
  return `is STRICT_SPREAD for ${bundles.length} bundles, but replicas run on one machine; use SPREAD or PACK`;
}

/** A setting that is refused, with its place. */
export interface Refusal {
  readonly rule: UnsupportedRule;
  readonly path: Path;
  readonly message: string;
}

/** What a document sets for the whole instance that cannot be kept. */
export function unsupportedInDocument(config: object): Refusal[] {
  return find(IN_DOCUMENT, config);
}

/** What a deployment's override, or its options in code, set that cannot be kept; paths start from it. */
export function unsupportedInDeployment(options: object): Refusal[] {
  return find(IN_DEPLOYMENT, options);
}

/** The same as problems. */
export function unsupportedProblems(options: object): Problem[] {
  return unsupportedInDeployment(options).map(({ path, message }) => ({ path: formatPath(path), message }));
}

function find(table: readonly Unsupported[], config: object): Refusal[] {
  return table.flatMap(({ pattern, rule, says }) =>
    select(config, pattern).flatMap((path) => {
      const message = says(valueAt(config, path), config);
      return message === undefined ? [] : [{ rule, path, message }];
    }),
  );
}
