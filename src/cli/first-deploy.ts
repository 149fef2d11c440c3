import { tlsOf } from "../config/tls-options.ts";
import { errorText } from "../core/errors.ts";
import { applicationName } from "../core/names.ts";
import type { ReadyInfo, StartOptions } from "../supervisor/options.ts";
import { isSelfSigned, ownCertificate } from "../tls/material.ts";
import { readAdminToken, type Target } from "./address.ts";
import { type Api, withApi } from "./api.ts";
import { applicationNames, applyConfig, followApplications } from "./apply.ts";
import type { CliContext } from "./context.ts";
import { CliError, EXIT, oneLine } from "./exit.ts";
import type { LoadedConfig } from "./load-config.ts";
import { applicationProgress, type Seen } from "./rollout.ts";
import { reachable, type TriedApplication, tryLines } from "./try-lines.ts";

/** A controller that restarts is back within seconds. */
const PATIENCE_MS = 30_000;
const RETRY_MS = 200;

/**
 * Deploys the config of `start` through the API, as anyone would: progress on stderr, then `curl` lines on stdout.
 * A failure is one line on stderr and ends nothing. Never throws; ends early when `signal` aborts.
 */
export async function firstDeploy(
  ctx: CliContext,
  loaded: LoadedConfig,
  ready: ReadyInfo,
  options: Pick<StartOptions, "auth" | "webhookOnProxy" | "tls" | "instance">,
  signal: AbortSignal,
): Promise<void> {
  const fail = (lines: readonly string[]): void => {
    for (const line of lines) if (!signal.aborted) ctx.err(`windlass: ${line}\n`);
  };
  try {
    const target = ownTarget(ready, options);
    const revision = await applyPatiently(ctx, target, loaded, signal);
    await withApi(target, async (api) => {
      const { running, failures } = await settled(api, ctx, loaded, revision, signal);
      fail(failures);
      // The deploy is over: a controller that is away just now takes the lines, not the deploy, with it.
      await printTries(ctx, api, { running, tries: loaded.tries, ready, ...options }).catch(() => undefined);
    });
  } catch (error) {
    fail(error instanceof CliError ? error.lines.map((line) => `deploy failed: ${line}`) : [oneLine(errorText(error))]);
  }
}

/** The API of the server in this process, as admin. */
export function ownTarget(ready: ReadyInfo, { auth, tls }: Pick<StartOptions, "auth" | "tls">): Target {
  const target = { address: reachable(ready.control), token: auth ? readAdminToken(ready.stateDir) : undefined };
  // It signed itself, maybe, and may name hosts that this machine is not known by here.
  return tls.control === null ? target : { ...target, trust: { ca: ownCertificate(tls.control.certFile), own: true } };
}

/** `curl` lines for the applications that run, on stdout. */
export async function printTries(
  ctx: CliContext,
  api: Api,
  given: Pick<StartOptions, "auth" | "webhookOnProxy" | "tls" | "instance"> & {
    readonly running: readonly string[];
    readonly tries: readonly string[];
    readonly ready: ReadyInfo;
  },
): Promise<void> {
  const { running, tries, ready, auth, webhookOnProxy } = given;
  const applications = await Promise.all(running.map((name) => describe(api, name, auth)));
  const http = ready.http === null ? null : reachable(ready.http);
  const webhook = webhookOnProxy && http !== null ? http : api.target.address;
  const tls = given.tls.http ?? tlsOf(given.instance.httpOptions ?? {}) ?? given.tls.control;
  const trusting = tls !== null && isSelfSigned(tls.certFile) ? tls.certFile : undefined;
  for (const line of tryLines(applications, tries, http, webhook, trusting)) ctx.out(`${line}\n`);
}

/** Applies a config through an API that may be away for a moment. */
export async function applyPatiently(
  ctx: CliContext,
  target: Target,
  loaded: LoadedConfig,
  signal: AbortSignal,
): Promise<bigint> {
  const start = ctx.clock.monotonic();
  for (;;) {
    try {
      return await withApi(target, (api) => applyConfig(api, ctx, loaded));
    } catch (error) {
      const away = error instanceof CliError && error.exitCode === EXIT.cannotConnect;
      if (!away || signal.aborted || ctx.clock.monotonic() - start > PATIENCE_MS) throw error;
      await ctx.clock.sleep(RETRY_MS, signal);
    }
  }
}

/** Waits until each application runs or has failed. */
async function settled(
  api: Api,
  ctx: CliContext,
  loaded: LoadedConfig,
  revision: bigint,
  signal: AbortSignal,
): Promise<Outcome> {
  const names = applicationNames(loaded.config);
  let outcome: Outcome = { missing: [], running: [], failures: [] };
  await followApplications(api, ctx, names, {
    progress(seen) {
      outcome = outcomeOf(seen, names, revision);
      const { missing } = outcome;
      return missing.length > 0 ? { kind: "waiting", missing: missing.join("; ") } : { kind: "done" };
    },
    timeoutS: undefined,
    signal,
  });
  return outcome;
}

/** Where the applications of a deploy stand: what is waited for, names of those that run, messages of those that failed. */
export interface Outcome {
  readonly missing: readonly string[];
  readonly running: readonly string[];
  readonly failures: readonly string[];
}

/** The {@link Outcome} of a deploy accepted at `revision`, so far. */
export function outcomeOf(seen: Seen, names: readonly string[], revision: bigint): Outcome {
  const each = names.map((name) => ({ name, progress: applicationProgress(seen, name, revision) }));
  return {
    missing: each.flatMap(({ progress }) => (progress.kind === "waiting" ? [progress.missing] : [])),
    running: each.flatMap(({ name, progress }) => (progress.kind === "done" ? [name] : [])),
    failures: each.flatMap(({ progress }) => (progress.kind === "failed" ? [progress.message] : [])),
  };
}

async function describe(api: Api, application: string, auth: boolean): Promise<TriedApplication> {
  const name = applicationName(application);
  const { application: record } = await api.applications.getApplication({ name });
  // A config that lists one deployment of several lists the one that is scaled.
  const listed = record?.config?.deployments ?? [];
  const scaled = listed.length === 1 ? listed[0]!.name : record?.ingressDeployment;
  const scalable = record?.externalScalerEnabled ? scaled : undefined;
  return {
    name: application,
    routePrefix: record?.routePrefix ?? null,
    scalable: scalable || undefined,
    token: auth && scalable ? (await api.tokens.getApplicationToken({ name })).secret : undefined,
  };
}
