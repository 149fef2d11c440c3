import { resolve, sep } from "node:path";
import type { DeployConfig } from "../config/types.ts";

/** Variable of a program that `windlass run --reload` started again: how often. Absent until then. */
export const RELOAD_VARIABLE = "WINDLASS_RELOAD";

/** Absolute folders that the programs of a config run in. */
export function commandFolders(config: DeployConfig, baseDir: string): string[] {
  return config.applications.flatMap(({ deployments = [] }) =>
    deployments.flatMap((each) => (each.command === undefined ? [] : [folderOf(each, baseDir)])),
  );
}

/**
 * Makes programs start again when their files have changed, which nothing in a config tells: in each config it is given,
 * deployments by command whose folder holds one of the changed paths get a variable that counts those changes.
 */
export function commandRestarts() {
  const counts = new Map<string, number>();
  return (config: DeployConfig, baseDir: string, changed: Iterable<string>): DeployConfig => {
    const paths = [...changed];
    const applications = config.applications.map((application) => {
      if (!application.deployments?.some(({ command }) => command !== undefined)) return application;
      const deployments = application.deployments.map((deployment) => {
        if (deployment.command === undefined) return deployment;
        const key = JSON.stringify([application.name, deployment.name]);
        const inside = folderOf(deployment, baseDir) + sep;
        const count = (counts.get(key) ?? 0) + (paths.some((path) => path.startsWith(inside)) ? 1 : 0);
        counts.set(key, count);
        return count === 0
          ? deployment
          : { ...deployment, env: { ...deployment.env, [RELOAD_VARIABLE]: String(count) } };
      });
      return { ...application, deployments };
    });
    return { ...config, applications };
  };
}

function folderOf({ working_dir }: { readonly working_dir?: string }, baseDir: string): string {
  return resolve(baseDir, working_dir ?? ".");
}
