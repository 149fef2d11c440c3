/** What every client of the API offers, whatever it connects by. */
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Client as ServiceClient, type Transport } from "@connectrpc/connect";
import type { Application } from "../../gen/windlass/v1/application_pb.ts";
import { ApplicationService } from "../../gen/windlass/v1/application_service_pb.ts";
import { DeploymentService } from "../../gen/windlass/v1/deployment_service_pb.ts";
import { InstanceService } from "../../gen/windlass/v1/instance_service_pb.ts";
import { TokenService } from "../../gen/windlass/v1/token_service_pb.ts";
import { applicationName } from "../core/names.ts";
import {
  applicationFeed,
  decisionFeed,
  deploymentFeed,
  type Feed,
  instanceFeed,
  replicaFeed,
  type WatchRequest,
} from "./feeds.ts";
import { MOST_TIMER_MS, type Time } from "./retry.ts";
import { eventAttempts } from "./server-sent.ts";
import { learn, NOTHING_KNOWN, running, tooLong } from "./wait.ts";
import { type Attempt, startWatch, type Watch, type WatchOptions, type WatchStatus } from "./watch.ts";

/** What a client connects by. */
export interface Connections {
  /** "http://host:port", without a slash at the end. */
  readonly address: string;
  /** Bearer token; undefined: none is sent. */
  readonly token: string | undefined;
  /** For calls. */
  readonly transport: Transport;
  /** For an attempt of a watch: one that fell silent may share its connection with nothing. */
  separate(): { readonly transport: Transport; close(): void };
  /** Reads server-sent events. Default: the global `fetch`. */
  readonly fetch?: (
    url: string,
    init: { headers: Record<string, string>; signal: AbortSignal; cache: "no-store" },
  ) => Promise<Response>;
  /** Closes all connections. */
  close(): void;
}

/** Watches that go on across cut connections, each with the request of its RPC. */
export interface Watches {
  readonly instance: WatchOf<typeof instanceFeed>;
  readonly applications: WatchOf<typeof applicationFeed>;
  readonly deployments: WatchOf<typeof deploymentFeed>;
  readonly replicas: WatchOf<typeof replicaFeed>;
  readonly scalingDecisions: WatchOf<typeof decisionFeed>;
}

/** A function that begins a watch. */
export type WatchOf<F> =
  F extends Feed<infer Request, infer _, infer Resource>
    ? (request?: MessageInitShape<Request>, options?: WatchOptions) => Watch<Resource>
    : never;

/** Options of {@link Client.waitUntilRunning}. */
export interface WaitOptions {
  /** Infinity is none. Default: 60 s. */
  readonly timeoutMs?: number;
  /** Ends the wait with CANCELED. */
  readonly signal?: AbortSignal;
}

/** Clients of every service of the API at one address, and what goes beyond single calls. */
export interface Client extends Disposable {
  /** Where it calls. */
  readonly address: string;
  readonly instance: ServiceClient<typeof InstanceService>;
  readonly applications: ServiceClient<typeof ApplicationService>;
  readonly deployments: ServiceClient<typeof DeploymentService>;
  readonly tokens: ServiceClient<typeof TokenService>;
  readonly watch: Watches;
  /** For clients of further services. */
  readonly transport: Transport;
  /**
   * Resolves with an application, called as in its config, once it runs as it was last written. Rejects with
   * ApplicationFailedError where it failed or is not there, with DEADLINE_EXCEEDED after `timeoutMs`; it goes on then.
   */
  waitUntilRunning(application: string, options?: WaitOptions): Promise<Application>;
  /** Ends what runs and closes all connections; calls after that fail with CANCELED. */
  close(): void;
}

const WAIT_MS = 60_000;

/** Makes a {@link Client}. */
export function clientOver(connections: Connections, time: Time): Client {
  const { transport, address } = connections;
  const ended = new AbortController();

  const watching =
    <Request extends DescMessage, Response extends DescMessage, Resource>(feed: Feed<Request, Response, Resource>) =>
    (request?: MessageInitShape<Request>, options: WatchOptions = {}): Watch<Resource> => {
      const signal = options.signal === undefined ? ended.signal : AbortSignal.any([options.signal, ended.signal]);
      const given = (request ?? {}) as MessageInitShape<Request> & WatchRequest;
      const attempt = options.via === "sse" ? eventAttempts(connections, feed) : callAttempts(connections, feed);
      return startWatch(feed, given, attempt, time, { ...options, signal });
    };

  const watch: Watches = {
    instance: watching(instanceFeed),
    applications: watching(applicationFeed),
    deployments: watching(deploymentFeed),
    replicas: watching(replicaFeed),
    scalingDecisions: watching(decisionFeed),
  };

  const close = (): void => {
    ended.abort();
    connections.close();
  };

  return {
    address,
    transport,
    watch,
    close,
    [Symbol.dispose]: close,
    instance: createClient(InstanceService, transport),
    applications: createClient(ApplicationService, transport),
    deployments: createClient(DeploymentService, transport),
    tokens: createClient(TokenService, transport),
    async waitUntilRunning(application, { timeoutMs = WAIT_MS, signal } = {}) {
      const name = applicationName(application);
      const late = new AbortController();
      const timer = time.clock.timer(Math.min(timeoutMs, MOST_TIMER_MS), () => late.abort());
      let waiting = NOTHING_KNOWN;
      let failure: ConnectError | undefined;
      const onStatus = (status: WatchStatus): void => {
        failure = status.kind === "cut" ? status.error : undefined;
      };
      try {
        const either = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
        for await (const event of watch.applications({ names: [name] }, { signal: either, onStatus })) {
          waiting = learn(waiting, event);
          const done = running(name, waiting);
          if (done !== undefined) return done;
        }
      } finally {
        timer.cancel();
      }
      if (late.signal.aborted)
        throw new ConnectError(tooLong(name, waiting, timeoutMs, failure), Code.DeadlineExceeded);
      throw new ConnectError(`the wait for ${name} was ended`, Code.Canceled);
    },
  };
}

/** Attempts of a watch, each over connections of its own. */
export function callAttempts<Request extends DescMessage, Response extends DescMessage, Resource>(
  connections: Pick<Connections, "separate">,
  feed: Feed<Request, Response, Resource>,
): Attempt<Request, Response> {
  return async function* (request, signal) {
    const { transport, close } = connections.separate();
    try {
      yield* feed.call(transport, request, { signal });
    } finally {
      close();
    }
  };
}
