/** A transport with a default deadline that leaves a connection on which a call came to its deadline. */
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { MOST_TIMER_MS } from "./retry.ts";

/** A transport and what closes its connections. */
export interface OwnTransport {
  readonly transport: Transport;
  close(): void;
}

/**
 * Makes transports as they are needed: where a call comes to its deadline, its connection may be dead, and later calls
 * get a new one; what still runs on the old one goes on. Calls have `timeoutMs` unless they say; streams have none.
 * After `close` calls fail with CANCELED.
 */
export function renewingTransport(make: () => OwnTransport, timeoutMs: number): OwnTransport {
  const all = new Set<Use>();
  let current: Use | undefined;
  let closed = false;

  const take = (): Use => {
    if (closed) throw new ConnectError("the client was closed; make a new one", Code.Canceled);
    if (current === undefined) {
      current = { own: make(), users: 0 };
      all.add(current);
    }
    current.users += 1;
    return current;
  };
  const leave = (use: Use): void => {
    use.users -= 1;
    if (use.users > 0 || use === current) return;
    all.delete(use);
    use.own.close();
  };
  const doubt = (use: Use, error: unknown): void => {
    if (use === current && error instanceof ConnectError && error.code === Code.DeadlineExceeded) current = undefined;
  };

  return {
    transport: {
      async unary(method, signal, givenMs, ...rest) {
        const use = take();
        try {
          return await use.own.transport.unary(method, signal, finite(givenMs ?? timeoutMs), ...rest);
        } catch (error) {
          doubt(use, error);
          throw error;
        } finally {
          leave(use);
        }
      },
      async stream(method, signal, givenMs, ...rest) {
        const use = take();
        try {
          const response = await use.own.transport.stream(method, signal, finite(givenMs), ...rest);
          return { ...response, message: leaving(response.message, () => leave(use)) };
        } catch (error) {
          doubt(use, error);
          leave(use);
          throw error;
        }
      },
    },
    close() {
      closed = true;
      for (const { own } of all) own.close();
      all.clear();
      current = undefined;
    },
  };
}

interface Use {
  readonly own: OwnTransport;
  users: number;
}

/** A timer ends at once where it is given infinity, or more than it can count. */
function finite(timeoutMs: number | undefined): number | undefined {
  return timeoutMs !== undefined && timeoutMs > MOST_TIMER_MS ? undefined : timeoutMs;
}

async function* leaving<T>(messages: AsyncIterable<T>, leave: () => void): AsyncGenerator<T> {
  try {
    yield* messages;
  } finally {
    leave();
  }
}
