/** `GET /api/v1/applications/{application}/logs`: what the replicas of an application wrote, as text lines. */
import { join } from "node:path";
import type { DeploymentRecord, ReplicaRecord } from "../../controller/records.ts";
import { WindlassError } from "../../core/errors.ts";
import { replicaLogName } from "../../core/names.ts";
import type { ApiDeps } from "../connect/context.ts";
import type { Reply, StreamReply } from "../http.ts";
import { LogCursor } from "../log-cursor.ts";
import { notFound } from "../lookup.ts";
import { flagOf } from "./flag.ts";
import type { RestRequest } from "./router.ts";

/** Lines of each replica that are sent first, unless the request says. */
const DEFAULT_LINES = 100;
const MOST_LINES = 100_000;
/** How long a written line may wait to be sent to a follower. */
const POLL_MS = 150;

/** Whose lines are wanted. */
interface Wanted {
  readonly application: string;
  /** Empty: all. */
  readonly deployment: string;
  /** Empty: all. */
  readonly replica: string;
  /** Of each replica, the last so many. */
  readonly lines: number;
  readonly follow: boolean;
}

/** A replica, by its record; the request's own words never become part of a path. */
interface Writer {
  /** "deployment/replica". */
  readonly label: string;
  readonly path: string;
  readonly startedAt: number;
  readonly alive: boolean;
}

/**
 * Lines that begin with `deployment/replica `, the last `lines` of each replica, those that ended lately included.
 * With `follow`, goes on with what is written later, until the application is gone.
 */
export async function getLogs({ request, deps, params, query, left }: RestRequest): Promise<Reply | StreamReply> {
  const wanted: Wanted = {
    application: params.application!,
    deployment: query.get("deployment") ?? "",
    replica: query.get("replica") ?? "",
    lines: linesOf(query.get("lines")),
    follow: flagOf("follow", query.get("follow")),
  };
  mustExist(deps, wanted);
  // A log may hold what a browser takes for a page.
  const headers = { "x-content-type-options": "nosniff", "cache-control": "no-store" };
  const head = { status: 200, contentType: "text/plain" as const, headers };
  return request.method === "HEAD" ? head : { ...head, chunks: logLines(deps, wanted, left()) };
}

function linesOf(text: string | null): number {
  if (text === null || text === "") return DEFAULT_LINES;
  const number = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (number <= MOST_LINES) return number;
  throw new WindlassError(
    "INVALID_REQUEST",
    `lines ${JSON.stringify(text)} must be a whole number up to ${MOST_LINES}`,
  );
}

function mustExist({ controller, logsDir }: ApiDeps, wanted: Wanted): void {
  const { application, deployment, replica } = wanted;
  if (controller.application(application) === undefined) throw notFound(`application "${application}"`);
  if (deployment !== "" && controller.deployment(application, deployment) === undefined) {
    throw notFound(`deployment "${deployment}" in application "${application}"`);
  }
  if (replica !== "" && writers(controller.snapshot(), wanted, logsDir).length === 0) {
    throw notFound(`replica "${replica}" in application "${application}", neither running nor ended lately`);
  }
}

async function* logLines(deps: ApiDeps, wanted: Wanted, signal: AbortSignal): AsyncGenerator<string> {
  const cursors = new Map<string, LogCursor>();
  for (let first = true; !signal.aborted; first = false) {
    // Asked before reading, so that nothing is written between the last look and the end.
    const over = !wanted.follow || isOver(deps, wanted);
    const present = writers(deps.controller.snapshot(), wanted, deps.logsDir);
    for (const { path, label, alive } of present) {
      let cursor = cursors.get(path);
      if (cursor === undefined) {
        cursor = await LogCursor.open(path, `${label} `, first ? wanted.lines : Number.POSITIVE_INFINITY);
        cursors.set(path, cursor);
      }
      yield* cursor.read();
      if (over || !alive) yield* cursor.rest();
    }
    const paths = new Set(present.map(({ path }) => path));
    for (const [path, cursor] of cursors) {
      if (paths.has(path)) continue;
      yield* cursor.read();
      yield* cursor.rest();
      cursors.delete(path);
    }
    if (over) return;
    await deps.clock.sleep(POLL_MS, signal);
  }
}

/** Nothing more will come: the application is gone, or the server stops and its replicas have ended. */
function isOver({ controller, feed }: ApiDeps, { application }: Wanted): boolean {
  if (controller.application(application) === undefined) return true;
  if (!feed.closed.aborted) return false;
  return !controller.snapshot().replicas.some((replica) => replica.application === application);
}

/** In the order in which they were started. */
function writers(
  { deployments, replicas }: { deployments: readonly DeploymentRecord[]; replicas: readonly ReplicaRecord[] },
  wanted: Wanted,
  logsDir: string | undefined,
): Writer[] {
  if (logsDir === undefined) return [];
  const writer = (deployment: string, id: string, startedAt: number, alive: boolean): Writer => ({
    label: `${deployment}/${id}`,
    path: join(logsDir, replicaLogName(wanted.application, deployment, id)),
    startedAt,
    alive,
  });
  const concerned = (application: string, deployment: string): boolean =>
    application === wanted.application && (wanted.deployment === "" || wanted.deployment === deployment);
  const found = new Map<string, Writer>();
  for (const { application, name, recentDead } of deployments) {
    if (!concerned(application, name)) continue;
    for (const { id, startedAt } of recentDead) found.set(`${name}/${id}`, writer(name, id, startedAt, false));
  }
  for (const { application, deployment, id, startedAt } of replicas) {
    if (concerned(application, deployment)) found.set(`${deployment}/${id}`, writer(deployment, id, startedAt, true));
  }
  return [...found]
    .filter(([label]) => wanted.replica === "" || label.endsWith(`/${wanted.replica}`))
    .map(([, each]) => each)
    .sort((a, b) => a.startedAt - b.startedAt || (a.label < b.label ? -1 : 1));
}
