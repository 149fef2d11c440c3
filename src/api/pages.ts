/** Pages of lists that are ordered by name: a token is the last name of the page before. Pure. */
import { WindlassError } from "../core/errors.ts";

const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1000;

/** One page of `items` (ordered by `nameOf`) and the token of the next, "" on the last. Throws INVALID_REQUEST. */
export function pageOf<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  request: { pageSize: number; pageToken: string },
): { items: T[]; nextPageToken: string } {
  if (request.pageSize < 0) {
    throw new WindlassError("INVALID_REQUEST", `page_size ${request.pageSize} must be >= 0: 0 means 100`);
  }
  const size = Math.min(request.pageSize === 0 ? DEFAULT_PAGE_SIZE : request.pageSize, MAX_PAGE_SIZE);
  const after = request.pageToken === "" ? undefined : decodeToken(request.pageToken);
  const rest = after === undefined ? items : items.filter((item) => nameOf(item) > after);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  return { items: page, nextPageToken: rest.length > size && last !== undefined ? encodeToken(nameOf(last)) : "" };
}

function encodeToken(name: string): string {
  return Buffer.from(`p1:${name}`, "utf8").toString("base64url");
}

function decodeToken(token: string): string {
  const text = Buffer.from(token, "base64url").toString("utf8");
  if (text.startsWith("p1:")) return text.slice(3);
  throw new WindlassError("INVALID_REQUEST", "page_token is not one we gave: send a next_page_token as it came");
}
