import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ECHO } from "../support/apps.ts";
import { api, eventually, ROOT, startWindlass, type Windlass, waitForStatus } from "../support/windlass.ts";
import { CASES, type CaseName, type ClientUnderTest, type Result, type Row, rowsOf } from "./cases.ts";
import { hostServices } from "./hosted.ts";
import { runHere } from "./node-cases.ts";
import { connectNode, grpcJs } from "./node-clients.ts";
import { runGo, runPython } from "./programs.ts";
import { type Cell, cellsOf, table } from "./table.ts";

const CONNECT = ["Connect, HTTP/1.1", "Connect, HTTP/2", "gRPC, HTTP/2", "gRPC-web, HTTP/1.1", "gRPC-web, HTTP/2"];
const CLIENTS: readonly ClientUnderTest[] = [
  {
    name: "connect-node",
    protocols: CONNECT,
    codecs: ["binary", "JSON"],
    run: (task) => runHere(connectNode, task),
  },
  {
    name: "connect-go",
    protocols: CONNECT,
    codecs: ["binary", "JSON"],
    run: (task) => runGo("connect-go", task),
  },
  {
    name: "grpc-go",
    protocols: ["gRPC, HTTP/2"],
    codecs: ["binary", "JSON"],
    run: (task) => runGo("grpc-go", task),
  },
  { name: "grpcio", protocols: ["gRPC, HTTP/2"], codecs: ["binary"], run: runPython },
  { name: "grpc-js", protocols: ["gRPC, HTTP/2"], codecs: ["binary"], run: (task) => runHere(grpcJs, task) },
];
const NAMES = Object.keys(CASES) as CaseName[];

/** All that grpc-js's server speaks. */
const grpcBinary = ({ protocol, codec }: Row): boolean => protocol === "gRPC, HTTP/2" && codec === "binary";

interface Run {
  readonly client: ClientUnderTest;
  readonly server: "windlass" | "grpc-js";
  readonly rows: readonly Row[];
}

const RUNS: readonly Run[] = [
  ...CLIENTS.map((client) => ({ client, server: "windlass" as const, rows: rowsOf(client) })),
  ...CLIENTS.map((client) => ({ client, server: "grpc-js" as const, rows: rowsOf(client, grpcBinary) })),
];
const PLANNED = RUNS.flatMap(({ client, server, rows }) => cellsOf(client.name, server, rows, NAMES));

const done = new Map<string, Cell>();
const atEnd: (() => Promise<void>)[] = [];
let windlass: Windlass;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "wl-"));
  atEnd.push(async () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "app.ts"), ECHO);
  windlass = await startWindlass(["--app-dir", folder], {
    stateDir: join(folder, "state"),
    atEnd: (stop) => void atEnd.unshift(stop),
  });
  const config = { applications: [{ name: "interop", import_path: "./app.ts:app" }] };
  const put = await api(windlass, "/api/serve/applications/", { method: "PUT", body: config });
  expect([put.status, put.text]).toEqual([200, ""]);
  await waitForStatus(windlass, "interop", "RUNNING");
  const control = new URL(windlass.control).host;
  const hosted = await hostServices(control);
  atEnd.unshift(async () => hosted.close());
  const runs = CLIENTS.map(async (client) => {
    for (const { server, rows } of RUNS.filter((run) => run.client === client)) {
      const address = server === "windlass" ? control : hosted.address;
      const task = { address, token: windlass.token, rows, cases: NAMES };
      note(client.name, server, rows, await client.run(task));
    }
  });
  await Promise.all(runs);
}, 600_000);

afterAll(async () => {
  process.stdout.write(`\n${table(outcome())}\n\n`);
  for (const end of atEnd) await end();
}, 60_000);

function note(client: string, server: string, rows: readonly Row[], results: readonly Result[]): void {
  for (const { row, case: name, error } of results) {
    const cell = { client, server, row: rows[row]!, case: name as CaseName, error };
    done.set(keyOf(cell), cell);
  }
}

/** All planned cells, with what became of them. */
function outcome(): Cell[] {
  return PLANNED.map((cell) => done.get(keyOf(cell)) ?? cell);
}

function keyOf({ client, server, row: { protocol, codec, compression }, case: name }: Cell): string {
  return `${client} → ${server} · ${protocol} · ${codec} · ${compression} · ${name}`;
}

describe("clients made by others", () => {
  it.each(PLANNED.map((cell) => ({ key: keyOf(cell) })))("$key", ({ key }) => {
    const cell = done.get(key);
    expect(cell === undefined ? "it was not tried" : (cell.error ?? "passed")).toBe("passed");
  });

  it("leave no watch behind", async () => {
    const watchers = async (): Promise<string | undefined> =>
      /^windlass_watchers (\d+)$/m.exec((await api(windlass, "/metrics")).text)?.[1];
    let last: string | undefined;
    await eventually(
      async () => {
        last = await watchers();
        return last === "0";
      },
      () => `${last} watches are left`,
    );
  });
});

describe("docs/interop.md", () => {
  const page = readFileSync(join(ROOT, "docs", "interop.md"), "utf8");

  it("holds the table of what ran", () => {
    expect(page.slice(page.indexOf("| Client | Server |")).split("\n\n")[0]!.trimEnd()).toBe(table(outcome()));
  });

  it("says how many cells there are, and which cases", () => {
    expect(page).toContain(`${PLANNED.length} cells`);
    for (const [name, shows] of Object.entries(CASES)) {
      if (shows !== "the same") expect(page).toContain(`| ${name.replace("WatchInstance", "Watch…")} | ${shows} |`);
    }
  });

  it("names the versions that ran", () => {
    const go = readFileSync(join(import.meta.dirname, "go", "go.mod"), "utf8");
    const python = readFileSync(join(import.meta.dirname, "python", "requirements.txt"), "utf8");
    const ours = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    const versions = {
      "connect-node": ours.dependencies["@connectrpc/connect-node"],
      "grpc-js": ours.dependencies["@grpc/grpc-js"],
      grpcio: /^grpcio==(.*)$/m.exec(python)?.[1],
      "connect-go": /connectrpc\.com\/connect v(\S+)/.exec(go)?.[1],
      "grpc-go": /google\.golang\.org\/grpc v(\S+)/.exec(go)?.[1],
    };
    for (const [name, version] of Object.entries(versions)) expect(page).toContain(`${name} ${version}`);
  });
});
