/** Where the time of controller turns goes, by part: from V8's sampling profiler, by the innermost function that tells. */
import { Session } from "node:inspector/promises";

interface Rule {
  readonly part: string;
  /** Of the path of the source. */
  readonly file: RegExp;
  readonly functions?: RegExp;
}

/** Between two samples; a shorter one costs as much as what is measured. */
const INTERVAL_US = 400;

const RULES: readonly Rule[] = [
  { part: "profiler", file: /bench\/lib\/turn-profile|^node:inspector/ },
  { part: "ingest", file: /controller\/load-ingest|bench\/lib\/controller-instance/, functions: /eport/ },
  { part: "records", file: /controller\/autoscale-record|autoscaling\/(trace|decision-log)/ },
  { part: "memory", file: /controller\/autoscale-memory|autoscaling\/reports/, functions: /save|Save/ },
  { part: "store transaction", file: /\/src\/store\// },
  { part: "store transaction", file: /bench\/lib\/controller-instance/, functions: /txn/ },
  { part: "routing table", file: /controller\/(routing-table|table-keeper|cold-start)/ },
  { part: "publish", file: /controller\/(route-publisher|route-hub|load-ingest|unrouting)/ },
  { part: "documents", file: /controller\/commit/ },
  // Into which the above is put inline.
  { part: "documents", file: /controller\/reconciler/, functions: /^#commit$/ },
  { part: "decide", file: /controller\/autoscale|\/src\/autoscaling\// },
  { part: "steps", file: /controller\/(turn|deployment-state|rollout|waiting|health|application-state|rollback)/ },
  { part: "world and writes", file: /controller\/(world|apply-write|draft-writes|dirty)/ },
  { part: "loop and engine", file: /src\/controller\/|controller-instance/ },
];

/** Milliseconds by part. `recordShare` tells what part of the documents and of the transaction is of decision records. */
export async function profiled(work: () => Promise<void>, recordShare: () => number): Promise<Map<string, number>> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: INTERVAL_US });
  await session.post("Profiler.start");
  await work();
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])));
  const known = new Map<number, string | undefined>();
  const partOf = (id: number): string | undefined => {
    if (known.has(id)) return known.get(id);
    const { functionName, url } = nodes.get(id)!.callFrame;
    const rule = RULES.find(({ file, functions }) => file.test(url) && (functions?.test(functionName) ?? true));
    const parent = parents.get(id);
    const part = rule?.part ?? (parent === undefined ? undefined : partOf(parent));
    known.set(id, part);
    return part;
  };
  const sums = new Map<string, number>();
  const add = (part: string, tookMs: number): void => void sums.set(part, (sums.get(part) ?? 0) + tookMs);
  for (const [index, id] of (profile.samples ?? []).entries()) {
    const { functionName } = nodes.get(id)!.callFrame;
    if (/^\((idle|program|root)\)$/.test(functionName) || partOf(id) === "profiler") continue;
    // A longer one says that the machine had others to serve.
    const took = Math.min(2 * INTERVAL_US, profile.timeDeltas?.[index] ?? 0) / 1_000;
    add(functionName === "(garbage collector)" ? "garbage" : (partOf(id) ?? "node"), took);
  }
  const share = recordShare();
  for (const part of ["documents", "store transaction"]) {
    const of = sums.get(part) ?? 0;
    add("records", of * share);
    sums.set(part, of * (1 - share));
  }
  return sums;
}
