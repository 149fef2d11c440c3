import type { Controller } from "./controller.ts";
import { builtPaths } from "./records.ts";

/** Bundles and unpacked working dirs that something still needs: what runs, what is wanted or planned, what can be gone back to. */
export function pathsInUse(
  controller: Pick<Controller, "snapshot" | "revisions" | "plannedPaths">,
): ReadonlySet<string> {
  const { applications, deployments, replicas } = controller.snapshot();
  const builds = applications.flatMap(({ name, built }) => [
    built,
    ...controller.revisions(name).map((revision) => revision.built),
  ]);
  const paths = [
    ...controller.plannedPaths(),
    ...builds.flatMap((built) => (built ? builtPaths(built) : [])),
    ...[...deployments, ...replicas].flatMap(({ version }) => [
      version.bundlePath,
      version.workingDir ?? "",
      version.requestRouter?.bundlePath ?? "",
    ]),
  ];
  return new Set(paths.filter((path) => path !== ""));
}
