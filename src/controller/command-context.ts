import type { TlsFiles } from "../core/tls-files.ts";
import type { BuildRequest } from "../engine/engine.ts";
import type { NewId } from "./application-state.ts";

/** What every command may look at besides the draft. */
export interface CommandContext {
  readonly now: number;
  readonly newId: NewId;
  /** Whether a bundle or an unpacked working dir is still there. */
  readonly hasBundle: (path: string) => boolean;
  /** What `windlass start` binds; beats `http_options`. */
  readonly bind: Bind;
}

/** What `windlass start` binds, and speaks there. */
export interface Bind {
  readonly host: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  /** Default: what `http_options` say. */
  readonly httpTls?: TlsFiles | undefined;
  /** Default: none. */
  readonly grpcTls?: TlsFiles | undefined;
}

/** What a command asks of the engine. */
export type CommandAction =
  | { readonly kind: "build"; readonly request: BuildRequest }
  | { readonly kind: "cancel-build"; readonly buildId: string };
