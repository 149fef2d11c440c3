import { applicationName } from "../../core/names.ts";
import type { Target } from "../address.ts";
import { withApi } from "../api.ts";
import type { CliContext } from "../context.ts";

/** `windlass delete`: deletes one application; returns once that is stored. */
export async function deleteApplication(ctx: CliContext, target: Target, application: string): Promise<void> {
  await withApi(target, (api) => api.applications.deleteApplication({ name: applicationName(application) }));
  ctx.out(`${application}: being deleted\n`);
}
