import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import type { Clock, Timer } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import { type ZipLimits, zipTooLarge } from "./limits.ts";
import { BuildError } from "./resolve.ts";

/** What a server said of a zip that was fetched before. */
export interface KnownZip {
  /** A strong ETag: equal means equal bytes. */
  readonly etag: string;
  /** Where it came from, after redirects: SHA-256 of the URL, which may hold secrets. */
  readonly source: string;
  /** SHA-256 of the zip, as hex. */
  readonly hash: string;
}

/** The zip that a URI holds now. `known`: one to come back to, when its server has an ETag for it. */
export type FetchedZip =
  | { readonly kind: "unchanged"; readonly hash: string }
  | { readonly kind: "written"; readonly hash: string; readonly known: KnownZip | null };

/** What fetching needs beside the URI. */
export interface FetchContext {
  readonly clock: Clock;
  readonly limits: ZipLimits;
}

/**
 * Writes the zip at an http://, https:// or file:// URI to `path`, unless the server says that it is still the one
 * that is `known`. Throws a BuildError that says what went wrong without naming the URI, which may hold secrets.
 */
export async function fetchZip(
  uri: string,
  path: string,
  known: KnownZip | null,
  context: FetchContext,
): Promise<FetchedZip> {
  const url = parse(uri);
  if (url.protocol !== "file:") return await download(url, path, known, context);
  return { kind: "written", hash: await copyFile(url, path, context.limits), known: null };
}

function parse(uri: string): URL {
  const url = URL.parse(uri.trim());
  if (url !== null && ["http:", "https:", "file:"].includes(url.protocol)) return url;
  throw new BuildError("must be an http://, https:// or file:// URI of a zip");
}

async function copyFile(url: URL, path: string, limits: ZipLimits): Promise<string> {
  try {
    const source = fileURLToPath(url);
    // Only a plain file has an end that is sure to come.
    if (!(await stat(source)).isFile()) throw new BuildError("is not a file");
    return await write(createReadStream(source), path, limits);
  } catch (error) {
    if (error instanceof BuildError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new BuildError(missing ? "no such file" : `cannot be read: ${errorText(error)}`);
  }
}

async function download(url: URL, path: string, known: KnownZip | null, context: FetchContext): Promise<FetchedZip> {
  const { clock, limits } = context;
  const abort = new AbortController();
  const late = (what: string) => () => abort.abort(new BuildError(what));
  const whole = clock.timer(limits.downloadMs, late(`took longer than ${limits.downloadMs / 1000} s to download`));
  let silence: Timer | undefined;
  const heard = (): void => {
    silence?.cancel();
    const text = `the server was silent for ${limits.silenceMs / 1000} s`;
    silence = clock.timer(limits.silenceMs, late(text));
  };
  heard();
  try {
    const { response, source } = await follow(url, known, limits, abort.signal, heard);
    if (response.status === 304 && known !== null) return { kind: "unchanged", hash: known.hash };
    if (response.status !== 200) throw new BuildError(statusText(response));
    if (Number(response.headers.get("content-length") ?? 0) > limits.zipBytes) throw zipTooLarge(limits);
    const hash = await write(response.body ?? Readable.from([]), path, limits, heard);
    const etag = response.headers.get("etag");
    // A weak ETag may stand for other bytes.
    return { kind: "written", hash, known: etag?.startsWith('"') ? { etag, source, hash } : null };
  } catch (error) {
    if (abort.signal.aborted) throw abort.signal.reason;
    if (error instanceof BuildError) throw error;
    throw new BuildError(`cannot be fetched: ${networkText(error)}`);
  } finally {
    whole.cancel();
    silence?.cancel();
    abort.abort();
  }
}

/** Asks for a URL and for what it redirects to. */
async function follow(
  first: URL,
  known: KnownZip | null,
  limits: ZipLimits,
  signal: AbortSignal,
  heard: () => void,
): Promise<{ response: Response; source: string }> {
  const authorization = basicAuthorization(first);
  let url = first;
  for (let redirects = 0; ; redirects++) {
    const source = createHash("sha256").update(url.href).digest("hex");
    const plain = new URL(url);
    plain.username = plain.password = "";
    const response = await fetch(plain.href, {
      signal,
      redirect: "manual",
      headers: {
        "accept-encoding": "identity",
        ...(known?.source === source ? { "if-none-match": known.etag } : {}),
        // A server that we are sent on to must not learn the credentials of the first.
        ...(authorization !== null && plain.origin === first.origin ? { authorization } : {}),
      },
    });
    heard();
    const location = response.headers.get("location");
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return { response, source };
    await response.body?.cancel();
    if (redirects === limits.redirects) throw new BuildError(`redirects more than ${limits.redirects} times`);
    const next = URL.parse(location, url.href);
    if (next === null || !/^https?:$/.test(next.protocol)) {
      throw new BuildError("redirects to something that is no http:// or https:// URL");
    }
    if (url.protocol === "https:" && next.protocol === "http:") {
      throw new BuildError("redirects from https:// to http://, which is not followed");
    }
    url = next;
  }
}

function basicAuthorization({ username, password }: URL): string | null {
  if (username === "" && password === "") return null;
  const text = `${decode(username)}:${decode(password)}`;
  return `Basic ${Buffer.from(text).toString("base64")}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function statusText({ status, statusText }: Response): string {
  const answer = `the server answered ${`${status} ${statusText}`.trim()}`;
  if (status === 401 || status === 403) return `${answer}; are the credentials in the URL right?`;
  return status === 404 ? `${answer}; is the URL right?` : answer;
}

/** Of what fetch throws the cause says what happened. */
function networkText(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const { code = "" } = (cause ?? {}) as { code?: string };
  const text = errorText(cause ?? error);
  return text === "" ? code : text;
}

/** Writes a stream within the limits; returns its SHA-256. */
async function write(
  input: AsyncIterable<Uint8Array>,
  path: string,
  limits: ZipLimits,
  heard: () => void = () => {},
): Promise<string> {
  const hash = createHash("sha256");
  let bytes = 0;
  await pipeline(
    input,
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        heard();
        bytes += chunk.length;
        if (bytes > limits.zipBytes) throw zipTooLarge(limits);
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(path, { flags: "wx" }),
  );
  return hash.digest("hex");
}
