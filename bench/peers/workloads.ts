import { create, toBinary } from "@bufbuild/protobuf";
import { HelloRequestSchema } from "../../examples/grpc/greeter_pb.ts";
import type { GrpcLoadOptions, LoadOptions } from "../lib/load.ts";

/** What is sent; where to and for how long is said when it is. */
export type Load =
  | ({ readonly kind: "http" } & Omit<LoadOptions, "target" | "seconds" | "warmUpSeconds">)
  | ({ readonly kind: "grpc" } & Omit<GrpcLoadOptions, "target" | "seconds" | "warmUpSeconds">);

/** One row of the comparison. */
export interface Workload {
  readonly what: string;
  readonly load: Load;
  readonly unit: "requests" | "MB up" | "MB down" | "events";
  /** Bytes of one body or event. */
  readonly size?: number;
  /** The server has the first core alone, the generator the second. */
  readonly oneCore?: boolean;
}

const MB = 1_000_000;
const EVENT_BYTES = 32;
/** Of one stream: some of Ray Serve's do not end within a load, so events are counted and not streams. */
const EVENTS = 1_000;
const BODY_CONNECTIONS = 4;
/** The sweep. */
const CONNECTIONS = [1, 8, 32, 128];

/** The main row: the one the budgets speak of. */
export const MAIN = "no-op, 32 connections";
/** The same with one core for whatever serves. */
export const ONE_CORE = `${MAIN}, the server on one core`;

const noop = (connections: number): Workload => ({
  what: `no-op, ${connections} connection${connections === 1 ? "" : "s"}`,
  load: { kind: "http", connections },
  unit: "requests",
});

const up = (size: number): Workload => ({
  what: `bodies of ${size / MB} MB up, ${BODY_CONNECTIONS} connections`,
  load: { kind: "http", path: "/up", method: "POST", bodyBytes: size, connections: BODY_CONNECTIONS },
  unit: "MB up",
  size,
});

const down = (size: number): Workload => ({
  what: `bodies of ${size / MB} MB down, ${BODY_CONNECTIONS} connections`,
  load: { kind: "http", path: `/down?bytes=${size}`, connections: BODY_CONNECTIONS },
  unit: "MB down",
  size,
});

const grpc = (connections: number, streams: number): Workload => ({
  what: `gRPC unary, ${connections * streams} under way`,
  load: {
    kind: "grpc",
    path: "/greeter.v1.Greeter/SayHello",
    headers: { application: "greeter" },
    message: Buffer.from(toBinary(HelloRequestSchema, create(HelloRequestSchema, { name: "Ada" }))).toString("base64"),
    connections,
    streams,
  },
  unit: "requests",
});

/** All rows, in the order they are measured and printed. */
export const WORKLOADS: readonly Workload[] = [
  ...CONNECTIONS.map(noop),
  { ...noop(32), what: ONE_CORE, oneCore: true },
  {
    what: "a chain of two deployments, 32 connections",
    load: { kind: "http", path: "/chain", connections: 32 },
    unit: "requests",
  },
  up(MB),
  up(10 * MB),
  down(MB),
  down(10 * MB),
  {
    what: "server-sent events, 8 streams",
    load: { kind: "http", path: `/sse?events=${EVENTS}`, connections: 8 },
    unit: "events",
    size: EVENT_BYTES,
  },
  grpc(1, 1),
  grpc(8, 4),
];
