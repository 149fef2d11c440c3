/**
 * What an application consists of. Builder and replica walk the same bound graph and must agree on names and order,
 * so the walk depends on nothing but the graph.
 */
import { APPLICATION, DEPLOYMENT, hasBrand, isPlainObject } from "./brands.ts";
import type { Application, DeploymentSpec } from "./types.ts";

/** One deployment of an application. */
export interface GraphNode {
  /** Unique within the application. */
  readonly name: string;
  readonly spec: DeploymentSpec;
  readonly args: readonly unknown[];
  /** Names of the deployments it holds handles to, in order of appearance. */
  readonly outbound: readonly string[];
}

/** An application taken apart. */
export interface Graph {
  /** Name of the root. */
  readonly ingress: string;
  /** The root first, then depth first. */
  readonly nodes: readonly GraphNode[];
  readonly nameOf: (application: Application) => string;
}

/**
 * Walks everything bound under `root`. The same Application twice is one deployment; different ones of one name get
 * `_1`, `_2` and so on. `rootName` names a root that has no name of its own.
 */
export function walkGraph(root: Application, rootName: string): Graph {
  const names = new Map<Application, string>();
  const nodes: GraphNode[] = [];
  visit(root);
  return { ingress: names.get(root)!, nodes, nameOf: (application) => names.get(application)! };

  function visit(application: Application): void {
    const { deployment, args } = application[APPLICATION];
    const spec = deployment[DEPLOYMENT];
    const wanted =
      deployment.name !== "" || application !== root || rootName === "default" ? deployment.name : rootName;
    if (wanted === "") throw new TypeError("a deployment has no name: name its class or function, or pass { name }");
    names.set(application, unusedName(wanted, new Set(names.values())));
    const outbound: string[] = [];
    const node: GraphNode = { name: names.get(application)!, spec, args, outbound };
    nodes.push(node);
    for (const child of applicationsIn(args, node.name)) {
      if (!names.has(child)) visit(child);
      const name = names.get(child)!;
      if (!outbound.includes(name)) outbound.push(name);
    }
  }
}

/** A copy of the arguments with what `handleFor` makes of each application. */
export function withHandles(args: readonly unknown[], handleFor: (application: Application) => unknown): unknown[] {
  const replace = (value: unknown): unknown => {
    if (hasBrand(value, APPLICATION)) return handleFor(value as Application);
    // Untouched containers keep their identity.
    if (!contains(value)) return value;
    if (Array.isArray(value)) return value.map(replace);
    return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, replace(item)]));
  };
  return args.map(replace);
}

function contains(value: unknown): boolean {
  return applicationsIn([value], "").length > 0;
}

function applicationsIn(args: readonly unknown[], owner: string): Application[] {
  const found: Application[] = [];
  const seen = new Set<unknown>();
  const search = (value: unknown): void => {
    if (hasBrand(value, APPLICATION)) {
      found.push(value as Application);
    } else if (hasBrand(value, DEPLOYMENT)) {
      const { name } = value as { name?: string };
      throw new TypeError(`${owner}.bind() got the deployment ${name} unbound: pass ${name}.bind(...)`);
    } else if (Array.isArray(value) || isPlainObject(value)) {
      if (seen.has(value)) return;
      seen.add(value);
      for (const item of Object.values(value)) search(item);
    }
  };
  for (const arg of args) search(arg);
  return found;
}

function unusedName(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  for (let suffix = 1; ; suffix++) {
    if (!taken.has(`${wanted}_${suffix}`)) return `${wanted}_${suffix}`;
  }
}
