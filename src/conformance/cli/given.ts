/** The states that transcripts begin with, read from their words. Pure. */

/** `dead`: nothing listens; `offline`: no server is needed; `absent`: it listens, but there is no instance. */
export type Given =
  | { readonly kind: "dead" | "offline" | "absent" }
  /** Without `applications`, any instance will do. */
  | { readonly kind: "instance"; readonly applications?: readonly GivenApplication[] };

/** An application that is RUNNING. */
export interface GivenApplication {
  readonly name: string;
  /** Deployed by import path on the command line, with these arguments, rather than from a config. */
  readonly byImportPath?: readonly string[];
  readonly import_path: string;
  /** Numbers of replicas that its config sets. */
  readonly replicas: Readonly<Record<string, number>>;
}

const PLAIN: readonly (readonly [RegExp, Given])[] = [
  [/^nothing listens\b/, { kind: "dead" }],
  [/^no server needed$/, { kind: "offline" }],
  [/^no instance( runs)?$/, { kind: "absent" }],
  [/^(any instance|an instance runs)$/, { kind: "instance" }],
  [/^(an empty instance|an instance without applications|no applications?)\b/, { kind: "instance", applications: [] }],
];

/** What a recording's words stand for; undefined where they are none that are known. */
export function parseGiven(words: string): Given | undefined {
  const plain = PLAIN.find(([pattern]) => pattern.test(words));
  if (plain !== undefined) return plain[1];
  const deployed = /^application (\S+) deployed from an import path( with args)?$/.exec(words);
  if (deployed) {
    const application = deployed[2] === undefined ? "fixtures:echo" : "fixtures:builder";
    const byImportPath = deployed[2] === undefined ? [] : ["greeting=hi"];
    return one({ name: deployed[1]!, import_path: application, byImportPath, replicas: {} });
  }
  const running = /^applications? (.*) (?:is|are) RUNNING$/.exec(words)?.[1];
  const applications = running === undefined ? [] : [...running.matchAll(/([^\s,()]+) \((\S+?:\w+)(?:, ([^)]*))?\)/g)];
  if (applications.length === 0) return undefined;
  return {
    kind: "instance",
    applications: applications.map(([, name, importPath, details = ""]) => ({
      name: name!,
      import_path: importPath!,
      replicas: Object.fromEntries(
        [...details.matchAll(/(\w+) with (\d+) replicas?/g)].map(([, deployment, count]) => [
          deployment!,
          Number(count),
        ]),
      ),
    })),
  };
}

function one(application: GivenApplication): Given {
  return { kind: "instance", applications: [application] };
}

/** The config that makes applications which were not deployed by import path. */
export function configOf(applications: readonly GivenApplication[]): object {
  return {
    applications: applications.map(({ name, import_path, replicas }) => ({
      name,
      route_prefix: `/${name}`,
      import_path,
      ...(Object.keys(replicas).length === 0
        ? {}
        : { deployments: Object.entries(replicas).map(([of, num_replicas]) => ({ name: of, num_replicas })) }),
    })),
  };
}
