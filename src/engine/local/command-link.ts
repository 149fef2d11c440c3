import * as http from "node:http";
import type { Clock } from "../../core/clock.ts";
import { errorText } from "../../core/errors.ts";
import type { CommandSpec, StartRequest } from "../engine.ts";
import type { Link, LinkEvent } from "./link.ts";

/** Pauses between looks at a program that is starting. */
const FIRST_LOOK_MS = 10;
const LOOK_CAP_MS = 250;
/** Between looks whether a program that serves still runs, when nobody reports its end. */
const ALIVE_POLL_MS = 250;

/**
 * The link to a program of the user's: it is asked over HTTP on each of `candidates` (socket paths, "127.0.0.1:PORT"),
 * and reached where it answers first.
 */
export class CommandLink implements Link {
  readonly #spec: CommandSpec;
  readonly #clock: Clock;
  readonly #candidates: readonly string[];
  readonly #abort = new AbortController();
  #address: string | undefined;

  constructor(spec: CommandSpec, candidates: readonly string[], clock: Clock) {
    this.#spec = spec;
    this.#candidates = candidates;
    this.#clock = clock;
  }

  async follow(
    _request: StartRequest,
    _runtime: unknown,
    alive: () => boolean,
    report: (event: LinkEvent) => void,
  ): Promise<void> {
    const { signal } = this.#abort;
    const deadline = this.#clock.monotonic() + this.#spec.readinessTimeoutS * 1000;
    let pauseMs = FIRST_LOOK_MS;
    let last = "nothing listens";
    while (!signal.aborted && alive() && this.#address === undefined) {
      for (const address of this.#candidates) {
        const error = await this.#ask(address, 5_000);
        if (error === null) {
          this.#address = address;
          break;
        }
        if (error !== "nothing listens") last = error;
      }
      if (this.#address !== undefined) break;
      if (this.#clock.monotonic() >= deadline) {
        const where = this.#candidates.map((address) =>
          address.startsWith("/") ? "$WINDLASS_SOCKET" : `$PORT (${address})`,
        );
        report({
          kind: "failed",
          error: `GET ${this.#spec.readinessPath} was not answered on ${where.join(" or ")} within ${this.#spec.readinessTimeoutS} s: ${last}`,
        });
        return;
      }
      await this.#clock.sleep(pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, LOOK_CAP_MS);
    }
    if (this.#address !== undefined) report({ kind: "ready", address: `plain:${this.#address}` });
    while (!signal.aborted && alive()) await this.#clock.sleep(ALIVE_POLL_MS, signal);
    if (!signal.aborted) report({ kind: "lost" });
  }

  /** A program is told nothing: what can change without a restart concerns only its callers. */
  async reconfigure(): Promise<void> {}

  async checkHealth(timeoutMs: number): Promise<void> {
    const error = this.#address === undefined ? "nothing listens" : await this.#ask(this.#address, timeoutMs);
    if (error !== null) throw new Error(`GET ${this.#spec.readinessPath}: ${error}`);
  }

  /** SIGTERM is how a program is told. */
  async stop(): Promise<void> {
    throw new Error("a command is stopped by SIGTERM");
  }

  close(): void {
    this.#abort.abort();
  }

  /** null when the readiness path is answered with a status below 400, else what happened. */
  #ask(address: string, timeoutMs: number): Promise<string | null> {
    const [host, port] = address.split(":");
    const target = address.startsWith("/") ? { socketPath: address } : { host, port: Number(port) };
    return new Promise((resolve) => {
      const request = http.get(
        { ...target, path: this.#spec.readinessPath, agent: false, headers: { host: "localhost" } },
        (response) => {
          response.resume();
          const { statusCode = 0 } = response;
          done(statusCode < 400 ? null : `status ${statusCode}`);
        },
      );
      const timer = this.#clock.timer(timeoutMs, () => {
        done("timed out");
        request.destroy();
      });
      const done = (result: string | null): void => {
        timer.cancel();
        resolve(result);
      };
      request.on("error", (error: NodeJS.ErrnoException) => {
        const silent = error.code === "ECONNREFUSED" || error.code === "ENOENT";
        done(silent ? "nothing listens" : errorText(error));
      });
    });
  }
}
