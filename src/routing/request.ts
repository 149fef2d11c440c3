import { Readable } from "node:stream";
import type { ResponseHead } from "./channel.ts";
import type { RouterCall, RouterFailure } from "./outcome.ts";
import type { RouterRequest } from "./placement.ts";
import type { Router, RouterTarget } from "./router.ts";

/** What becomes of a request, as a value. The body ends with an `Error` whose `cause` is the failure if it breaks. */
export type RouterAnswer =
  | { readonly ok: true; readonly head: ResponseHead; readonly body: Readable }
  | { readonly ok: false; readonly failure: RouterFailure };

/**
 * {@link Router.send} for callers that want a promise and a stream, as handles do. Destroying the body cancels the
 * request; it must be read or destroyed.
 */
export function request(router: Router, target: RouterTarget, options: RouterRequest): Promise<RouterAnswer> {
  return new Promise((resolve) => {
    let call: RouterCall | undefined;
    let body: Readable | undefined;
    call = router.send(target, options, {
      onHead(head) {
        body = new Readable({
          read: () => call?.resume(),
          destroy(error, done) {
            call?.cancel();
            done(error);
          },
        });
        // A break may come before the caller listens; whoever reads still sees the error.
        body.on("error", () => {});
        resolve({ ok: true, head, body });
      },
      onData: (chunk) => body!.push(chunk),
      onEnd: () => void body!.push(null),
      onFailed(failure) {
        if (body === undefined) resolve({ ok: false, failure });
        else body.destroy(new Error(`the response broke off (${failure.kind})`, { cause: failure }));
      },
    });
  });
}
