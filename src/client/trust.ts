/** Whom a client on Node believes over TLS. */
import type * as http from "node:http";
import * as https from "node:https";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";

/** Certificates to trust instead of the usual ones. */
export interface Trust {
  /** PEM. */
  readonly ca: string | Buffer;
  /** `ca` is the server's own certificate, and that server is meant, whatever it is called. */
  readonly own?: true;
}

/** Options of `tls.connect` and of what is above it. */
export interface TrustOptions {
  ca?: string | Buffer;
  allowPartialTrustChain?: boolean;
  checkServerIdentity?: () => undefined;
}

/** See {@link TrustOptions}; empty where Node's own authorities are trusted. */
export function tlsOptions(trust: Trust | undefined): TrustOptions {
  if (trust === undefined) return {};
  if (trust.own !== true) return { ca: trust.ca };
  // It need not have signed itself, and its name need not be the address; that it is the one is checked all the same.
  return { ca: trust.ca, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
}

/** What {@link fetchTrusting}'s `fetch` takes. */
interface TrustedInit {
  readonly method?: "GET" | "DELETE";
  readonly headers: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** A `fetch` without request bodies, with certificate authorities of its own, which the global one cannot have. */
export function fetchTrusting(trust: Trust): (url: string, init: TrustedInit) => Promise<Response> {
  return (url, { method = "GET", headers, signal }) =>
    new Promise((resolve, reject) => {
      const answered = (answer: http.IncomingMessage): void => {
        const body = Readable.toWeb(answer) as ReadableStream<Uint8Array>;
        try {
          resolve(new Response(body, { status: answer.statusCode ?? 0 }));
        } catch (error) {
          // A status that goes with no body.
          answer.destroy();
          reject(error);
        }
      };
      const options = {
        method,
        headers,
        agent: false,
        ...tlsOptions(trust),
        ...(signal === undefined ? {} : { signal }),
      };
      https.request(url, options, answered).on("error", reject).end();
    });
}
