/**
 * The language the config schemas are written in: tables of fields that the parser, the unknown-key check and
 * docs/config.md all read, so that a field is described once.
 */

/** Steps from the document's root: keys and list positions. */
export type Path = readonly (string | number)[];

/** Ids of the rules of the `parse` layer; the names are those of the recorded conformance cases. */
export type IssueKind =
  | "missing"
  | "unknown_key"
  | "not_an_integer"
  | "fractional_integer"
  | "integer_too_large"
  | "not_a_number"
  | "not_finite"
  | "not_a_string"
  | "not_a_boolean"
  | "not_an_object"
  | "not_an_array"
  | "unknown_enum_value"
  | "below_minimum"
  | "not_above_minimum"
  | "above_maximum"
  | "out_of_range"
  | "max_queued_requests_out_of_range"
  | "num_replicas_not_int_or_auto"
  | "fixed_replicas_with_autoscaling"
  | "external_scaler_with_autoscaling"
  | "duplicate_application_name"
  | "duplicate_route_prefix"
  | "empty_application_name"
  | "host_inside_application"
  | "port_inside_application"
  | "import_path_no_separator"
  | "import_path_many_colons"
  | "import_path_edge_colon"
  | "import_path_edge_dot"
  | "runtime_env_uri_not_remote"
  | "max_replicas_per_node_with_bundles"
  | "max_replicas_per_node_with_gang"
  | "placement_strategy_with_gang"
  | "label_selector_without_bundles"
  | "label_selector_length_mismatch"
  | "not_multiple_of_gang_size"
  | "bad_label_selector"
  | "ssl_cert_and_key_must_pair"
  | "controller_runtime_env_key"
  | "env_vars_not_an_object"
  | "env_vars_empty_key"
  | "env_vars_value_not_a_string"
  | "max_below_min"
  | "initial_below_min"
  | "initial_above_max"
  | "policy_not_importable"
  | "not_supported";

/** One broken rule, before it is turned into a Problem. */
export interface Issue {
  readonly path: Path;
  readonly kind: IssueKind;
  readonly message: string;
}

/** A broken rule without its place: what a field's own rule returns. */
export type Fault = Omit<Issue, "path">;

/**
 * Tells numbers that were written as floats (`2.0`, `1e3`) from the equal whole numbers: two fields accept only
 * the latter. Without marks every whole number counts as written without a point.
 */
export interface FloatMarks {
  has(holder: object, key: string | number): boolean;
}

/** A value with its place in the document. */
export interface Cursor {
  readonly value: unknown;
  readonly path: Path;
  /** Whether the value is a number written as a float. */
  readonly float: boolean;
}

/** Where a raw object stands and which of its numbers were written as floats. */
export interface RawPlace {
  readonly path: Path;
  readonly floatKeys: readonly string[];
}

/** What a field holds. `nullable` allows an explicit null. */
export type Type = { readonly nullable?: boolean } & (
  | { readonly kind: "string" }
  | { readonly kind: "boolean" }
  /** A whole number. `min` and `max` are inclusive, `above` is not. `strict` takes no strings, floats, booleans. */
  | {
      readonly kind: "integer";
      readonly min?: number;
      readonly above?: number;
      readonly max?: number;
      readonly strict?: boolean;
    }
  | {
      readonly kind: "number";
      readonly min?: number;
      readonly above?: number;
      readonly max?: number;
      readonly finite?: boolean;
    }
  /** Text out of a list; `fold` ignores case and yields the listed form. */
  | { readonly kind: "choice"; readonly values: readonly string[]; readonly fold?: boolean }
  /** Any value out of a list, everything else being an unknown one. */
  | { readonly kind: "enum"; readonly values: readonly (string | number)[] }
  /** Any object, kept as it is. `contents` describes what the check layer and the docs expect inside. */
  | { readonly kind: "object"; readonly contents?: Schema }
  /** Any JSON value, kept as it is. */
  | { readonly kind: "any" }
  | { readonly kind: "list"; readonly of: Type }
  | { readonly kind: "map"; readonly of: Type }
  | { readonly kind: "schema"; readonly schema: Schema }
  /** A type of its own; `label` completes "must be …". */
  | {
      readonly kind: "custom";
      readonly label: string;
      readonly parse: (cursor: Cursor) => { readonly value: unknown } | Fault;
    }
);

/** What a change of the field does to running replicas; see docs/config.md. */
export type UpdateClass = "target" | "controller" | "reconfigure" | "restart" | "instance";

/** One field of a schema. */
export interface Field {
  readonly type: Type;
  readonly required?: boolean;
  /** As printed in the docs; absent for required fields and those whose default is "none". */
  readonly default?: unknown;
  /** One sentence for the docs: meaning, unit. */
  readonly doc: string;
  readonly update?: UpdateClass;
  /** Accepted and left out of the result. */
  readonly dropped?: boolean;
  /** Runs on the parsed value when its type was right; `siblings` are the fields parsed before it. */
  readonly rule?: (value: unknown, siblings: Readonly<Record<string, unknown>>) => Fault | undefined;
}

/** An object with known fields, in the order in which problems are reported. */
export interface Schema {
  readonly name: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** What happens to keys that are not fields. */
  readonly unknown: "drop" | "refuse";
  /** Run on the raw object before its fields, which are not looked at when one finds something. */
  readonly before?: readonly ((input: Readonly<Record<string, unknown>>, at: RawPlace) => readonly Issue[])[];
  /** Run on the parsed object when all its fields are right, with the raw one beside it; the first fault ends it. */
  readonly after?: readonly ((
    value: Readonly<Record<string, unknown>>,
    input: Readonly<Record<string, unknown>>,
  ) => Fault | undefined)[];
}

/** A plain object: not null, not a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
