/** Trailers of answers: headers that are known only once the body is out, such as a checksum or what a stream cost. */
import { TRAILERS } from "./brands.ts";

type Fields = NonNullable<ConstructorParameters<typeof Headers>[0]>;

/** Trailers as `new Headers` takes them, or a function that is asked for them once the body is out. */
export type ResponseTrailers = Fields | (() => Fields | Promise<Fields>);

/**
 * Gives an answer trailers, and returns it. They reach clients that say `TE: trailers`, over HTTP/1.1 and HTTP/2; others
 * get the answer without. Names that belong to the head (`content-length`, `set-cookie` and the like) are left out.
 */
export function withTrailers(response: Response, trailers: ResponseTrailers): Response {
  Object.defineProperty(response, TRAILERS, { value: trailers, configurable: true });
  return response;
}

/** What {@link withTrailers} gave an answer. */
export function trailersOf(response: Response): ResponseTrailers | undefined {
  return (response as { readonly [TRAILERS]?: ResponseTrailers })[TRAILERS];
}

/** The trailers as name, value, …, names in lower case. */
export async function readTrailers(trailers: ResponseTrailers): Promise<string[]> {
  const headers = new Headers(typeof trailers === "function" ? await trailers() : trailers);
  return [...headers].flat();
}
