import * as http from "node:http";
import * as https from "node:https";
import { tlsOptions } from "../client/trust.ts";
import { cannotConnect, type Target } from "./address.ts";
import type { CliError } from "./exit.ts";
import { refusal } from "./rest.ts";

/** Which lines are asked for. */
export interface LogQuery {
  readonly application: string;
  readonly deployment?: string | undefined;
  readonly replica?: string | undefined;
  /** Of each replica; undefined is the API's default. */
  readonly lines?: number | undefined;
  readonly follow?: boolean | undefined;
}

/** How a stream of lines ended. `lost`: it broke off. `refused`: there was none. */
export type LogEnd =
  | { readonly kind: "complete" }
  | { readonly kind: "lost" }
  | { readonly kind: "refused"; readonly error: CliError };

/** Reads log lines, each handed on whole with its line end, until they end or `signal` aborts. Never throws. */
export function streamLogs(
  target: Target,
  query: LogQuery,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<LogEnd> {
  return new Promise((resolve) => {
    // Not `fetch`: it gives up on bodies that are silent for minutes, which a log may be.
    const { get } = target.address.startsWith("https:") ? https : http;
    const authorization = target.token === undefined ? {} : { authorization: `Bearer ${target.token}` };
    const options = { headers: authorization, agent: false, signal, ...tlsOptions(target.trust) } as const;
    const request = get(urlOf(target, query), options, (response) => {
      const { statusCode = 0 } = response;
      let held = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        held += chunk;
        if (statusCode !== 200) return;
        const end = held.lastIndexOf("\n") + 1;
        if (end === 0) return;
        for (const line of held.slice(0, end).split(/(?<=\n)/)) onLine(line);
        held = held.slice(end);
      });
      response.once("error", () => resolve({ kind: signal.aborted ? "complete" : "lost" }));
      response.once("end", () => {
        if (statusCode === 200) resolve({ kind: "complete" });
        else resolve({ kind: "refused", error: refusal(target, statusCode, held) });
      });
    });
    // A server that vanished without a word is noticed.
    request.once("socket", (socket) => socket.setKeepAlive(true, 30_000));
    request.once("error", (error) => {
      resolve(signal.aborted ? { kind: "complete" } : { kind: "refused", error: cannotConnect(target, error) });
    });
  });
}

function urlOf(target: Target, { application, deployment, replica, lines, follow }: LogQuery): string {
  const query = new URLSearchParams();
  if (deployment !== undefined) query.set("deployment", deployment);
  if (replica !== undefined) query.set("replica", replica);
  if (lines !== undefined) query.set("lines", String(lines));
  if (follow) query.set("follow", "true");
  return `${target.address}/api/v1/applications/${encodeURIComponent(application)}/logs?${query}`;
}
