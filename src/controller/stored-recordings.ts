/** What an instance that is stopped recorded of its autoscaler, read from its store. */
import { loadBetween, type RecordedLoad, recordedLoad } from "../autoscaling/recorded-load.ts";
import type { Store } from "../store/store.ts";
import { recordedEntries } from "./autoscale-decisions.ts";
import type { ScalingRecord } from "./autoscale-memory.ts";
import { keys } from "./records.ts";

/**
 * The load on a deployment between two moments, epoch seconds, as far as it was recorded: until the last write of the
 * autoscaler, which an instance makes as it stops; of one that was killed nobody knows how long it lived after it.
 * undefined: nothing of that time is kept.
 */
export function storedLoad(
  store: Pick<Store, "range">,
  application: string,
  deployment: string,
  { fromS, toS }: { readonly fromS: number; readonly toS: number },
): RecordedLoad | undefined {
  const key = keys.scaling(application, deployment);
  // The key of one deployment may begin as that of another.
  const saved = store.range(key).find((one) => one.key === key);
  const { savedAtS = Number.NEGATIVE_INFINITY } = saved === undefined ? {} : (JSON.parse(saved.value) as ScalingRecord);
  const load = recordedLoad(recordedEntries(store, application, deployment), savedAtS);
  return load && loadBetween(load, fromS, toS);
}
