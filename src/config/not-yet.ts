/** Fields that are accepted but not acted on: one line each, removed with the change that acts on them. */

const NO_SERVICERS = "is not needed: nothing is registered for a service to be served";

/** Patterns of paths from the document's root (`*` is any key but env_vars) and what the warning says. */
export const NOT_YET_DOCUMENT: Readonly<Record<string, string>> = {
  "grpc_options.grpc_servicer_functions": NO_SERVICERS,
};

/** The same for paths inside one application. */
export const NOT_YET_APPLICATION: Readonly<Record<string, string>> = {};

/** Keys of schemas that we know, but that are not read, by schema name: what to do instead. */
export const KNOWN_STRANGERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ServeDeploySchema: {
    start: "belongs to the file given to `windlass start` and is not read here",
    import_path: "stands inside applications[]",
  },
  DeploymentSchema: {
    version: "was removed by the reference",
    route_prefix: "was moved by the reference to the application",
    is_driver_deployment: "was removed by the reference",
    max_concurrent_queries: "was renamed by the reference to max_ongoing_requests",
    max_constructor_retry_count: "can be set in code only",
    placement_group_fallback_strategy: "can be set in code only",
  },
  HTTPOptionsSchema: {
    middlewares: "was removed by the reference",
    num_cpus: "was removed by the reference",
    location: "was replaced by proxy_location",
    root_url: "is not read",
  },
  AutoscalingConfig: {
    target_num_ongoing_requests_per_replica: "was renamed by the reference to target_ongoing_requests",
  },
};
