/** The schemas of an application and of the whole document. */
import { DEFAULT_APPLICATION_NAME, DEFAULT_ROUTE_PREFIX, GRPC_DEFAULTS as G, HTTP_DEFAULTS as H } from "./defaults.ts";
import { show } from "./describe.ts";
import { POLICY_SCHEMA } from "./schema-autoscaling.ts";
import { importPath, LOGGING_SCHEMA, OBJECT, remoteUrisOnly } from "./schema-common.ts";
import { DEPLOYMENT_SCHEMA } from "./schema-deployment.ts";
import type { Fault, Field, Schema } from "./schema-types.ts";
import { isRecord } from "./schema-types.ts";

type Raw = Readonly<Record<string, unknown>>;

/** Said wherever an external scaler meets autoscaling, whoever finds it. */
export const EXTERNAL_SCALER_CONFLICT =
  "external_scaler_enabled cannot be combined with autoscaling; set fixed num_replicas (and autoscaling_config: null where the code sets one), or switch external_scaler_enabled off";

const optionalText = (doc: string): Field => ({
  type: { kind: "string", nullable: true },
  default: null,
  doc,
  update: "instance",
});

const tlsPair: NonNullable<Field["rule"]> = (value, siblings) =>
  Boolean(value) === Boolean(siblings.ssl_keyfile)
    ? undefined
    : { kind: "ssl_cert_and_key_must_pair", message: "ssl_certfile and ssl_keyfile go together; give both or neither" };

/** How HTTP proxies listen. */
export const HTTP_SCHEMA: Schema = {
  name: "HTTPOptionsSchema",
  unknown: "drop",
  fields: {
    host: { type: { kind: "string" }, default: H.host, doc: "Address to bind.", update: "instance" },
    port: { type: { kind: "integer" }, default: H.port, doc: "Port to bind.", update: "instance" },
    root_path: {
      type: { kind: "string" },
      default: H.root_path,
      doc: "Path prefix that a fronting proxy strips.",
      update: "instance",
    },
    request_timeout_s: {
      type: { kind: "number", nullable: true },
      default: H.request_timeout_s,
      doc: "Seconds a request may take end to end; null is no limit.",
      update: "instance",
    },
    keep_alive_timeout_s: {
      type: { kind: "integer" },
      default: H.keep_alive_timeout_s,
      doc: "Seconds an idle connection is kept.",
      update: "instance",
    },
    ssl_keyfile: optionalText("Path of the TLS key."),
    ssl_certfile: { ...optionalText("Path of the TLS certificate; needs ssl_keyfile."), rule: tlsPair },
    ssl_keyfile_password: optionalText("Password of the TLS key; never sent back."),
    ssl_ca_certs: optionalText("Path of the certificates that client certificates are checked against."),
  },
};

/** How gRPC proxies listen. */
export const GRPC_SCHEMA: Schema = {
  name: "gRPCOptionsSchema",
  unknown: "drop",
  fields: {
    port: { type: { kind: "integer" }, default: G.port, doc: "Port to bind.", update: "instance" },
    grpc_servicer_functions: {
      type: { kind: "list", of: { kind: "string" } },
      default: G.grpc_servicer_functions,
      doc: "Import paths of services, as the reference names them.",
      update: "instance",
    },
    request_timeout_s: {
      type: { kind: "number", nullable: true },
      default: G.request_timeout_s,
      doc: "Seconds a call may take end to end; null is no limit.",
      update: "instance",
    },
    enable_reflection: {
      type: { kind: "boolean" },
      default: G.enable_reflection,
      doc: "Serves reflection.",
      update: "instance",
    },
  },
};

function environmentOnly(value: unknown): Fault | undefined {
  const env = value as Raw;
  const other = Object.keys(env).find((key) => key !== "env_vars");
  if (other !== undefined) {
    return { kind: "controller_runtime_env_key", message: `may hold env_vars only, got ${show(other)}; remove it` };
  }
  if (!Object.hasOwn(env, "env_vars")) return undefined;
  const vars = env.env_vars;
  if (!isRecord(vars)) return { kind: "env_vars_not_an_object", message: "env_vars must be an object of text values" };
  for (const [key, text] of Object.entries(vars)) {
    if (key === "") return { kind: "env_vars_empty_key", message: "env_vars has an empty name; remove it" };
    if (typeof text === "string") continue;
    return { kind: "env_vars_value_not_a_string", message: `env_vars.${key} must be text; put it in quotes` };
  }
  return undefined;
}

/** Environment of the controller. */
export const CONTROLLER_SCHEMA: Schema = {
  name: "ControllerOptions",
  unknown: "refuse",
  fields: {
    runtime_env: { type: OBJECT, rule: environmentOnly, default: {}, doc: "Holds env_vars only.", update: "instance" },
  },
};

/** Tracing of requests. */
export const TRACING_SCHEMA: Schema = {
  name: "TracingConfig",
  unknown: "refuse",
  fields: {
    enabled: { type: { kind: "boolean" }, default: false, doc: "Switches tracing on.", update: "instance" },
    exporter_import_path: {
      type: { kind: "string" },
      default: "",
      doc: "Module and export of the exporter.",
      update: "instance",
    },
    sampling_ratio: {
      type: { kind: "number" },
      default: 0.01,
      doc: "Part of the requests that is traced, 0 to 1.",
      update: "instance",
      rule: (value) =>
        (value as number) < 0 || (value as number) > 1
          ? { kind: "out_of_range", message: `must be a number from 0 to 1, got ${String(value)}` }
          : undefined,
    },
  },
};

function scalerOrAutoscaling(app: Raw): Fault | undefined {
  if (app.external_scaler_enabled !== true) return undefined;
  const listed = (app.deployments ?? []) as Raw[];
  const found = listed.find((d) => d.num_replicas === "auto" || (d.autoscaling_config ?? null) !== null);
  if (!found) return undefined;
  return {
    kind: "external_scaler_with_autoscaling",
    message: `${EXTERNAL_SCALER_CONFLICT} (deployment ${show(found.name)})`,
  };
}

/** One application. */
export const APPLICATION_SCHEMA: Schema = {
  name: "ServeApplicationSchema",
  unknown: "drop",
  after: [scalerOrAutoscaling],
  fields: {
    name: {
      type: { kind: "string" },
      default: DEFAULT_APPLICATION_NAME,
      doc: "Unique in the instance; any characters but `/` and control characters.",
    },
    route_prefix: {
      type: { kind: "string", nullable: true },
      default: DEFAULT_ROUTE_PREFIX,
      doc: "Path prefix under which the ingress is reached; null keeps the application off HTTP.",
      update: "reconfigure",
    },
    import_path: {
      type: { kind: "string" },
      required: true,
      rule: importPath,
      doc: "Module and export that hold the application, `./app.ts:app`.",
      update: "restart",
    },
    runtime_env: {
      type: OBJECT,
      rule: remoteUrisOnly,
      default: {},
      doc: "Environment of the application's processes: `env_vars`.",
      update: "restart",
    },
    host: { type: { kind: "string" }, dropped: true, doc: "Refused: set http_options.host." },
    port: { type: { kind: "integer" }, dropped: true, doc: "Refused: set http_options.port." },
    deployments: {
      type: { kind: "list", of: { kind: "schema", schema: DEPLOYMENT_SCHEMA } },
      default: [],
      doc: "Overrides for deployments, by name.",
    },
    autoscaling_policy: {
      type: { kind: "object", contents: POLICY_SCHEMA, nullable: true },
      default: null,
      doc: "A scaling policy for the application as a whole.",
      update: "restart",
    },
    args: { type: OBJECT, default: {}, doc: "Passed to the application's builder function.", update: "restart" },
    logging_config: {
      type: { kind: "schema", schema: LOGGING_SCHEMA, nullable: true },
      default: null,
      doc: "Logging of the application; the instance's unless given.",
      update: "reconfigure",
    },
    external_scaler_enabled: {
      type: { kind: "boolean" },
      default: false,
      doc: "Lets the scale webhook set targets; excludes autoscaling.",
      update: "target",
    },
  },
};

function applicationList(value: unknown): Fault | undefined {
  const apps = value as { name?: string; route_prefix?: string | null }[];
  const names = apps.map((app) => app.name ?? DEFAULT_APPLICATION_NAME);
  const name = names.find((item, index) => names.indexOf(item) !== index);
  if (name !== undefined) {
    return { kind: "duplicate_application_name", message: `two applications are named ${show(name)}; rename one` };
  }
  const routes = apps
    .map((app) => (app.route_prefix === undefined ? DEFAULT_ROUTE_PREFIX : app.route_prefix))
    .filter((route) => route !== null);
  const route = routes.find((item, index) => routes.indexOf(item) !== index);
  if (route !== undefined) {
    const message = `two applications have route_prefix ${show(route)} ("/" unless given); change one, or set null`;
    return { kind: "duplicate_route_prefix", message };
  }
  if (names.includes("")) return { kind: "empty_application_name", message: "an application's name is empty; name it" };
  return undefined;
}

function proxyOptionsInside(_: Raw, input: Raw): Fault | undefined {
  for (const [index, app] of (input.applications as Raw[]).entries()) {
    for (const key of ["host", "port"] as const) {
      if (!Object.hasOwn(app, key)) continue;
      const message = `applications[${index}].${key} is not allowed here; set http_options.${key}`;
      return { kind: `${key}_inside_application`, message };
    }
  }
  return undefined;
}

/** The whole document: the body of PUT /api/serve/applications/. */
export const DEPLOY_SCHEMA: Schema = {
  name: "ServeDeploySchema",
  unknown: "drop",
  after: [proxyOptionsInside],
  fields: {
    proxy_location: {
      type: { kind: "enum", values: ["Disabled", "HeadOnly", "EveryNode"] },
      default: "EveryNode",
      doc: "Where proxies run.",
      update: "instance",
    },
    http_options: {
      type: { kind: "schema", schema: HTTP_SCHEMA },
      doc: "How HTTP proxies listen.",
      update: "instance",
    },
    grpc_options: {
      type: { kind: "schema", schema: GRPC_SCHEMA },
      doc: "How gRPC proxies listen.",
      update: "instance",
    },
    controller_options: {
      type: { kind: "schema", schema: CONTROLLER_SCHEMA, nullable: true },
      default: null,
      doc: "Environment of the controller.",
      update: "instance",
    },
    logging_config: {
      type: { kind: "schema", schema: LOGGING_SCHEMA, nullable: true },
      default: null,
      doc: "Logging of applications that set none.",
      update: "reconfigure",
    },
    tracing_config: {
      type: { kind: "schema", schema: TRACING_SCHEMA, nullable: true },
      default: null,
      doc: "Tracing of requests.",
      update: "instance",
    },
    applications: {
      type: { kind: "list", of: { kind: "schema", schema: APPLICATION_SCHEMA } },
      required: true,
      rule: applicationList,
      doc: "Every declarative application; one that is absent is deleted.",
    },
    target_capacity: {
      type: { kind: "number", min: 0, max: 100, nullable: true },
      default: null,
      doc: "Percent applied to replica counts; null is 100.",
      update: "target",
    },
  },
};
