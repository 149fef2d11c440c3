import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { Application_State } from "../../gen/windlass/v1/application_pb.ts";
import type { RollbackApplicationRequest } from "../../gen/windlass/v1/application_service_pb.ts";
import { Revision_Cause, Revision_State } from "../../gen/windlass/v1/revision_pb.ts";
import { apiError, type FakeAnswers, type FeedMessage, fakeApi } from "../support/fake-api.ts";
import { runCli } from "../support/run-cli.ts";
import { tempDir } from "../support/temp-dir.ts";

const REVISIONS = [
  {
    number: 3n,
    cause: Revision_Cause.AUTO_ROLLBACK,
    rollbackOf: 1n,
    state: Revision_State.RUNNING,
    codeHash: "0123456789abcdef",
    actor: "controller",
    reason: 'Deployment "D": no such model\n\u001b[2Jboom',
    createTime: timestampFromMs(1_700_000_002_000),
  },
  {
    number: 2n,
    cause: Revision_Cause.SOURCES,
    state: Revision_State.FAILED,
    message: "it failed",
    actor: "token/x1",
    createTime: timestampFromMs(1_700_000_001_000),
  },
  {
    number: 1n,
    cause: Revision_Cause.CONFIG,
    state: Revision_State.SUPERSEDED,
    codeHash: "0123456789abcdef",
    actor: "admin",
    config: { name: "a", importPath: "./app.ts:app" },
    createTime: timestampFromMs(1_700_000_000_000),
  },
];

async function run(answers: FakeAnswers, ...argv: string[]) {
  const api = await fakeApi(answers);
  return runCli(argv, { env: { WINDLASS_ADDRESS: api.address } });
}

const listed = { listRevisions: () => ({ revisions: REVISIONS }) };

describe("windlass history", () => {
  it("prints a table, newest first, one line each whatever the texts hold", async () => {
    const { code, out } = await run({ applications: listed }, "history", "a");
    expect(code).toBe(0);
    expect(out).toBe(
      [
        "REVISION  WHEN                      WHO         CAUSE               STATE       CODE          MESSAGE",
        '3         2023-11-14T22:13:22.000Z  controller  auto-rollback of 1  RUNNING     0123456789ab  Deployment "D": no such model [2Jboom',
        "2         2023-11-14T22:13:21.000Z  token/x1    sources             FAILED      -             it failed",
        "1         2023-11-14T22:13:20.000Z  admin       config              SUPERSEDED  0123456789ab",
        "",
      ].join("\n"),
    );
  });

  it("prints everything with -o json, over several pages", async () => {
    const pages: Record<string, string> = { "": "2", "2": "3", "3": "" };
    const answers: FakeAnswers = {
      applications: {
        listRevisions: ({ parent, pageToken }) => {
          expect(parent).toBe("applications/a%20b");
          const index = Object.keys(pages).sort().indexOf(pageToken);
          return { revisions: [REVISIONS[index]!], nextPageToken: pages[pageToken]! };
        },
      },
    };
    const { code, out } = await run(answers, "history", "a b", "-o", "json");
    expect(code).toBe(0);
    const { revisions } = JSON.parse(out) as { revisions: Record<string, unknown>[] };
    expect(revisions.map(({ number }) => number)).toEqual([3, 2, 1]);
    expect(revisions[2]).toEqual({
      number: 1,
      state: "SUPERSEDED",
      message: "",
      cause: "CONFIG",
      rollback_of: 0,
      code_hash: "0123456789abcdef",
      actor: "admin",
      reason: "",
      create_time: "2023-11-14T22:13:20.000Z",
      config: { name: "a", import_path: "./app.ts:app" },
    });
  });

  it("says what to do about a name that stands for nothing", async () => {
    const refused = apiError(Code.NotFound, 'there is no application "x"', "NOT_FOUND");
    const answers: FakeAnswers = { applications: { listRevisions: () => Promise.reject(refused) } };
    const { code, err } = await run(answers, "history", "x");
    expect({ code, err }).toEqual({
      code: 1,
      err: 'windlass: there is no application "x"; `windlass status` shows what there is\n',
    });
  });
});

const app = (state: Application_State, revision: bigint): FeedMessage => ({
  revision: 9n,
  event: {
    case: "application",
    value: { name: "applications/a", state, generation: 4n, observedGeneration: 4n, revision },
  },
});
const SYNCED: FeedMessage = { revision: 9n, event: { case: "synced", value: true } };

function rolls(seen: RollbackApplicationRequest[]): NonNullable<FakeAnswers["applications"]> {
  return {
    ...listed,
    rollbackApplication(request) {
      seen.push(request);
      return { application: { name: "applications/a", revision: 3n }, rolledBackTo: 1n, revision: 9n };
    },
  };
}

describe("windlass rollback", () => {
  it.each([
    ["an application", { application: "a" }, "windlass status"],
    ["a revision", { application: "a", revision: "9" }, "windlass history a"],
  ])("says where to look when there is no such %s", async (_, metadata, command) => {
    const refused = apiError(Code.NotFound, "not found", "NOT_FOUND", metadata);
    const { err } = await run(
      { applications: { rollbackApplication: () => Promise.reject(refused) } },
      "rollback",
      "a",
    );
    expect(err).toBe(`windlass: not found; \`${command}\` shows what there is\n`);
  });

  it("asks for the last good revision, each time with another request id", async () => {
    const seen: RollbackApplicationRequest[] = [];
    const { code, out } = await run({ applications: rolls(seen) }, "rollback", "a", "--reason", "too slow");
    expect({ code, out }).toEqual({ code: 0, out: "a: goes back to revision 1, as revision 3\n" });
    await run({ applications: rolls(seen) }, "rollback", "a", "--to", "2");
    expect(seen[0]).toMatchObject({ name: "applications/a", toRevision: 0n, reason: "too slow", validateOnly: false });
    expect(seen[1]).toMatchObject({ toRevision: 2n, reason: "" });
    expect(seen[0]!.requestId).not.toBe(seen[1]!.requestId);
  });

  it("--dry-run changes nothing and says what would come", async () => {
    const seen: RollbackApplicationRequest[] = [];
    const { code, out } = await run({ applications: rolls(seen) }, "rollback", "a", "--dry-run", "--wait");
    expect({ code, out }).toEqual({ code: 0, out: "a: would go back to revision 1; nothing was changed\n" });
    expect(seen[0]?.validateOnly).toBe(true);
  });

  it("--wait ends when the application runs, and fails when it fails", async () => {
    const feed = (state: Application_State) => [{ send: [app(state, 3n), SYNCED], end: "hold" as const }];
    const good = await run(
      { applications: rolls([]), feed: feed(Application_State.RUNNING) },
      "rollback",
      "a",
      "--wait",
    );
    expect({ code: good.code, last: good.out.split("\n").at(-2) }).toEqual({ code: 0, last: "a: running" });
    const bad = { applications: rolls([]), feed: feed(Application_State.DEPLOY_FAILED) };
    expect((await run(bad, "rollback", "a", "--wait")).code).toBe(1);
  });

  it.each(["0", "-1", "x", "1.5"])("refuses --to %s as a usage error", async (value) => {
    expect((await run({}, "rollback", "a", `--to=${value}`)).code).toBe(2);
  });

  it("passes the reason of a refusal on", async () => {
    const refused = apiError(Code.FailedPrecondition, "there is nothing to go back to", "NOT_POSSIBLE_NOW");
    const answers: FakeAnswers = { applications: { rollbackApplication: () => Promise.reject(refused) } };
    const { code, err } = await run(answers, "rollback", "a");
    expect({ code, err }).toEqual({ code: 1, err: "windlass: there is nothing to go back to\n" });
  });
});

describe("windlass deploy", () => {
  const CONFIG = "applications:\n  - name: a\n    import_path: ./a.ts:app\n";

  async function deploy(answers: FakeAnswers, ...argv: string[]) {
    const cwd = tempDir();
    writeFileSync(join(cwd, "app.yaml"), CONFIG);
    const api = await fakeApi({ instance: { applyConfig: () => ({ revision: 8n, warnings: [] }) }, ...answers });
    return runCli(["deploy", "app.yaml", ...argv], { env: { WINDLASS_ADDRESS: api.address }, cwd });
  }

  it("--retry starts again what had failed, once the config is accepted", async () => {
    const retried: string[] = [];
    const retryApplication = ({ name }: { name: string }) => {
      retried.push(name);
      return { application: { name }, revision: 9n };
    };
    const { code } = await deploy({ applications: { retryApplication } }, "--retry");
    expect({ code, retried }).toEqual({ code: 0, retried: ["applications/a"] });
    expect((await deploy({ applications: { retryApplication } })).code).toBe(0);
    expect(retried).toHaveLength(1);
  });

  it("--wait fails where the application went back by itself meanwhile, and not where it did so before", async () => {
    const feed = [{ send: [app(Application_State.RUNNING, 3n), SYNCED], end: "hold" as const }];
    const applications = (revision: bigint) => ({
      ...listed,
      getApplication: () => ({ application: { name: "applications/a", revision } }),
    });
    const failed = await deploy({ applications: applications(1n), feed }, "--wait");
    expect(failed.code).toBe(1);
    expect(failed.err.split("\n").at(-2)).toMatch(
      /^windlass: application a failed and went back to revision 1: Deployment "D"/,
    );
    expect((await deploy({ applications: applications(3n), feed }, "--wait")).code).toBe(0);
  });
});
