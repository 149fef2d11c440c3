import { expect, it } from "vitest";
import { commandFolders, commandRestarts } from "../../src/cli/restart-commands.ts";
import type { DeployConfig } from "../../src/config/types.ts";

const config: DeployConfig = {
  applications: [
    {
      name: "a",
      import_path: "windlass:command",
      deployments: [
        { name: "Here", command: ["x"], ingress: true },
        { name: "Below", command: ["x"], working_dir: "below", env: { KEY: "v" } },
      ],
    },
    { name: "b", import_path: "./b.ts:app", deployments: [{ name: "Code" }] },
  ],
};

/** env of each deployment. */
const envs = ({ applications }: DeployConfig) =>
  applications.flatMap(({ deployments = [] }) => deployments.map(({ env }) => env));

it("counts changes of files in the folder of a program, and leaves all else as it is", () => {
  const restarted = commandRestarts();
  expect(restarted(config, "/work", [])).toEqual(config);
  expect(restarted(config, "/work", ["/workshop/x", "/other/below/x"])).toEqual(config);
  expect(envs(restarted(config, "/work", ["/work/x", "/work/y"]))).toEqual([
    { WINDLASS_RELOAD: "1" },
    { KEY: "v" },
    undefined,
  ]);
  const second = restarted(config, "/work", ["/work/below/deep/x"]);
  expect(envs(second)).toEqual([{ WINDLASS_RELOAD: "2" }, { KEY: "v", WINDLASS_RELOAD: "1" }, undefined]);
  // What has changed once stays so: the program would start again otherwise.
  expect(restarted(config, "/work", [])).toEqual(second);
  expect(second.applications[1]).toBe(config.applications[1]);
});

it("knows the folders of programs", () => {
  expect(commandFolders(config, "/work")).toEqual(["/work", "/work/below"]);
});
