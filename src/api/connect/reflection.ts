/** grpc.reflection v1 and v1alpha: tells clients such as grpcurl what the port serves. Any role may ask. */
import type { ConnectRouter } from "@connectrpc/connect";
import {
  type ServerReflectionRequest as Request,
  ServerReflection,
} from "../../../gen/grpc/reflection/v1/reflection_pb.ts";
import {
  type ServerReflectionRequest as AlphaRequest,
  ServerReflection as ServerReflectionAlpha,
} from "../../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { WindlassError } from "../../core/errors.ts";
import { type ReflectedServices, reflectionAnswers } from "../../observability/reflection.ts";

/** What {@link registerReflection} tells of. */
export interface ReflectionOptions extends ReflectedServices {
  /** Ends every stream. */
  readonly closed: AbortSignal;
}

/** Registers both versions; they have the same messages under two names. */
export function registerReflection(router: ConnectRouter, options: ReflectionOptions): void {
  const answer = reflectionAnswers(options);
  const answers = <R extends Request | AlphaRequest>(requests: AsyncIterable<R>) =>
    mapUntil(requests, options.closed, answer<R>);
  router.service(ServerReflection, { serverReflectionInfo: answers<Request> });
  router.service(ServerReflectionAlpha, { serverReflectionInfo: answers<AlphaRequest> });
}

/** One answer a request. Fails with INSTANCE_UNAVAILABLE once `closed` aborts, so that clients come back. */
async function* mapUntil<R, A>(
  requests: AsyncIterable<R>,
  closed: AbortSignal,
  answer: (request: R) => A,
): AsyncGenerator<A> {
  const source = requests[Symbol.asyncIterator]();
  let stop = (): void => {};
  const stopped = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    closed.addEventListener("abort", stop, { once: true });
    if (closed.aborted) stop();
  });
  try {
    for (;;) {
      const result = await Promise.race([source.next(), stopped]);
      if (result === undefined)
        throw new WindlassError("INSTANCE_UNAVAILABLE", "the controller is stopping: ask again");
      if (result.done === true) return;
      yield answer(result.value);
    }
  } finally {
    closed.removeEventListener("abort", stop);
  }
}
