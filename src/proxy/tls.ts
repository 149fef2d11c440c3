import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../core/clock.ts";
import type { TlsFiles } from "../core/tls-files.ts";
import type { Logger } from "../observability/logger.ts";
import { readTls, type TlsMaterial } from "../tls/material.ts";
import { followTls } from "../tls/renewal.ts";

/** What serves over TLS. */
interface Renewed {
  renew(material: TlsMaterial): void;
}

/** Reads what a proxy's ports are served with; `follow` keeps them up to date. Fails with one line for a bad file. */
export function serveTls(
  options: { readonly tls: TlsFiles | undefined; readonly grpcTls: TlsFiles | undefined },
  clock: Clock,
  log: Logger,
): {
  readonly http: TlsMaterial | undefined;
  readonly grpc: TlsMaterial | undefined;
  follow(http: Renewed, grpc: Renewed | undefined): void;
} {
  const { tls, grpcTls } = options;
  const http = tls === undefined ? undefined : readTls(tls);
  const grpc = grpcTls === undefined ? undefined : readTls(grpcTls);
  const followOne = (files: TlsFiles | undefined, current: TlsMaterial | undefined, who: Renewed | undefined): void => {
    if (files === undefined || current === undefined || who === undefined) return;
    followTls({ files, current, clock, log, onRenewed: (material) => who.renew(material) });
  };
  return {
    http,
    grpc,
    follow(httpSide, grpcSide) {
      if (isDeepStrictEqual(tls, grpcTls)) {
        // The same files for both: looked at once, and told of once.
        const both = (material: TlsMaterial): void => {
          httpSide.renew(material);
          grpcSide?.renew(material);
        };
        followOne(tls, http, { renew: both });
        return;
      }
      followOne(tls, http, httpSide);
      followOne(grpcTls, grpc, grpcSide);
    },
  };
}
