/** What the page of the tests does: bundled for browsers, asked by Playwright. */
import {
  type Client,
  ConnectError,
  createClient,
  durationFromMs,
  reasonOf,
  type v1,
  type Watch,
} from "windlass/client/web";

/** How a page calls. */
export interface Way {
  readonly address: string;
  readonly token: string;
  readonly protocol: "connect" | "grpc-web";
}

/** An event as the tests look at it. */
export interface Told {
  readonly kind: string;
  readonly name: string;
  readonly reason: string;
}

/** What became of a call. */
export interface Outcome {
  readonly ok: boolean;
  readonly reason: string;
  readonly message: string;
}

interface Begun {
  readonly events: Told[];
  readonly watch: Watch<unknown>;
  readonly ended: Promise<Outcome>;
}

const watches: Begun[] = [];

async function outcomeOf(use: Promise<unknown>): Promise<Outcome> {
  try {
    await use;
    return { ok: true, reason: "", message: "" };
  } catch (error) {
    const message = error instanceof ConnectError ? error.rawMessage : String(error);
    return { ok: false, reason: reasonOf(error) ?? "", message };
  }
}

function clientFor({ address, token, protocol }: Way): Client {
  return createClient({ address, token, protocol, retry: false });
}

const page = {
  /** Whether the instance tells its applications. */
  async applications(way: Way): Promise<string[]> {
    const { applications } = await clientFor(way).applications.listApplications({});
    return applications.map(({ name }) => name);
  },
  read: (way: Way, name: string): Promise<Outcome> =>
    outcomeOf(clientFor(way).applications.getApplication({ name: `applications/${name}` })),
  firstOf: (way: Way, via: "rpc" | "sse"): Promise<Outcome> =>
    outcomeOf(
      (async () => {
        for await (const _event of clientFor(way).watch.instance({}, { via })) return;
      })(),
    ),
  scale: (way: Way, deployment: string, replicas: number): Promise<Outcome> =>
    outcomeOf(clientFor(way).deployments.scaleDeployment({ name: deployment, targetNumReplicas: replicas })),
  /** Begins a watch of what is below a name; returns its number. */
  watch(way: Way, name: string, via: "rpc" | "sse", progressIntervalMs: number): number {
    const progressInterval = durationFromMs(progressIntervalMs);
    const watch = clientFor(way).watch.instance({ name, progressInterval }, { via });
    const events: Told[] = [];
    const read = async (): Promise<void> => {
      for await (const event of watch) {
        const resource = event.kind === "updated" ? event.resource : undefined;
        const reason = resource?.$typeName === "windlass.v1.Deployment" ? (resource as v1.Deployment).targetReason : "";
        events.push({ kind: event.kind, name: "name" in event ? event.name : "", reason });
      }
    };
    watches.push({ events, watch, ended: outcomeOf(read()) });
    return watches.length - 1;
  },
  told: (number: number): readonly Told[] => watches[number]!.events,
  async end(number: number): Promise<Outcome> {
    watches[number]!.watch.close();
    return watches[number]!.ended;
  },
  /** Plain `fetch`, with headers that pages may read. */
  async fetch(
    url: string,
    init: RequestInit,
  ): Promise<{ status: number; headers: Record<string, string>; text: string }> {
    const response = await fetch(url, init);
    return { status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() };
  },
};

/** The page's functions. */
export type Page = typeof page;

(globalThis as { windlassPage?: Page }).windlassPage = page;
