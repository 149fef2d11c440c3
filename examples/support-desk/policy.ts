import type { AutoscalingPolicy } from "windlass";

/** As many replicas as it takes for each to write `perReplica` answers at a time, by what they say themselves. */
export const byAnswers: AutoscalingPolicy<{ perReplica: number }> = ({ aggregatedMetrics }, { perReplica }) => {
  const writing = Object.values(aggregatedMetrics["writing"] ?? {}).reduce((sum, each) => sum + each, 0);
  return { desired: Math.ceil(writing / perReplica) };
};
