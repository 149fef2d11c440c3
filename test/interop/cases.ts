/** What is tried with each client, protocol, codec and compression. */

/** A case's name, the same in every program, and what it shows. */
export const CASES = {
  unary: "a unary call",
  "large message": "a unary call with 288 kB",
  WatchInstance: "a stream of answers up to `synced`",
  WatchApplications: "the same",
  WatchDeployments: "the same",
  WatchReplicas: "the same",
  WatchScalingDecisions: "the same",
  bidi: "reflection, whose second question waits for the first answer",
  ErrorInfo: "a failed call's reason",
  BadRequest: "which field of a request was wrong",
  "error of a stream": "the reason where a stream fails",
  "no token": "a call that is refused before it is looked at",
  deadline: "a stream that its deadline ends",
  cancel: "a stream that its client leaves",
} as const;

/** See {@link CASES}. */
export type CaseName = keyof typeof CASES;

/** How calls are made. */
export interface Row {
  /** With the HTTP version, "gRPC-web, HTTP/1.1". */
  readonly protocol: string;
  readonly codec: "binary" | "JSON";
  readonly compression: "identity" | "gzip";
}

/** What became of a case; without an error it passed. */
export interface Result {
  /** Index of the row. */
  readonly row: number;
  readonly case: string;
  readonly error?: string;
}

/** What a program is given. */
export interface Task {
  /** "127.0.0.1:8265". */
  readonly address: string;
  readonly token: string;
  readonly rows: readonly Row[];
  readonly cases: readonly string[];
}

/** Something that runs cases. */
export interface ClientUnderTest {
  readonly name: string;
  readonly protocols: readonly string[];
  readonly codecs: readonly Row["codec"][];
  readonly run: (task: Task) => Promise<Result[]>;
}

/** Every way of calling that a client knows. */
export function rowsOf(
  { protocols, codecs }: ClientUnderTest,
  only: (row: Row) => boolean = () => true,
): readonly Row[] {
  const compressions = ["identity", "gzip"] as const;
  return protocols
    .flatMap((protocol) =>
      codecs.flatMap((codec) => compressions.map((compression) => ({ protocol, codec, compression }))),
    )
    .filter(only);
}

/** Whether a case can be tried: streams both ways need HTTP/2, and gRPC-web has none. */
export function applies(name: string, row: Row): boolean {
  return name !== "bidi" || (row.protocol.endsWith("HTTP/2") && !row.protocol.startsWith("gRPC-web"));
}
