/** An instance with the applications that the cases need. */
import { join } from "node:path";
import { disconnect } from "../../../src/sdk/index.ts";
import { tempDir } from "../temp-dir.ts";
import { api, ROOT, startWindlass } from "../windlass.ts";
import { grpcColumn, handleColumn, httpColumn, prefixOf } from "./columns.ts";
import { Stage } from "./table.ts";

/** An application of a config. */
export interface Staged {
  /** Of the ingress. */
  readonly paths?: object;
  readonly args?: object;
  readonly more?: object;
  /** Default: `app`. */
  readonly from?: string;
}

const ends: (() => unknown)[] = [];

/** Ends what {@link setStage} began, in any case: for `afterAll` of the file, which a hook cannot call. */
export async function endStage(): Promise<void> {
  for (const end of ends.splice(0).reverse()) await end();
}

/** Starts an instance, ended by {@link endStage}, on which these applications are deployed, and `relay`. */
export async function setStage(applications: Readonly<Record<string, Staged>>, top: object = {}): Promise<Stage> {
  const dir = tempDir((remove) => void ends.push(remove));
  const stateDir = join(dir, "state");
  const windlass = await startWindlass(["--no-instance", "--proxy-workers", "1"], {
    stateDir,
    atEnd: (stop) => void ends.push(stop),
  });
  // Handles of this process find the instance by it.
  process.env["WINDLASS_STATE_DIR"] = stateDir;
  const stage = new Stage(
    windlass,
    [httpColumn(windlass.http), grpcColumn(windlass.grpc), handleColumn("handle"), handleColumn("inside")],
    dir,
  );
  ends.push(async () => {
    for (const column of stage.columns) column.close();
    await disconnect();
  });
  await deploy(stage, applications, top);
  return stage;
}

/** Puts a config with these applications, and `relay`. */
export async function deploy(
  stage: Stage,
  applications: Readonly<Record<string, Staged>>,
  top: object = {},
): Promise<void> {
  const { dir } = stage;
  const body = {
    logging_config: {},
    ...top,
    applications: [
      ...Object.entries(applications).map(([name, { paths = {}, args = {}, more = {}, from = "app" }]) => ({
        name,
        route_prefix: prefixOf(name),
        import_path: `./app.ts:${from}`,
        args: { dir, ...args },
        ...more,
        deployments: [
          { name: "Paths", graceful_shutdown_timeout_s: 10, ...paths },
          { name: "Back", graceful_shutdown_timeout_s: 10 },
        ],
      })),
      {
        name: "relay",
        route_prefix: prefixOf("relay"),
        import_path: "./app.ts:relay",
        deployments: [{ name: "Relay", request_timeout_s: 600 }],
      },
    ],
  };
  const headers = { "x-windlass-base-dir": join(ROOT, "test/support/three-paths") };
  const { status, text } = await api(stage.windlass, "/api/serve/applications/", { method: "PUT", headers, body });
  if (status !== 200) throw new Error(`the config was refused: ${text}`);
}
