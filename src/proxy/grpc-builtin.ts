import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthListResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/grpc/health/v1/health_pb.ts";
import { HealthzResponseSchema, ListApplicationsResponseSchema } from "../../gen/ray/serve/serve_pb.ts";
import { GrpcReflection } from "./grpc-reflection.ts";
import { answer, begin, fail, frame, GRPC_STATUS, type GrpcCall, isOver, readMessage } from "./grpc-wire.ts";
import { unhealthyText } from "./health.ts";

const API_SERVICE = "ray.serve.RayServeAPIService";

/** What the built-in services answer from. */
export interface GrpcState {
  readonly draining: boolean;
  readonly populated: boolean;
  readonly applications: ReadonlySet<string>;
}

interface Watcher {
  readonly call: GrpcCall;
  readonly service: string;
  sent: Status | undefined;
}

type Handler = (call: GrpcCall) => void;

/** The services that every proxy answers itself: the reference's own, the standard health service and reflection. */
export class BuiltinServices {
  readonly #state: () => GrpcState;
  readonly #watchers = new Set<Watcher>();
  readonly #methods: ReadonlyMap<string, Handler>;
  readonly #reflection: GrpcReflection;

  /** `reflection`: whether it is answered, or refused. */
  constructor(state: () => GrpcState, reflection: boolean) {
    this.#state = state;
    this.#reflection = new GrpcReflection(reflection);
    this.#methods = new Map<string, Handler>([
      [`/${API_SERVICE}/Healthz`, (call) => this.#healthz(call)],
      [`/${API_SERVICE}/ListApplications`, (call) => this.#listApplications(call)],
      ["/grpc.health.v1.Health/Check", (call) => this.#check(call)],
      ["/grpc.health.v1.Health/Watch", (call) => this.#watch(call)],
      ["/grpc.health.v1.Health/List", (call) => this.#list(call)],
    ]);
  }

  /** What answers `/pkg.Service/Method`; undefined: not one of these. */
  method(path: string): Handler | undefined {
    return this.#methods.get(path) ?? this.#reflection.method(path);
  }

  /** Tells watchers what has changed, and ends their calls when the proxy drains: they would hold it up. */
  changed(): void {
    for (const watcher of this.#watchers) this.#tell(watcher);
    if (this.#state().draining) this.#reflection.end();
  }

  #healthz(call: GrpcCall): void {
    this.#whileHealthy(call, () =>
      toBinary(HealthzResponseSchema, create(HealthzResponseSchema, { message: "success" })),
    );
  }

  #listApplications(call: GrpcCall): void {
    this.#whileHealthy(call, () => {
      const applicationNames = [...this.#state().applications];
      return toBinary(ListApplicationsResponseSchema, create(ListApplicationsResponseSchema, { applicationNames }));
    });
  }

  #whileHealthy(call: GrpcCall, response: () => Uint8Array): void {
    readMessage(call, () => {
      const message = unhealthyText(this.#state());
      if (message === undefined) answer(call, frame(response()));
      else fail(call, { status: GRPC_STATUS.unavailable, message });
    });
  }

  #check(call: GrpcCall): void {
    readService(call, (service) => {
      const status = this.#statusOf(service);
      if (status !== Status.SERVICE_UNKNOWN) answer(call, framedStatus(status));
      else fail(call, { status: GRPC_STATUS.notFound, message: `unknown service "${service}"` });
    });
  }

  #watch(call: GrpcCall): void {
    readService(call, (service) => {
      const watcher: Watcher = { call, service, sent: undefined };
      this.#watchers.add(watcher);
      call.stream.once("close", () => this.#watchers.delete(watcher));
      begin(call);
      this.#tell(watcher);
    });
  }

  #list(call: GrpcCall): void {
    readMessage(call, () => {
      const statuses = Object.fromEntries(
        ["", API_SERVICE].map((service) => [
          service,
          create(HealthCheckResponseSchema, { status: this.#statusOf(service) }),
        ]),
      );
      answer(call, frame(toBinary(HealthListResponseSchema, create(HealthListResponseSchema, { statuses }))));
    });
  }

  #tell(watcher: Watcher): void {
    const { call, service, sent } = watcher;
    if (isOver(call)) return;
    const status = this.#statusOf(service);
    // At most a few messages in a proxy's life, so none has to wait for a slow reader.
    if (status !== sent) call.stream.write(framedStatus(status));
    watcher.sent = status;
    if (this.#state().draining) call.stream.end();
  }

  #statusOf(service: string): Status {
    if (service !== "" && service !== API_SERVICE) return Status.SERVICE_UNKNOWN;
    return unhealthyText(this.#state()) === undefined ? Status.SERVING : Status.NOT_SERVING;
  }
}

function readService(call: GrpcCall, done: (service: string) => void): void {
  readMessage(call, (message) => {
    let service: string;
    try {
      service = fromBinary(HealthCheckRequestSchema, message).service;
    } catch {
      fail(call, { status: GRPC_STATUS.internal, message: "the request is not a grpc.health.v1.HealthCheckRequest" });
      return;
    }
    done(service);
  });
}

function framedStatus(status: Status): Buffer {
  return frame(toBinary(HealthCheckResponseSchema, create(HealthCheckResponseSchema, { status })));
}
