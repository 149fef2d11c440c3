/** Certificates are renewed while servers run: their files are looked at, and read anew when they have changed. */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import type { Clock, Timer } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import type { TlsFiles } from "../core/tls-files.ts";
import type { Logger } from "../observability/logger.ts";
import { readTls, type TlsMaterial } from "./material.ts";

/** Between looks; files that changed are read at the look after, when whoever writes them is done. */
export const LOOK_MS = 2_000;

/** What {@link followTls} needs. */
export interface RenewalOptions {
  readonly files: TlsFiles;
  /** What is served with. */
  readonly current: TlsMaterial;
  readonly clock: Clock;
  readonly log: Logger;
  /** Serves new connections with what was read. May throw: what was served with before stays. */
  readonly onRenewed: (material: TlsMaterial) => void;
}

/**
 * Follows the files until the process ends or it is told to stop. Files that make no sense, half of a pair among them,
 * change nothing: what was read last is kept, and one line in the log says why.
 */
export function followTls({ files, current, clock, log, onRenewed }: RenewalOptions): () => void {
  const paths = [files.certFile, files.keyFile, files.clientCaFile, files.keyPasswordFile].filter(
    (path) => path !== undefined,
  );
  let served = digest(current);
  let read = stamp(paths);
  let seen = read;
  let complaint = "";
  let timer: Timer;

  const look = (): void => {
    timer = clock.timer(LOOK_MS, look, { unref: true });
    const now = stamp(paths);
    const settled = now === seen;
    seen = now;
    if (!settled || now === read) return;
    read = now;
    try {
      const next = readTls(files);
      const text = digest(next);
      if (text !== served) {
        onRenewed(next);
        served = text;
        log.info("serves with the renewed TLS certificate", {
          certificate: files.certFile,
          fingerprint: next.fingerprint,
        });
      }
      complaint = "";
    } catch (error) {
      const line = errorText(error);
      if (line !== complaint)
        log.warn("keeps the TLS certificate it has: the new files cannot be used", { error: line });
      complaint = line;
    }
  };
  timer = clock.timer(LOOK_MS, look, { unref: true });
  return () => timer.cancel();
}

/** Changes when a file does; of links, what they lead to counts. */
function stamp(paths: readonly string[]): string {
  return paths
    .map((path) => {
      try {
        const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
        return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
      } catch {
        return "none";
      }
    })
    .join("|");
}

function digest({ context }: TlsMaterial): string {
  return createHash("sha256").update(JSON.stringify(context)).digest("hex");
}
