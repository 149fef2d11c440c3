/**
 * How the controller talks to a policy host: lines of JSON over the unix socket that the host listens on. One
 * connection counts, the newest. Whatever the host has loaded stays loaded from one connection to the next.
 */

/** What the controller says. */
export type ToHost =
  /** Answered by `loaded`, at once where this very policy is loaded, or by `load-failed`. */
  | { readonly kind: "load"; readonly policy: LoadRequest }
  /** Forgets a policy. */
  | { readonly kind: "drop"; readonly key: string }
  /** Answered by `began`, then `waits` where the policy waits for something, then `returned` or `failed`. */
  | { readonly kind: "ask"; readonly id: number; readonly key: string; readonly input: unknown };

/** A policy to load. */
export interface LoadRequest {
  /** Names it in questions; another generation of the same policy has another key. */
  readonly key: string;
  readonly policyFunction: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** Its bundle; null: it is made. */
  readonly built: { readonly bundlePath: string; readonly exportName: string } | null;
}

/** What the host says. */
export type FromHost =
  /** First on each connection; `place` is what the host was started with. */
  | { readonly kind: "hello"; readonly place: string }
  | { readonly kind: "loaded"; readonly key: string }
  | { readonly kind: "load-failed"; readonly key: string; readonly error: string }
  /** Its code begins to run: until `waits` or an answer nothing else can. */
  | { readonly kind: "began"; readonly id: number }
  | { readonly kind: "waits"; readonly id: number }
  | { readonly kind: "returned"; readonly id: number; readonly value: unknown; readonly warning: string | null }
  /** `error` is one line for users, with file:line where there is one. */
  | { readonly kind: "failed"; readonly id: number; readonly error: string }
  /** User code threw outside any call; the process ends next. */
  | { readonly kind: "crashed"; readonly error: string };

/** Where a host's code lies; the one argument of the process, as JSON. */
export interface HostPlace {
  readonly socketPath: string;
  readonly baseDir: string;
  /** The unpacked `runtime_env.working_dir` that the code is in; null: the base dir. */
  readonly workingDir: string | null;
  readonly bundlesDir: string;
  /** Tells hosts of one application apart; says it in `hello`. */
  readonly place: string;
}

/** What a policy may return, written as JSON: more could not be kept for it. */
export const MAX_OUTPUT_BYTES = 64 * 1024;

/** Splits what arrives into lines; `tooLong` when one is longer than `maxBytes`, after which nothing comes any more. */
export function lineReader(
  maxBytes: number,
  line: (text: string) => void,
  tooLong: () => void,
): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let length = 0;
  let ended = false;
  return (chunk) => {
    let rest = chunk;
    while (!ended) {
      const end = rest.indexOf(10);
      if (end < 0) {
        parts.push(rest);
        length += rest.length;
        ended = length > maxBytes;
        if (ended) tooLong();
        return;
      }
      const text = Buffer.concat([...parts, rest.subarray(0, end)]).toString("utf8");
      parts = [];
      length = 0;
      rest = rest.subarray(end + 1);
      line(text);
    }
  };
}

/** Says lines of JSON together: those of one go are one write, which `write` is given. */
export function lineWriter(write: (text: string) => void): { say(message: unknown): void; flush(): void } {
  let pending = "";
  const flush = (): void => {
    if (pending === "") return;
    const text = pending;
    pending = "";
    write(text);
  };
  return {
    say(message) {
      if (pending === "") process.nextTick(flush);
      pending += `${JSON.stringify(message)}\n`;
    },
    flush,
  };
}
