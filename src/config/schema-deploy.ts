/** The schemas of an application and of the whole document. */
import * as z from "zod";
import { DEFAULT_APPLICATION_NAME, DEFAULT_ROUTE_PREFIX, GRPC_DEFAULTS as G, HTTP_DEFAULTS as H } from "./defaults.ts";
import { show } from "./describe.ts";
import { POLICY_SCHEMA } from "./schema-autoscaling.ts";
import { importPath, LOGGING_SCHEMA, remoteUrisOnly } from "./schema-common.ts";
import { DEPLOYMENT_SCHEMA } from "./schema-deployment.ts";
import {
  anyObject,
  choice,
  customIssue,
  laxBool,
  laxFloat,
  laxInt,
  object,
  optional,
  required,
  rules,
  strictObject,
} from "./schema-fields.ts";
import type { Fault } from "./schema-types.ts";
import { isRecord } from "./schema-types.ts";
import { type ApplicationConfig, COMMAND_IMPORT_PATH, type HttpOptions } from "./types.ts";

type Raw = Readonly<Record<string, unknown>>;

/** Said wherever an external scaler meets autoscaling, whoever finds it. */
export const EXTERNAL_SCALER_CONFLICT =
  "external_scaler_enabled cannot be combined with autoscaling; set fixed num_replicas (and autoscaling_config: null where the code sets one), or switch external_scaler_enabled off";

/** {@link EXTERNAL_SCALER_CONFLICT} about one deployment. */
export function externalScalerConflict(deployment: string): string {
  return `${EXTERNAL_SCALER_CONFLICT} (deployment ${show(deployment)})`;
}

const optionalText = (doc: string) => optional(z.string().nullable(), { doc, default: null, update: "instance" });

/** Said about the certificate beside whatever else is wrong; a key that is wrong itself counts as none. */
function tlsPair(options: HttpOptions, ctx: { readonly issues: z.core.$ZodRawIssue[] }): void {
  const wrong = new Set(ctx.issues.map((issue) => issue.path?.[0]));
  if (!Object.hasOwn(options, "ssl_certfile") || wrong.has("ssl_certfile")) return;
  const key = wrong.has("ssl_keyfile") ? null : options.ssl_keyfile;
  if (Boolean(options.ssl_certfile) === Boolean(key)) return;
  const message = "ssl_certfile and ssl_keyfile go together; give both or neither";
  ctx.issues.push(customIssue(options, { kind: "ssl_cert_and_key_must_pair", message }, ["ssl_certfile"]));
}

/** How HTTP proxies listen. */
export const HTTP_SCHEMA = object("HTTPOptionsSchema", {
  host: optional(z.string(), { doc: "Address to bind.", default: H.host, update: "instance" }),
  port: optional(laxInt(), { doc: "Port to bind.", default: H.port, update: "instance" }),
  root_path: optional(z.string(), {
    doc: "Path prefix that a fronting proxy strips.",
    default: H.root_path,
    update: "instance",
  }),
  request_timeout_s: optional(laxFloat().nullable(), {
    doc: "Seconds a request may take end to end; null is no limit.",
    default: H.request_timeout_s,
    update: "instance",
  }),
  keep_alive_timeout_s: optional(laxInt(), {
    doc: "Seconds an idle connection is kept.",
    default: H.keep_alive_timeout_s,
    update: "instance",
  }),
  ssl_keyfile: optionalText("Path of the TLS key."),
  ssl_certfile: optionalText("Path of the TLS certificate; needs ssl_keyfile."),
  ssl_keyfile_password: optionalText("Password of the TLS key; never sent back."),
  ssl_ca_certs: optionalText("Path of the certificates that client certificates are checked against."),
}).superRefine(tlsPair, { when: ({ value }) => isRecord(value) });

/** How gRPC proxies listen. */
export const GRPC_SCHEMA = object("gRPCOptionsSchema", {
  port: optional(laxInt(), { doc: "Port to bind.", default: G.port, update: "instance" }),
  grpc_servicer_functions: optional(z.array(z.string()), {
    doc: "Import paths of services, as the reference names them.",
    default: G.grpc_servicer_functions,
    update: "instance",
  }),
  request_timeout_s: optional(laxFloat().nullable(), {
    doc: "Seconds a call may take end to end; null is no limit.",
    default: G.request_timeout_s,
    update: "instance",
  }),
  enable_reflection: optional(laxBool(), {
    doc: "Serves reflection.",
    default: G.enable_reflection,
    update: "instance",
  }),
});

function environmentOnly(env: Raw): Fault | undefined {
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
export const CONTROLLER_SCHEMA = strictObject("ControllerOptions", {
  runtime_env: optional(anyObject().superRefine(rules(environmentOnly)), {
    doc: "Holds env_vars only.",
    default: {},
    update: "instance",
  }),
});

/** Tracing of requests. */
export const TRACING_SCHEMA = strictObject("TracingConfig", {
  enabled: optional(laxBool(), { doc: "Switches tracing on.", default: false, update: "instance" }),
  exporter_import_path: optional(z.string(), {
    doc: "Module and export of the exporter.",
    default: "",
    update: "instance",
  }),
  sampling_ratio: optional(
    laxFloat().superRefine(
      rules((value) =>
        value < 0 || value > 1
          ? { kind: "out_of_range", message: `must be a number from 0 to 1, got ${String(value)}` }
          : undefined,
      ),
    ),
    { doc: "Part of the requests that is traced, 0 to 1.", default: 0.01, update: "instance" },
  ),
});

function scalerOrAutoscaling(
  app: Pick<ApplicationConfig, "external_scaler_enabled" | "deployments">,
): Fault | undefined {
  if (app.external_scaler_enabled !== true) return undefined;
  const found = (app.deployments ?? []).find(
    (d) => d.num_replicas === "auto" || (d.autoscaling_config ?? null) !== null,
  );
  if (!found) return undefined;
  return { kind: "external_scaler_with_autoscaling", message: externalScalerConflict(found.name) };
}

/** Who decides how many replicas run. */
export const SCALING_SCHEMA = strictObject("Scaling", {
  owner: optional(choice(["autoscaler", "external", "manual"]), {
    doc: "autoscaler: as `autoscaling_config` says; external: the scale webhook, with `autoscaling_config` as the fallback of its leases; manual: people. Unless given it follows from the other settings.",
    update: "controller",
  }),
  lease_fallback: optional(choice(["hold", "floor", "policy"]), {
    doc: "What becomes of a target when its lease ends: hold keeps it, floor raises it to the configured count (with autoscaling min_replicas), policy goes back to the configured count, or hands over to the autoscaler.",
    default: "hold",
    update: "controller",
  }),
});

function ownerConflict(app: Pick<ApplicationConfig, "external_scaler_enabled" | "scaling">): Fault | undefined {
  const owner = app.scaling?.owner ?? "external";
  if (app.external_scaler_enabled !== true || owner === "external") return undefined;
  const message = `external_scaler_enabled and scaling.owner ${show(owner)} exclude each other; remove external_scaler_enabled, or set the owner to "external"`;
  return { kind: "scaling", message };
}

/** An application of commands needs no import path: it gets the one that says so. */
function withCommandPath(raw: unknown): unknown {
  if (!isRecord(raw) || Object.hasOwn(raw, "import_path") || !Array.isArray(raw.deployments)) return raw;
  const commands = raw.deployments.some((item) => isRecord(item) && Object.hasOwn(item, "command"));
  return commands ? { ...raw, import_path: COMMAND_IMPORT_PATH } : raw;
}

const APPLICATION_FIELDS = object("ServeApplicationSchema", {
  name: optional(z.string(), {
    doc: "Unique in the instance; any characters but `/` and control characters.",
    default: DEFAULT_APPLICATION_NAME,
  }),
  route_prefix: optional(z.string().nullable(), {
    doc: "Path prefix under which the ingress is reached; null keeps the application off HTTP.",
    default: DEFAULT_ROUTE_PREFIX,
    update: "reconfigure",
  }),
  import_path: required(z.string().superRefine(rules(importPath)), {
    doc: "Module and export that hold the application, `./app.ts:app`.",
    update: "restart",
  }),
  runtime_env: optional(anyObject().superRefine(rules(remoteUrisOnly)), {
    doc: "Environment of the application's processes: `env_vars`, and `working_dir`, the URI of a zip that holds its code (working-dir.md).",
    default: {},
    update: "restart",
  }),
  host: optional(z.string(), { doc: "Refused: set http_options.host.", hidden: true }),
  port: optional(laxInt(), { doc: "Refused: set http_options.port.", hidden: true }),
  deployments: optional(z.array(DEPLOYMENT_SCHEMA), { doc: "Overrides for deployments, by name.", default: [] }),
  autoscaling_policy: optional(anyObject(POLICY_SCHEMA).nullable(), {
    doc: "A scaling policy for the application as a whole.",
    default: null,
    update: "restart",
  }),
  autoscaling_shadow: optional(anyObject(POLICY_SCHEMA).nullable(), {
    doc: "A scaling policy for the application as a whole that is asked and recorded but never followed (autoscaling-policies.md).",
    default: null,
    update: "target",
  }),
  args: optional(anyObject(), { doc: "Passed to the application's builder function.", default: {}, update: "restart" }),
  logging_config: optional(LOGGING_SCHEMA.nullable(), {
    doc: "Logging of the application; the instance's unless given.",
    default: null,
    update: "reconfigure",
  }),
  external_scaler_enabled: optional(laxBool(), {
    doc: "Lets the scale webhook set targets; excludes autoscaling.",
    default: false,
    update: "target",
  }),
  scaling: optional(SCALING_SCHEMA.clone(), { doc: "Who decides how many replicas run." }),
}).superRefine(rules(scalerOrAutoscaling, ownerConflict));

/** One application. */
export const APPLICATION_SCHEMA = z.preprocess(withCommandPath, APPLICATION_FIELDS);

function applicationList(
  apps: readonly { readonly name?: string; readonly route_prefix?: string | null }[],
): Fault | undefined {
  const names = apps.map((app) => app.name ?? DEFAULT_APPLICATION_NAME);
  const repeated = names.findIndex((item, index) => names.indexOf(item) !== index);
  if (repeated >= 0) {
    const message = `two applications are named ${show(names[repeated])}; rename one`;
    return { kind: "duplicate_application_name", message, at: [repeated, "name"] };
  }
  const routes = apps.map((app) => (app.route_prefix === undefined ? DEFAULT_ROUTE_PREFIX : app.route_prefix));
  const clash = routes.findIndex((item, index) => item !== null && routes.indexOf(item) !== index);
  if (clash >= 0) {
    const route = show(routes[clash]);
    const message = `two applications have route_prefix ${route} ("/" unless given); change one, or set null`;
    return { kind: "duplicate_route_prefix", message, at: [clash, "route_prefix"] };
  }
  const unnamed = names.indexOf("");
  if (unnamed < 0) return undefined;
  const message = "an application's name is empty; name it";
  return { kind: "empty_application_name", message, at: [unnamed, "name"] };
}

function proxyOptionsInside({ applications }: { readonly applications: readonly object[] }): Fault | undefined {
  for (const [index, app] of applications.entries()) {
    for (const key of ["host", "port"] as const) {
      if (!Object.hasOwn(app, key)) continue;
      const message = `applications[${index}].${key} is not allowed here; set http_options.${key}`;
      return { kind: `${key}_inside_application`, message, at: ["applications", index, key] };
    }
  }
  return undefined;
}

/** The whole document: the body of PUT /api/serve/applications/. */
export const DEPLOY_SCHEMA = object("ServeDeploySchema", {
  proxy_location: optional(z.enum(["Disabled", "HeadOnly", "EveryNode"]), {
    doc: "Where proxies run.",
    default: "EveryNode",
    update: "instance",
  }),
  http_options: optional(HTTP_SCHEMA, { doc: "How HTTP proxies listen.", update: "instance" }),
  grpc_options: optional(GRPC_SCHEMA, { doc: "How gRPC proxies listen.", update: "instance" }),
  controller_options: optional(CONTROLLER_SCHEMA.nullable(), {
    doc: "Environment of the controller.",
    default: null,
    update: "instance",
  }),
  logging_config: optional(LOGGING_SCHEMA.nullable(), {
    doc: "Logging of applications that set none.",
    default: null,
    update: "reconfigure",
  }),
  tracing_config: optional(TRACING_SCHEMA.nullable(), {
    doc: "Tracing of requests.",
    default: null,
    update: "instance",
  }),
  applications: required(z.array(APPLICATION_SCHEMA).superRefine(rules(applicationList)), {
    doc: "Every declarative application; one that is absent is deleted.",
  }),
  target_capacity: optional(laxFloat({ min: 0, max: 100 }).nullable(), {
    doc: "Percent applied to replica counts; null is 100.",
    default: null,
    update: "target",
  }),
}).superRefine(rules(proxyOptionsInside));
