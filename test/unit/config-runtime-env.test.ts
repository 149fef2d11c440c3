import { describe, expect, it } from "vitest";
import { validateDeployConfig } from "../../src/config/check.ts";
import { desiredDeployments } from "../../src/controller/application-state.ts";
import type { ApplicationRecord, BuiltApplication } from "../../src/controller/records.ts";

const withApp = (more: object) => ({ applications: [{ name: "a", import_path: "m:app", ...more }] });
const inDeployment = (env: object, more: object = {}) =>
  withApp({ ...more, deployments: [{ name: "D", ray_actor_options: { runtime_env: env } }] });

describe("a runtime_env is accepted", () => {
  const uri = "https://me:pw@h:8/x.zip?a=b";
  it.each<[string, unknown, string[]]>([
    [
      "silently for what can be had and for empty wishes",
      withApp({ runtime_env: { env_vars: { A: "1" }, working_dir: uri, pip: [], conda: null } }),
      [],
    ],
    [
      "where a deployment repeats the application's folder",
      inDeployment({ working_dir: uri }, { runtime_env: { working_dir: uri } }),
      [],
    ],
    [
      "with a warning for keys that change nothing",
      withApp({ runtime_env: { config: { eager_install: true }, _ray_commit: "x", something: 1 } }),
      [
        "applications[0].runtime_env.config: has no effect",
        "applications[0].runtime_env._ray_commit: has no effect",
        "applications[0].runtime_env.something: is not a known key and has no effect",
      ],
    ],
    [
      "where each command has a zip of its own",
      {
        applications: [
          {
            name: "a",
            runtime_env: { working_dir: "file:///x.zip" },
            deployments: [
              { name: "D", command: ["./d"], ray_actor_options: { runtime_env: { working_dir: "file:///y.zip" } } },
            ],
          },
        ],
      },
      [],
    ],
  ])("%s", (_name, input, warnings) => {
    expect(validateDeployConfig(input)).toMatchObject({ ok: true, warnings });
  });
});

describe("a runtime_env that cannot be had is refused, with what to do instead", () => {
  const folder = (uri: unknown) => withApp({ runtime_env: { working_dir: uri } });
  const APP = "applications[0].runtime_env.";
  const DEPLOYMENT = "applications[0].deployments[0].ray_actor_options.runtime_env.";
  it.each<[string, unknown, string, RegExp]>([
    [
      "packages",
      withApp({ runtime_env: { pip: ["x"] } }),
      `${APP}pip`,
      /^is not supported: run other languages as a dep.* npm /,
    ],
    [
      "a container",
      withApp({ runtime_env: { container: { image: "x" } } }),
      `${APP}container`,
      /: start the container's/,
    ],
    ["packages of a deployment", inDeployment({ conda: "x" }), `${DEPLOYMENT}conda`, /^is not supported/],
    ["a typo", withApp({ runtime_env: { env_var: { A: "1" } } }), `${APP}env_var`, /did you mean env_vars\?$/],
    [
      "a store",
      folder("s3://b/x.zip"),
      `${APP}working_dir`,
      /^cannot be fetched from "s3:\/\/b\/x\.zip": write the http/,
    ],
    [
      "a relative file",
      folder("file://x.zip"),
      `${APP}working_dir`,
      /^is not a URI that can be fetched: .*file:\/\/\/abs/,
    ],
    ["an odd shape", folder("https:me:hunter2@h/x.zip"), `${APP}working_dir`, /^is not a URI that can be fetched/],
    ["a backslash", folder("http:\\\\h\\x.zip"), `${APP}working_dir`, /^is not a URI that can be fetched/],
    ["no host", folder("http:///"), `${APP}working_dir`, /^is not a URI that can be fetched/],
    [
      "a folder that is not the application's",
      inDeployment({ working_dir: "file:///y.zip" }),
      `${DEPLOYMENT}working_dir`,
      /^differs from the application's: all code of an application is built from one folder; set /,
    ],
  ])("%s", (_name, input, path, message) => {
    const result = validateDeployConfig(input);
    if (result.ok) throw new Error("it was accepted");
    expect(result.problems).toMatchObject([{ path, rule: "runtime-env" }]);
    expect(result.problems[0]!.message).toMatch(message);
    expect(result.problems[0]!.message).not.toContain("hunter2");
  });

  it("without repeating what is secret in a URI", () => {
    const text = JSON.stringify(validateDeployConfig(folder("s3://me:hunter2@b/x.zip?t=s3cret")));
    expect(text).toContain("s3://<redacted>@b/x.zip?<redacted>");
    const unknown = JSON.stringify(validateDeployConfig(folder("ftp://me:hunter2@b/x.zip?t=s3cret")));
    expect(unknown).toContain("ftp://<redacted>@b/x.zip?<redacted>");
    expect(text + unknown).not.toMatch(/hunter2|s3cret/);
  });

  it("where code asks for it, once that is known", () => {
    const application = { config: { import_path: "m:a" } } as unknown as ApplicationRecord;
    const wanted = (env: object) => {
      const deployment = { name: "D", options: { ray_actor_options: { runtime_env: env } }, outbound: [] };
      return desiredDeployments(application, {
        deployments: [deployment],
        ingress: "D",
      } as unknown as BuiltApplication);
    };
    const message = (pattern: RegExp) => ({ ok: false, message: expect.stringMatching(pattern) });
    expect(wanted({ pip: ["x"] })).toMatchObject(
      message(/^Deployment "D": ray_actor_options\.runtime_env\.pip is not supported/),
    );
    expect(wanted({ working_dir: "file:///x.zip" })).toMatchObject(
      message(/^Deployment "D": ray_actor_options\.runtime_env\.working_dir differs/),
    );
    expect(wanted({ env_vars: { A: "1" } })).toMatchObject({ ok: true });
  });
});

describe("the zip of a deployment", () => {
  const config = { import_path: "m:a", runtime_env: { working_dir: "file:///x.zip" } };
  const version = (hash: string | undefined) => {
    const workingDirs = hash === undefined ? {} : { workingDirs: { "file:///x.zip": { path: `/w/${hash}`, hash } } };
    const deployments = [{ name: "D", options: {}, outbound: [] }];
    const desired = desiredDeployments(
      { config } as unknown as ApplicationRecord,
      { deployments, ingress: "D", bundlePath: "/b", bundleHash: "b", exportName: "a", ...workingDirs } as never,
    );
    if (!desired.ok) throw new Error(desired.message);
    return desired.deployments[0]!.version;
  };

  it("is part of its version: other bytes mean other replicas, the same bytes the same", () => {
    expect(version("1")).toEqual(version("1"));
    expect(version("1").restart).not.toBe(version("2").restart);
    expect(version("1").restart).not.toBe(version(undefined).restart);
    expect(version("1").workingDir).toBe("/w/1");
    expect(version(undefined)).not.toHaveProperty("workingDir");
  });
});
