import { resolve } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorText } from "../../core/errors.ts";
import { deploymentName } from "../../core/names.ts";
import { decidedWith, nameOf } from "../../simulate/assign.ts";
import type { HostedWork } from "../../simulate/hosted.ts";
import { type RecordedLoad, recordedOutcome } from "../../simulate/recording.ts";
import type { Subject } from "../../simulate/subject.ts";
import type { Report, Run } from "../../simulate/summary.ts";
import type { Target } from "../address.ts";
import { withApi } from "../api.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT } from "../exit.ts";
import { simulateWorks } from "../hosted-simulation.ts";
import type { SimulateOptions, Tried } from "./simulate.ts";

/** What is asked for: between two moments, epoch milliseconds. */
type Period = { readonly from: number; readonly to: number };

/** What configs would have done under the load that an instance recorded; with one config, beside what it did itself. */
export async function recordedReport(
  ctx: CliContext,
  tried: readonly Tried[],
  { deployment, replicaStartS, seed, from, to, stateDir }: SimulateOptions & Period,
  instance: () => Promise<Target>,
): Promise<Report> {
  if (from >= ctx.clock.now()) {
    throw new CliError(EXIT.usage, `--from ${iso(from)} is not past yet: nothing of that time is recorded`);
  }
  if (to <= from) throw new CliError(EXIT.usage, `--to ${iso(to)} is not after --from ${iso(from)}`);
  const wanted = wantedOf(tried[0]!, deployment);
  const names = wanted.map(nameOf);
  const { who, loads } = await (stateDir === undefined
    ? askedLoads(await instance(), wanted, { from, to })
    : storedLoads(ctx, stateDir, wanted, { from, to }));
  const known = names.filter((name) => loads.has(name));
  if (known.length === 0) {
    const period = `between ${iso(from)} and ${iso(to)}`;
    const what = "an instance keeps the newest load of what it autoscales";
    throw new CliError(EXIT.failed, `${who} has recorded nothing of ${names.join(", ")} ${period}; ${what}`);
  }
  for (const name of names) {
    if (!loads.has(name)) ctx.err(`${name} is left out: nothing is recorded of it in that time\n`);
  }
  const all = [...loads.values()];
  const fromS = Math.min(...all.map((load) => load.fromS));
  const toS = Math.max(...all.map((load) => load.toS));
  const epochS = Math.floor(fromS);
  const options = { epochS, horizonS: toS - epochS, replicaStartS };
  const runs: Run[] = [];
  for (const each of tried) {
    const subjects = known.map((name) => subjectOf(each.subjects, name, each.file));
    const work = (subject: Subject): HostedWork => {
      const load = loads.get(nameOf(subject)) ?? { ...NO_LOAD, fromS, toS };
      return { kind: "recording", subject, load, options };
    };
    const idle = decidedWith(subjects, each.subjects).map(work);
    runs.push({ config: each.file, outcomes: await simulateWorks(ctx, each, subjects.map(work), idle) });
  }
  if (runs.length === 1) {
    const { subjects, file } = tried[0]!;
    const outcomes = known.map((name) => recordedOutcome(subjectOf(subjects, name, file), loads.get(name)!, options));
    runs.unshift({ config: "as it was", outcomes });
  }
  const trace = `what ${who} recorded from ${iso(fromS * 1_000)}`;
  return { trace, lengthS: options.horizonS, startS: epochS, replicaStartS, seed, runs };
}

const NO_LOAD = {
  requests: { timesS: [], values: [] },
  replicas: { timesS: [], target: [], running: [] },
};

/** The autoscaled deployments of a config, or the one that is named. */
function wantedOf({ file, subjects }: Tried, wanted: string | undefined): Subject[] {
  const found = subjects.filter((subject) =>
    wanted === undefined ? subject.autoscaling !== null : [nameOf(subject), subject.deployment].includes(wanted),
  );
  if (wanted !== undefined && found.length !== 1) {
    const why = found.length === 0 ? "is not" : "is several times";
    throw new CliError(EXIT.failed, `--deployment ${wanted}: ${why} in ${file}; write APP/DEPLOYMENT`);
  }
  if (found.length === 0) {
    throw new CliError(EXIT.failed, `${file}: no deployment that it lists is autoscaled; give it autoscaling_config`);
  }
  return found;
}

function subjectOf(subjects: readonly Subject[], name: string, file: string): Subject {
  const subject = subjects.find((each) => nameOf(each) === name);
  if (subject === undefined) throw new CliError(EXIT.failed, `${file}: ${name} is not among its deployments; list it`);
  return subject;
}

/** The recorded loads by name, without those of which nothing is known, and who recorded them. */
interface Loads {
  readonly who: string;
  readonly loads: ReadonlyMap<string, RecordedLoad>;
}

/** Those of an instance that is stopped. */
async function storedLoads(
  ctx: CliContext,
  stateDir: string,
  wanted: readonly Subject[],
  { from, to }: Period,
): Promise<Loads> {
  const recordings = await ctx.recordings(resolve(ctx.cwd, stateDir)).catch((error: unknown) => {
    throw new CliError(EXIT.failed, `--state-dir ${stateDir}: ${errorText(error)}`, error);
  });
  try {
    const period = { fromS: from / 1_000, toS: to / 1_000 };
    const loads = wanted.flatMap(({ application, deployment }): [string, RecordedLoad][] => {
      const load = recordings.load(application, deployment, period);
      return load === undefined ? [] : [[nameOf({ application, deployment }), load]];
    });
    return { who: `the instance in ${stateDir}`, loads: new Map(loads) };
  } finally {
    recordings.close();
  }
}

/** Those of a running instance. */
async function askedLoads(target: Target, wanted: readonly Subject[], { from, to }: Period): Promise<Loads> {
  const loads = await withApi(target, async ({ deployments }) => {
    const found = new Map<string, RecordedLoad>();
    for (const { application, deployment } of wanted) {
      try {
        const told = await deployments.getRecordedLoad({
          name: deploymentName(application, deployment),
          startTime: timestampFromMs(from),
          endTime: timestampFromMs(to),
        });
        found.set(nameOf({ application, deployment }), {
          fromS: told.startTimeS,
          toS: told.endTimeS,
          requests: { timesS: told.requestTimesS, values: told.requests },
          replicas: { timesS: told.replicaTimesS, target: told.targetReplicas, running: told.runningReplicas },
        });
      } catch (error) {
        if (ConnectError.from(error).code !== Code.NotFound) throw error;
      }
    }
    return found;
  });
  return { who: target.address, loads };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
