/**
 * What the client of every language has to show against a live instance (test/clients/README.md says how). Each
 * program prints `ok <name>` or `not ok <name>: <why>` for each of them.
 */
export const CLIENT_CASES = [
  "takes address and token from the environment",
  "deploys an application and waits until it runs",
  "reads applications, deployments and replicas",
  "scales with the scaler token of the application",
  "tells UNAUTHENTICATED of an unknown token",
  "tells PERMISSION_DENIED of a scaler that deploys",
  "tells NOT_FOUND of an application that is not there",
  "tells INVALID_CONFIG with each violation",
  "tells EXTERNAL_SCALER_DISABLED",
  "tells STALE_ETAG",
  "tells HISTORY_COMPACTED of a watch from long ago",
  "ends a call at its deadline",
  "tries a safe call again",
  "does not try a write again",
  "watches what is, synced, then each change",
  "watches on over cuts without a gap or a repeat",
  "begins anew with the present state where history is gone",
  "notices a half-open connection",
  "leaves a watch cleanly",
  "deletes the application",
] as const;

/** The name of a case. */
export type ClientCase = (typeof CLIENT_CASES)[number];
