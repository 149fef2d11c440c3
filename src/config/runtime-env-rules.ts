/** What of a `runtime_env` is acted on, and what is refused instead of being passed over in silence. */
import { withoutSecrets } from "../core/uri.ts";
import { show } from "./describe.ts";
import { isRecord, type Path } from "./schema-types.ts";
import { suggestKey } from "./suggest.ts";
import { type ApplicationConfig, COMMAND_IMPORT_PATH } from "./types.ts";

/** One finding, with its path from the `runtime_env`, or from the application. */
export interface EnvFinding {
  readonly steps: Path;
  /** Whether the config is refused; else it is a warning. */
  readonly refused: boolean;
  readonly message: string;
}

const BESIDE = "install packages with npm beside the application, or put node_modules into the working_dir zip";
const COMMAND = "run other languages as a deployment with a command, which brings its own environment";

/** Keys of the reference that would change what a replica runs: what to do instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  pip: `${COMMAND}; for Node.js ${BESIDE}`,
  uv: `${COMMAND}; for Node.js ${BESIDE}`,
  conda: `${COMMAND}; for Node.js ${BESIDE}`,
  py_modules: `${COMMAND}; for Node.js ${BESIDE}`,
  py_executable: COMMAND,
  java_jars: COMMAND,
  container: "start the container's program as a deployment with a command",
  image_uri: "start the image's program as a deployment with a command",
  worker_process_setup_hook: "do it at the top level of the application's module",
  mpi: "start the program as a deployment with a command",
  nsight: "start the profiler as a deployment with a command",
  rocprof_sys: "start the profiler as a deployment with a command",
};

/** Keys of the reference that can be passed over without a different outcome. */
const HARMLESS = ["config", "excludes", "_ray_release", "_ray_commit", "_inject_current_ray"];
const KNOWN = ["env_vars", "working_dir", ...Object.keys(INSTEAD), ...HARMLESS];

/** What is wrong with one `runtime_env` by itself. Empty values ask for nothing. */
export function runtimeEnvFindings(env: Readonly<Record<string, unknown>>): EnvFinding[] {
  return Object.entries(env).flatMap(([key, value]): EnvFinding[] => {
    if (key === "env_vars" || isEmpty(value)) return [];
    const finding = (refused: boolean, message: string): EnvFinding[] => [{ steps: [key], refused, message }];
    if (key === "working_dir") {
      const message = workingDirProblem(value);
      return message === undefined ? [] : finding(true, message);
    }
    const instead = Object.hasOwn(INSTEAD, key) ? INSTEAD[key] : undefined;
    if (instead !== undefined) return finding(true, `is not supported: ${instead}`);
    if (HARMLESS.includes(key)) return finding(false, "has no effect");
    const meant = suggestKey(key, KNOWN);
    if (meant !== undefined) return finding(true, `is not a known key; did you mean ${meant}?`);
    return finding(false, "is not a known key and has no effect");
  });
}

/** The findings of an application and its deployments, whose code comes from the application's folder. */
export function applicationEnvFindings(app: ApplicationConfig): EnvFinding[] {
  const findings = runtimeEnvFindings(app.runtime_env ?? {}).map((found) => under(found, ["runtime_env"]));
  for (const [index, deployment] of (app.deployments ?? []).entries()) {
    const env = deployment.ray_actor_options?.runtime_env;
    if (!isRecord(env)) continue;
    const path = ["deployments", index, "ray_actor_options", "runtime_env"];
    const own = runtimeEnvFindings(env);
    const other = app.import_path === COMMAND_IMPORT_PATH ? undefined : otherFolder(env, app.runtime_env);
    if (other !== undefined && own.every(({ steps }) => steps[0] !== "working_dir")) {
      own.push({ steps: ["working_dir"], refused: true, message: other });
    }
    findings.push(...own.map((found) => under(found, path)));
  }
  return findings;
}

/** Why the deployment of code cannot have this `runtime_env` over the application's; undefined when it can. */
export function otherFolder(
  deployment: Readonly<Record<string, unknown>>,
  application: Readonly<Record<string, unknown>> | undefined,
): string | undefined {
  const own = deployment.working_dir ?? null;
  if (own === null || own === (application?.working_dir ?? null)) return undefined;
  return `differs from the application's: all code of an application is built from one folder; set ${show("working_dir")} in the application's runtime_env only`;
}

/** http and https with a host, file with an absolute path; the shape is strict so that secrets in it are found. */
const FETCHED = /^\s*(?:https?:\/\/[^\s\\/?#]+(?:[/?#][^\s\\]*)?|file:\/\/\/[^\s\\?#]+)\s*$/i;

function workingDirProblem(value: unknown): string | undefined {
  if (typeof value === "string" && FETCHED.test(value) && URL.canParse(value)) return undefined;
  if (typeof value !== "string") return `must be the URI of a zip, got ${show(value)}`;
  const advice = "write the http://, https:// or file:///absolute/path URI of a zip";
  if (/^\s*(?:https?|file):/i.test(value)) return `is not a URI that can be fetched: ${advice}`;
  return `cannot be fetched from ${show(withoutSecrets(value))}: ${advice}`;
}

function isEmpty(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    (Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0)
  );
}

function under(found: EnvFinding, path: Path): EnvFinding {
  return { ...found, steps: [...path, ...found.steps] };
}
