/** Words that the schemas, the rules and the checks share: paths, issues and the ids of their rules. */

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
  | "not_supported"
  // Ours: fields that the reference does not have.
  | "rollout"
  | "scaling";

/** One broken rule, before it is turned into a Problem. */
export interface Issue {
  readonly path: Path;
  readonly kind: IssueKind;
  readonly message: string;
  /** Steps on from the path to the place in a file that is to be changed; default: the path's own. */
  readonly at?: Path;
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

/** What a change of the field does to running replicas; see docs/config.md. */
export type UpdateClass = "target" | "controller" | "reconfigure" | "restart" | "instance";

/** A plain object: not null, not a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
