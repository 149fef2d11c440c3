/** `windlass/testing`: applications and configs under test, without a server. */
export { type LocalApplication, type LocalOptions, runLocal } from "./local.ts";
