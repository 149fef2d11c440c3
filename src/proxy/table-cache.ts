import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { type RoutingTable, RoutingTableSchema } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import type { Clock } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import type { Logger } from "../observability/logger.ts";

/** Tables come in bursts while replicas start; the last one of a burst is what counts. */
const DEBOUNCE_MS = 100;

/** Keeps the last table in a file, so that a proxy that starts while the controller is away can serve. */
export interface TableCache {
  /** The table on disk; undefined where there is none that can be read. */
  read(): Promise<RoutingTable | undefined>;
  /** Writes soon, by rename. A failure is logged and changes nothing else. */
  write(table: RoutingTable): void;
}

/** `path` is written by one process only. */
export function createTableCache(path: string, clock: Clock, log: Logger): TableCache {
  let latest: RoutingTable | undefined;
  let busy = false;

  async function flush(): Promise<void> {
    const temporary = `${path}.new`;
    await mkdir(dirname(path), { recursive: true });
    while (latest !== undefined) {
      const table = latest;
      latest = undefined;
      await writeFile(temporary, toJsonString(RoutingTableSchema, table), { mode: 0o600 });
      await rename(temporary, path);
    }
  }

  return {
    async read() {
      try {
        return fromJsonString(RoutingTableSchema, await readFile(path, "utf8"), { ignoreUnknownFields: true });
      } catch {
        return undefined;
      }
    },
    write(table) {
      latest = table;
      if (busy) return;
      busy = true;
      clock.timer(
        DEBOUNCE_MS,
        () => {
          flush()
            .catch((error: unknown) => log.warn("cannot write the table cache", { path, error: errorText(error) }))
            .finally(() => {
              busy = false;
            });
        },
        { unref: true },
      );
    },
  };
}
