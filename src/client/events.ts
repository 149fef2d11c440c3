/** Forget what you knew: the present state follows, up to `synced`. Also the first event of a watch from 0. */
export interface Reset {
  readonly kind: "reset";
  readonly revision: bigint;
}

/** A resource was created, changed, or is part of the present state. */
export interface Updated<Resource> {
  readonly kind: "updated";
  readonly revision: bigint;
  /** Its resource name; "instance" for the instance, the deployment's for a scaling decision. */
  readonly name: string;
  readonly resource: Resource;
}

/** A resource is no more. */
export interface Deleted {
  readonly kind: "deleted";
  readonly revision: bigint;
  /** Its resource name. */
  readonly name: string;
}

/** The present state is complete; changes follow. */
export interface Synced {
  readonly kind: "synced";
  readonly revision: bigint;
}

/** What a watch tells. `revision` is that of the store that brought it. */
export type WatchEvent<Resource> = Reset | Updated<Resource> | Deleted | Synced;

/** What one message of a watch says; `event` is undefined for progress. */
export interface Step<Resource> {
  readonly revision: bigint;
  readonly event: Exclude<WatchEvent<Resource>, Reset> | undefined;
}
