/**
 * Resource names: `applications/{a}/deployments/{d}/replicas/{r}`, each part percent-escaped,
 * so that names may hold any character but "/" and control characters.
 */
export function applicationName(application: string): string {
  return `applications/${encodeURIComponent(application)}`;
}

/** See {@link applicationName}. */
export function deploymentName(application: string, deployment: string): string {
  return `${applicationName(application)}/deployments/${encodeURIComponent(deployment)}`;
}

/** See {@link applicationName}. */
export function replicaName(application: string, deployment: string, replica: string): string {
  return `${deploymentName(application, deployment)}/replicas/${encodeURIComponent(replica)}`;
}

/** The longest name of an application or deployment, in UTF-16 units as JavaScript counts them. */
export const MAX_NAME_LENGTH = 255;

/** Why a name of any kind cannot be stored, or be asked for by a URL; undefined where it can. */
export function nameProblem(name: string): string | undefined {
  if (!name.isWellFormed()) return "must be whole characters, got half of a surrogate pair";
  if (name === "") return "must have at least 1 character, got 0";
  if (name.length > MAX_NAME_LENGTH) return `must have at most ${MAX_NAME_LENGTH} characters, got ${name.length}`;
  return undefined;
}

/** A file's name may have 255 bytes everywhere: two parts of this length, a replica's id and the rest. */
const LOG_NAME_PART = 100;

/**
 * The name of the file that a replica's output goes to; it names one file of a folder, whatever the names hold. Long
 * names are cut: the replica's id alone tells files apart.
 */
export function replicaLogName(application: string, deployment: string, replica: string): string {
  const part = (name: string): string => encodeURIComponent(name).slice(0, LOG_NAME_PART);
  return `${part(application)}_${part(deployment)}_${replica}.log`;
}

/** The same for the output of an application's policies; `id`: eight letters or digits that tell applications apart. */
export function policyLogName(application: string, id: string): string {
  return `policy-${encodeURIComponent(application).slice(0, LOG_NAME_PART)}_${id}.log`;
}

/** The same for a spare replica process, until it is a replica's; `id`: eight letters or digits. */
export function spareLogName(id: string): string {
  return `spare_${id}.log`;
}

/** The parts of a resource name; `undefined` when the text is not one. */
export function parseName(name: string): { application: string; deployment?: string; replica?: string } | undefined {
  const match = /^applications\/([^/]+)(?:\/deployments\/([^/]+)(?:\/replicas\/([^/]+))?)?$/.exec(name);
  if (!match) return undefined;
  try {
    return {
      application: decodeURIComponent(match[1]!),
      ...(match[2] === undefined ? {} : { deployment: decodeURIComponent(match[2]) }),
      ...(match[3] === undefined ? {} : { replica: decodeURIComponent(match[3]) }),
    };
  } catch {
    return undefined;
  }
}
