/** Warns of settings that are allowed, but known to work badly together. Pure; defaults alone never warn. */
import { effectiveDeployment, overrideOf } from "./effective.ts";
import { lintAutoscaling, lintShadow } from "./lint-autoscaling.ts";
import { lintLife } from "./lint-life.ts";
import { lintRollout } from "./lint-rollout.ts";
import type { LintFinding } from "./lint-rules.ts";
import { webhookOpen } from "./scaling.ts";
import type { ApplicationConfig, DeployConfig, EffectiveDeploymentConfig } from "./types.ts";

/** The settings of one deployment, and which of them code or config set. */
export interface LintedDeployment {
  readonly config: EffectiveDeploymentConfig;
  readonly userConfigured: readonly string[];
}

/** A deployment that code declares, with the options it sets by the config's names. */
export interface LintedCode {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** What the code of an application declares, by the application's name; undefined where that is not known. */
export type CodeOf = (application: string) => readonly LintedCode[] | undefined;

/**
 * What a document does badly and known code does not make good; unknown code is taken to set nothing. Parse must have
 * accepted the document.
 */
export function lint(config: DeployConfig, codeOf: CodeOf = () => undefined): LintFinding[] {
  const capacity: LintFinding[] =
    config.target_capacity === 0
      ? [
          {
            path: "target_capacity",
            message: "is 0: no deployment has a replica; null is full size",
            rule: "no-capacity",
          },
        ]
      : [];
  return [
    ...capacity,
    ...config.applications.flatMap((app, index) =>
      lintApplication(app, `applications[${index}]`, codeOf(app.name ?? "default")),
    ),
  ];
}

/** The same for one application; `path` is put before the paths. */
export function lintApplication(app: ApplicationConfig, path = "", code: readonly LintedCode[] = []): LintFinding[] {
  const deployments = (app.deployments ?? []).flatMap(({ name }, index) => {
    // Entries of one name are one deployment; what it says is shown at the last of them.
    if (app.deployments!.findLastIndex((other) => other.name === name) !== index) return [];
    const at = join(path, `deployments[${index}]`);
    const alone = lintMerged({}, app, name, at);
    const known = code.find((each) => each.name === name);
    if (known === undefined || alone.length === 0) return alone;
    return lintMerged(known.options, app, name, at).filter((finding) => alone.some(sameAs(finding)));
  });
  return [...lintScaling(app, path), ...deployments];
}

/** What code and config together do badly and the config alone does not; paths begin like `deployments["D"].`. */
export function lintCode(app: Pick<ApplicationConfig, "deployments">, code: readonly LintedCode[]): LintFinding[] {
  return code.flatMap(({ name, options }) => {
    const at = `deployments[${JSON.stringify(name)}]`;
    const alone = lintMerged({}, app, name, at);
    return lintMerged(options, app, name, at).filter((finding) => !alone.some(sameAs(finding)));
  });
}

/** Empty for what cannot be merged: the build tells why. */
function lintMerged(
  options: LintedCode["options"],
  app: Pick<ApplicationConfig, "deployments">,
  name: string,
  path: string,
): LintFinding[] {
  const merged = effectiveDeployment(options, overrideOf(app, name), name);
  return merged.ok ? lintDeployment(merged, path) : [];
}

function sameAs({ rule, path }: LintFinding): (other: LintFinding) => boolean {
  return (other) => other.rule === rule && other.path === path;
}

/** One deployment with everything that code and config set. */
export function lintDeployment({ config, userConfigured }: LintedDeployment, path: string): LintFinding[] {
  const found = [...lintAutoscaling(config), ...lintShadow(config), ...lintLife(config), ...lintRollout(config)];
  return found
    .filter(({ set }) => set.some((field) => userConfigured.includes(field)))
    .map(({ field, rule, message }) => ({ path: join(path, field), deployment: path, message, rule }));
}

function join(path: string, field: string): string {
  return path === "" ? field : `${path}.${field}`;
}

function lintScaling(app: ApplicationConfig, path: string): LintFinding[] {
  const found: LintFinding[] = [];
  if (app.scaling?.lease_fallback !== undefined && !webhookOpen(app)) {
    const message = 'has no effect while nobody scales from outside; set scaling.owner to "external" or remove it';
    found.push({ path: join(path, "scaling.lease_fallback"), message, rule: "unused-lease-fallback" });
  }
  if (app.scaling?.owner !== "manual") return found;
  for (const [index, { autoscaling_config: autoscaling, num_replicas: count }] of (app.deployments ?? []).entries()) {
    if (!autoscaling && count !== "auto") continue;
    const at = join(path, `deployments[${index}].${autoscaling ? "autoscaling_config" : "num_replicas"}`);
    const message = 'is not followed while scaling.owner is "manual"; remove it or change the owner';
    found.push({ path: at, message, rule: "owner-without-autoscaler" });
  }
  return found;
}
