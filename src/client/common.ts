/** What `windlass/client` and `windlass/client/web` have in common. */
export { create } from "@bufbuild/protobuf";
export { durationFromMs, timestampDate } from "@bufbuild/protobuf/wkt";
export { Code, ConnectError, type Interceptor, type Transport } from "@connectrpc/connect";
export { applicationName, deploymentName, parseName, replicaName } from "../core/names.ts";
export type { Client, WaitOptions, Watches, WatchOf } from "./client.ts";
export { applicationConfig, deployConfig } from "./config-document.ts";
export * as configV1 from "./config-messages.ts";
export { metadataOf, reasonOf, type Violation, violationsOf } from "./errors.ts";
export type { Deleted, Reset, Synced, Updated, WatchEvent } from "./events.ts";
export type { AnyResource } from "./feeds.ts";
export * as v1 from "./messages.ts";
export type { CallDefaults } from "./options.ts";
export { type ServerSentEvent, serverSentEvents } from "./server-sent.ts";
export { ApplicationFailedError } from "./wait.ts";
export type { Watch, WatchOptions, WatchStatus } from "./watch.ts";
