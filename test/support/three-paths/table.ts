/** One table of cases, and what each way to an application gives for them. */
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { api, eventually, type Windlass } from "../windlass.ts";
import type { Order } from "./app.ts";
import type { Asked, Column, ColumnName, Sent } from "./columns.ts";

/** What the ways give; null: it cannot be asked that way. `inside` is as `handle` unless it says otherwise. */
export interface Given {
  readonly http: string | null;
  readonly grpc: string | null;
  readonly handle: string | null;
  readonly inside?: string | null;
  /** Why they differ. */
  readonly why: string;
}

/** A case. */
export interface Row {
  readonly title: string;
  /** The same everywhere, or what each way gives. */
  readonly gives: string | Given;
  /** Needs what it uses for itself: one way after the other. */
  readonly alone?: boolean;
  /** Does it one way, and tells what came of it. */
  run(trial: Trial): Promise<string>;
}

/** Cases of one theme. */
export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** Differences that are those of the protocols alone. */
export const WORDS = "The same in each protocol's own words.";

/** What a row gives one way. */
export function given({ gives }: Row, column: ColumnName): string | null {
  if (typeof gives === "string") return gives;
  return column === "inside" ? (gives.inside === undefined ? gives.handle : gives.inside) : gives[column];
}

/** A running instance, and the folder in which its applications say and hear. */
export class Stage {
  readonly windlass: Windlass;
  readonly columns: readonly Column[];
  /** Where applications say and hear. */
  readonly dir: string;

  constructor(windlass: Windlass, columns: readonly Column[], dir: string) {
    this.windlass = windlass;
    this.columns = columns;
    this.dir = dir;
    appendFileSync(join(dir, "said"), "");
  }

  /** Lines that begin with these words. */
  said(start: string): string[] {
    return readFileSync(join(this.dir, "said"), "utf8")
      .split("\n")
      .filter((line) => `${line} `.startsWith(`${start} `));
  }

  go(id: string): void {
    if (!existsSync(join(this.dir, `go-${id}`))) writeFileSync(join(this.dir, `go-${id}`), "");
  }
}

/** A case on its way through one column. */
export class Trial {
  readonly stage: Stage;
  readonly column: Column;
  /** Of its first order. */
  readonly id: string;

  constructor(stage: Stage, column: Column, id: string) {
    this.stage = stage;
    this.column = column;
    this.id = `${id}-${column.name}`;
  }

  /** Sends an order under the trial's id, or one of its own. */
  send(order: Omit<Order, "id"> & { id?: string }, asked?: Asked): Sent {
    return this.column.send({ id: this.id, ...order }, asked);
  }

  /** Waits until user code has begun with an order; resolves with its replica's pid. Fails if the answer comes first. */
  async begun(id: string = this.id, times = 1): Promise<number> {
    return eventually(
      () => {
        const lines = this.stage.said(`began ${id}`);
        return lines.length >= times && Number(lines.at(-1)!.split(" ")[2]);
      },
      () => `nobody began with ${id}`,
    );
  }

  /** Waits until user code says a word of an order. */
  async heard(word: string, id: string = this.id): Promise<void> {
    await eventually(
      () => this.stage.said(`${word} ${id}`).length > 0,
      () => `nobody said: ${word} ${id}`,
    );
  }

  go(id: string = this.id): void {
    this.stage.go(id);
  }
}

/** All that came, as text. */
export const textOf = ({ pieces }: Sent): string => Buffer.concat(pieces).toString();

/** Waits for the first piece. */
export async function first(sent: Sent): Promise<void> {
  await eventually(
    () => sent.pieces.length > 0,
    () => "no piece came",
  );
}

/** Runs a row all ways and tells what each gave. */
export async function runRow(stage: Stage, row: Row, id: string): Promise<Record<string, string | null>> {
  const found: Record<string, string | null> = {};
  const one = async (column: Column): Promise<void> => {
    found[column.name] = null;
    if (given(row, column.name) === null) return;
    found[column.name] = await row
      .run(new Trial(stage, column, id))
      .catch((error: unknown) => `failed: ${(error as Error).message}`);
  };
  if (row.alone) for (const column of stage.columns) await one(column);
  else await Promise.all(stage.columns.map(one));
  return found;
}

/** What a row is to give. */
export function expected(stage: Stage, row: Row): Record<string, string | null> {
  return Object.fromEntries(stage.columns.map(({ name }) => [name, given(row, name)]));
}

/** The access line of a request in the logs whose names begin so, without its time; waits for it. */
export async function line(stage: Stage, log: string, requestId: string): Promise<string> {
  const folder = join(stage.windlass.stateDir, "logs");
  return eventually(
    () => {
      const files = readdirSync(folder).filter((name) => name.startsWith(log) && name.endsWith(".log"));
      const lines = files.flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"));
      const found = lines.find((line) => / [\d.]+ms /.test(line) && line.includes(`request_id=${requestId}`));
      return found === undefined ? undefined : / info (.*) [\d.]+ms /.exec(found)![1]!;
    },
    () => `no line in ${log}* has ${requestId}`,
  );
}

/** Whether it goes by a handle, from wherever. */
export const byHandle = ({ column }: Trial): boolean => column.name === "handle" || column.name === "inside";

/** Waits until everybody counts nothing: proxies, and the routers of proxies, programs and replicas. */
export async function nothingLeft({ windlass }: Stage): Promise<void> {
  const gauges = [
    "serve_num_ongoing_http_requests",
    "serve_num_ongoing_grpc_requests",
    "serve_autoscaling_total_requests",
  ];
  for (const gauge of gauges) {
    let lines: string[] = [];
    await eventually(
      async () => {
        const { text } = await api(windlass, "/metrics");
        lines = text.split("\n").filter((line) => line.startsWith(`${gauge}{`));
        return lines.length > 0 && lines.every((line) => line.endsWith(" 0"));
      },
      () => `what is left: ${lines.join(", ") || `no ${gauge}`}`,
    );
  }
}
