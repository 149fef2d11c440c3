/** What files ask for, application by application. Pure. */
import { validateDeployConfig } from "../../config/check.ts";
import { type ConfigDocument, readConfigDocuments } from "../../config/document.ts";
import type { ApplicationConfig, DeployConfig } from "../../config/types.ts";
import type { Problem } from "../../core/errors.ts";
import type { SourceFile } from "./files.ts";

/** One application that a file names. */
export interface DesiredApplication {
  readonly name: string;
  readonly config: ApplicationConfig;
  /** Absolute folder that relative import paths start from. */
  readonly baseDir: string;
  /** The file, as messages name it. */
  readonly file: string;
  /** A problem, whose path starts from the application, with its place in the file. */
  describe(problem: Problem): string;
  /** The place of a path that starts from the application: `shop.yaml:3:5`. */
  placeOf(path: string): string;
}

/** What the files ask for. */
export type Desired =
  | { readonly ok: true; readonly applications: readonly DesiredApplication[]; readonly warnings: readonly string[] }
  /** One line each, with file and line. */
  | { readonly ok: false; readonly problems: readonly string[] };

type ReadDocument = ConfigDocument & { readonly ok: true };

/** Reads and checks all documents of all files. Nothing is desired where anything is wrong. */
export function desiredOf(files: readonly SourceFile[]): Desired {
  const problems: string[] = [];
  const warnings: string[] = [];
  const applications: DesiredApplication[] = [];
  for (const file of files) {
    for (const document of readConfigDocuments(file.text, file.shown)) {
      if (!document.ok) {
        problems.push(...document.problems);
        continue;
      }
      const shape = shapeOf(document);
      if (shape.kind === "unknown") problems.push(shape.problem);
      else if (shape.kind === "foreign") warnings.push(shape.warning);
      else takeIn(file, document, shape.kind);
    }
  }
  problems.push(...clashes(applications));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, applications, warnings };

  function takeIn(file: SourceFile, document: ReadDocument, kind: "config" | "application"): void {
    const input = kind === "config" ? document.data : { applications: [document.data] };
    const checked = validateDeployConfig(input, { floats: document.floats });
    const placed = placing(document, kind);
    if (!checked.ok) {
      problems.push(...checked.problems.map(placed));
      return;
    }
    // The server says those of applications, with what it knows of their code.
    const ofDocument = checked.warnings.filter((text) => !text.startsWith("applications["));
    warnings.push(...ofDocument.map((text) => `${file.shown}: ${text}`));
    warnings.push(...unusedFields(document, checked.config));
    for (const [index, config] of checked.config.applications.entries()) {
      const whole = (path: string): string =>
        `applications[${index}]${path === "" || path.startsWith("[") ? "" : "."}${path}`;
      applications.push({
        name: config.name ?? "default",
        config: withLogging(config, checked.config),
        baseDir: file.baseDir,
        file: file.shown,
        describe: ({ path, message }) => placed({ path: whole(path), message }),
        placeOf: (path) => document.placeOf(kind === "config" ? whole(path) : path),
      });
    }
  }
}

type Shape =
  | { readonly kind: "config" }
  | { readonly kind: "application" }
  /** Says itself that it is something else's. */
  | { readonly kind: "foreign"; readonly warning: string }
  | { readonly kind: "unknown"; readonly problem: string };

/** A typo in `applications` must not read as a file that names none: what names none may be deleted. */
function shapeOf({ data, placeOf }: ReadDocument): Shape {
  if ("applications" in data) return { kind: "config" };
  if ("import_path" in data || "deployments" in data) return { kind: "application" };
  const { apiVersion, kind } = data;
  const where = placeOf("");
  if (typeof apiVersion === "string" && typeof kind === "string") {
    return { kind: "foreign", warning: `${where}: left out, it is a ${kind} of ${apiVersion}` };
  }
  const keys = Object.keys(data).slice(0, 3).join(", ") || "nothing";
  const problem = `${where}: is no config: it has ${keys}, and neither applications nor, for one application, import_path or deployments; mend it, or leave it out with --exclude`;
  return { kind: "unknown", problem };
}

/** Problems with their place; paths of a document that is one application start from it. */
function placing({ describe }: ReadDocument, kind: "config" | "application") {
  type Placed = Parameters<typeof describe>[0];
  return (problem: Placed): string => {
    if (kind === "config") return describe(problem);
    const { steps, ...rest } = problem;
    const inList = steps !== undefined && steps[0] === "applications";
    return describe({
      ...rest,
      ...(steps === undefined ? {} : { steps: inList ? steps.slice(2) : steps }),
      path: withoutList(problem.path),
    });
  };
}

function withoutList(text: string): string {
  return text.replace(/^applications\[0\]\.?/, "");
}

const OF_THE_INSTANCE = ["proxy_location", "http_options", "grpc_options", "target_capacity"] as const;

function unusedFields({ data, start, placeOf }: ReadDocument, config: DeployConfig): string[] {
  const fields = OF_THE_INSTANCE.filter((field) => field in data && (config[field] ?? null) !== null);
  const found = Object.keys(start).length > 0 ? [...fields, "start"] : fields;
  return found.map(
    (field) => `${placeOf(field)} ${field}: left out, because apply writes applications and nothing of the instance`,
  );
}

/** As a deploy has it: the document's logging is that of applications without their own. */
function withLogging(application: ApplicationConfig, { logging_config }: DeployConfig): ApplicationConfig {
  return application.logging_config == null && logging_config ? { ...application, logging_config } : application;
}

/** Names and route prefixes that two documents want. */
function clashes(applications: readonly DesiredApplication[]): string[] {
  const names = new Map<string, DesiredApplication>();
  const prefixes = new Map<string, DesiredApplication>();
  return applications.flatMap((application) => {
    const namesake = names.get(application.name);
    if (namesake !== undefined) {
      const message = `${JSON.stringify(application.name)} is in ${namesake.placeOf("name")} too; an application belongs in one place`;
      return [application.describe({ path: "name", message })];
    }
    names.set(application.name, application);
    const prefix = routeOf(application);
    const holder = prefix === null ? undefined : prefixes.get(prefix);
    if (prefix !== null && holder === undefined) prefixes.set(prefix, application);
    if (holder === undefined) return [];
    const message = `${JSON.stringify(prefix)} is that of ${JSON.stringify(holder.name)} in ${holder.placeOf("route_prefix")} too; choose another prefix`;
    return [application.describe({ path: "route_prefix", message })];
  });
}

/** The route prefix that an application asks for; null: it is not exposed. */
export function routeOf({ config }: Pick<DesiredApplication, "config">): string | null {
  return config.route_prefix === undefined ? "/" : config.route_prefix;
}
