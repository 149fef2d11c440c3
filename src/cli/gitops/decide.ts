/** What is to be done with each application, from what is desired and what there is. Pure. */
import { type Application, Application_State } from "../../../gen/windlass/v1/application_pb.ts";
import { applicationName, parseName } from "../../core/names.ts";
import { type DesiredApplication, routeOf } from "./desired.ts";

/** The applications of an instance, by name without escapes. */
export type Present = ReadonlyMap<string, Application>;

/** What there is of an answer or of the feed; applications that are being deleted are left out. */
export function presentOf(applications: Iterable<Application>): Present {
  const live = [...applications].filter(({ state }) => state !== Application_State.DELETING);
  return new Map(live.map((application) => [parseName(application.name)?.application ?? "", application] as const));
}

/** The names that an earlier run of the set wrote and that are desired no more. Never one of another writer's. */
export function prunable(present: Present, listed: ReadonlySet<string>, set: string): string[] {
  return [...present]
    .filter(([name, { managedBy }]) => managedBy === set && !listed.has(name))
    .map(([name]) => name)
    .sort();
}

/** Why the set may not write an application; undefined where it may. */
export function refusal(application: Application | undefined, set: string, takeOver: boolean): string | undefined {
  const other = application?.managedBy ?? "";
  if (other === "" || other === set || takeOver) return undefined;
  return `belongs to the set ${JSON.stringify(other)}, and this is ${JSON.stringify(set)}; give that with --set, or take it with --take-over`;
}

/** Those of `leaving` whose route prefix a new application wants: they have to go first. */
export function inTheWay(desired: DesiredApplication, present: Present, leaving: readonly string[]): string[] {
  const prefix = routeOf(desired);
  if (prefix === null) return [];
  return leaving.filter((name) => {
    const { routePrefix, config } = present.get(name) ?? {};
    return (routePrefix ?? config?.routePrefix) === prefix;
  });
}

/** What a write of the set left: how the application is until somebody else writes it. */
export interface Left {
  readonly uid: string;
  readonly generation: bigint;
  /** The store's revision from which on it is so. */
  readonly revision: bigint;
}

/** What the feed shows. */
export interface Shown {
  readonly synced: boolean;
  readonly revision: bigint;
  readonly applications: ReadonlyMap<string, Application>;
}

/** The applications that somebody else wrote or deleted since. News that is older than the own write is none. */
export function drifted(left: ReadonlyMap<string, Left>, shown: Shown): string[] {
  if (!shown.synced) return [];
  return [...left]
    .filter(([name, own]) => {
      const found = shown.applications.get(applicationName(name));
      if (found === undefined || found.state === Application_State.DELETING) return shown.revision >= own.revision;
      return found.uid === own.uid ? found.generation > own.generation : shown.revision >= own.revision;
    })
    .map(([name]) => name);
}

/** What changed below the folders since the files were read. */
export interface Touched {
  /** Absolute paths that are no configs. */
  readonly sources: ReadonlySet<string>;
  /** Whether anything may have changed, as when a link leads elsewhere. */
  readonly all: boolean;
}

/** The applications whose file asks for something else than before, or whose sources may be other ones. */
export function changedNames(
  before: readonly DesiredApplication[],
  after: readonly DesiredApplication[],
  touched: Touched,
  foldersOf: (application: DesiredApplication) => readonly string[],
): string[] {
  const known = new Map(before.map((application) => [application.name, identity(application)] as const));
  const inFolder = (folder: string): boolean =>
    [...touched.sources].some((path) => path === folder || path.startsWith(`${folder}/`));
  return after
    .filter(
      (application) =>
        touched.all || known.get(application.name) !== identity(application) || foldersOf(application).some(inFolder),
    )
    .map(({ name }) => name);
}

function identity({ config, baseDir }: DesiredApplication): string {
  return JSON.stringify([config, baseDir]);
}
