/** What an instance that is stopped recorded of its autoscaler, read from its store. */
import { loadBetween, type RecordedLoad, recordedLoad } from "../autoscaling/recorded-load.ts";
import type { Store } from "../store/store.ts";
import { recordedEntries } from "./autoscale-decisions.ts";

/**
 * The load on a deployment between two moments, epoch seconds, as far as it was recorded: until the last decision that was
 * written, since nobody knows how long the instance lived after it. undefined: nothing of that time is kept.
 */
export function storedLoad(
  store: Pick<Store, "range">,
  application: string,
  deployment: string,
  { fromS, toS }: { readonly fromS: number; readonly toS: number },
): RecordedLoad | undefined {
  const load = recordedLoad(recordedEntries(store, application, deployment), Number.NEGATIVE_INFINITY);
  return load && loadBetween(load, fromS, toS);
}
