import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { Application_State } from "../../gen/windlass/v1/application_pb.ts";
import { Canary_Phase, type CanarySchema, Revision_Cause } from "../../gen/windlass/v1/revision_pb.ts";
import { apiError, type FakeAnswers, type FeedMessage, fakeApi } from "../support/fake-api.ts";
import { runCli } from "../support/run-cli.ts";
import { tempDir } from "../support/temp-dir.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const NAME = "applications/a";

const CANARY: MessageInitShape<typeof CanarySchema> = {
  revision: 4n,
  stableRevision: 3n,
  step: 0,
  steps: 2,
  weight: 10,
  phase: Canary_Phase.RUNNING,
  message: "120 of 200 requests\n\u001b[2Jseen",
  stepTime: timestampFromMs(1_700_000_000_000),
  sample: { requests: 120n, errors: 3n, latencyS: 0.0121 },
  stableSample: { requests: 0n, errors: 0n },
};

const HELD = { ...CANARY, phase: Canary_Phase.PAUSED, message: "held" };

type Applications = NonNullable<FakeAnswers["applications"]>;

const withCanary = (canary: typeof CANARY | undefined = CANARY): Applications => ({
  getApplication: () => ({ application: { name: NAME, revision: 4n, ...(canary ? { canary } : {}) } }),
});
const newest = (cause: Revision_Cause, number = 5n): Applications => ({
  listRevisions: () => ({
    revisions: [{ number, cause, rollbackOf: 3n, actor: "token/x", reason: "canary of revision 4 aborted: slow" }],
  }),
});

async function run(answers: FakeAnswers, ...argv: string[]) {
  const api = await fakeApi(answers);
  return runCli(argv, { env: { WINDLASS_ADDRESS: api.address } });
}

describe("windlass canary", () => {
  it("tells where it stands, with the requests of both revisions, one line each whatever the texts hold", async () => {
    const { code, out } = await run({ applications: withCanary() }, "canary", "a");
    expect({ code, out }).toEqual({
      code: 0,
      out: [
        "a: canary of revision 4 beside revision 3",
        "step 1 of 2, 10 % of the requests, RUNNING since 2023-11-14T22:13:20.000Z",
        "120 of 200 requests [2Jseen",
        "",
        "REVISION  REQUESTS  ERRORS     LATENCY",
        "4 canary  120       3 (2.5 %)  12.1 ms",
        "3 stable  0         0          -",
        "",
      ].join("\n"),
    });
  });

  it("prints the names of REST with -o", async () => {
    const { out } = await run({ applications: withCanary() }, "canary", "a", "-o", "json");
    expect(JSON.parse(out)).toEqual({
      application: "a",
      revision: 4,
      stable_revision: 3,
      step: 0,
      steps: 2,
      weight: 10,
      phase: "RUNNING",
      message: CANARY.message,
      step_time: "2023-11-14T22:13:20.000Z",
      sample: { requests: 120, errors: 3, latency_s: 0.0121 },
      stable_sample: { requests: 0, errors: 0, latency_s: null },
    });
    const yaml = await run({ applications: withCanary() }, "canary", "a", "-o", "yaml");
    expect(yaml.out).toContain("phase: RUNNING\n");
    expect(yaml.out).not.toContain("\u001b");
  });

  it("exits 1 where there is no canary, and where there is no application", async () => {
    const none = await run(
      { applications: { getApplication: () => ({ application: { name: NAME } }) } },
      "canary",
      "a",
    );
    expect(none).toEqual({
      code: 1,
      out: "",
      err: 'windlass: application "a" has no canary now; see `windlass history a`\n',
    });
    const unknown = apiError(Code.NotFound, 'there is no application "a"', "NOT_FOUND");
    const gone = await run({ applications: { getApplication: () => Promise.reject(unknown) } }, "canary", "a");
    expect([gone.code, gone.err]).toEqual([1, expect.stringContaining("there is no application")]);
    expect((await run({}, "canary")).code).toBe(2);
  });

  /** Plays canaries to `canary --watch`, one a look; an error is thrown. Undefined: it has ended. */
  async function watched(
    looks: readonly (typeof CANARY | ConnectError | undefined)[],
    end: Applications,
    more: string[] = [],
  ) {
    let look = 0;
    const clock = new VirtualClock();
    const getApplication: Applications["getApplication"] = () => {
      const canary = looks[Math.min(look++, looks.length - 1)];
      if (canary instanceof ConnectError) throw canary;
      return { application: { name: NAME, ...(canary ? { canary } : {}) } };
    };
    const api = await fakeApi({ applications: { getApplication, ...end } });
    const env = { WINDLASS_ADDRESS: api.address };
    let ended = false;
    const running = runCli(["canary", "a", "--watch", ...more], { env, clock }).finally(() => {
      ended = true;
    });
    while (!ended) {
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(100);
    }
    return running;
  }

  it("--watch prints again what has changed, and ends with 0 when it is promoted", async () => {
    const { code, out } = await watched([CANARY, CANARY, HELD, undefined], newest(Revision_Cause.CONFIG, 4n));
    expect(code).toBe(0);
    expect(out.split("---\n\n").map((text) => text.split("\n")[2])).toEqual(["120 of 200 requests [2Jseen", "held"]);
    expect(out).toMatch(/\na: revision 4 is promoted\n$/);
  });

  it("--watch -o json prints one object a line", async () => {
    const { out } = await watched([CANARY, HELD, undefined], newest(Revision_Cause.CONFIG, 4n), ["-o", "json"]);
    const lines = out.trim().split("\n").slice(0, 2);
    expect(lines.map((line) => (JSON.parse(line) as { phase: string }).phase)).toEqual(["RUNNING", "PAUSED"]);
  });

  it.each([
    {
      name: "aborted by itself",
      end: newest(Revision_Cause.AUTO_ROLLBACK),
      says: "application a failed and went back to revision 3: canary of revision 4 aborted: slow",
    },
    {
      name: "aborted by hand",
      end: newest(Revision_Cause.ROLLBACK),
      says: "application a went back to revision 3, asked by token/x: canary of revision 4 aborted: slow",
    },
    {
      name: "replaced by another revision",
      end: newest(Revision_Cause.CONFIG),
      says: "application a has revision 5 now, without a canary of 4",
    },
  ])("--watch ends with 1 when it is $name", async ({ end, says }) => {
    const { code, err } = await watched([CANARY, undefined], end);
    expect({ code, err }).toEqual({ code: 1, err: `windlass: ${says}\n` });
  });

  it("--watch passes a refusal on at once", async () => {
    const denied = apiError(Code.PermissionDenied, "no", "PERMISSION_DENIED");
    expect((await watched([CANARY, denied], {})).code).toBe(4);
  });
});

const app = (state: Application_State, revision: bigint, more = {}): FeedMessage => ({
  revision: 9n,
  event: {
    case: "application",
    value: { name: NAME, state, generation: 4n, observedGeneration: 4n, revision, ...more },
  },
});
const SYNCED: FeedMessage = { revision: 9n, event: { case: "synced", value: true } };
const RUNNING = [{ send: [app(Application_State.RUNNING, 4n), SYNCED], end: "hold" as const }];

describe("windlass canary promote", () => {
  it("says which step it went on to, or that it is promoted", async () => {
    const asked: boolean[] = [];
    const promoteCanary: Applications["promoteCanary"] = ({ full }) => {
      asked.push(full);
      const canary = full ? {} : { canary: { ...CANARY, step: 1, weight: 50 } };
      return { application: { name: NAME, revision: 4n, ...canary } };
    };
    const step = await run({ applications: { promoteCanary } }, "canary", "promote", "a");
    expect(step).toEqual({ code: 0, out: "a: revision 4 goes on: step 2 of 2, 50 % of the requests\n", err: "" });
    const full = await run({ applications: { promoteCanary } }, "canary", "promote", "a", "--full");
    expect(full.out).toBe("a: revision 4 is promoted\n");
    expect(asked).toEqual([false, true]);
  });

  it("--wait ends when it serves alone, and fails when it was taken back", async () => {
    const promoteCanary = () => ({ application: { name: NAME, revision: 4n } });
    const good = { applications: { promoteCanary, ...newest(Revision_Cause.CONFIG, 4n) }, feed: RUNNING };
    const { code, out } = await run(good, "canary", "promote", "a", "--full", "--wait");
    expect({ code, out }).toEqual({ code: 0, out: "a: revision 4 is promoted\na: running\n" });
    for (const cause of [Revision_Cause.AUTO_ROLLBACK, Revision_Cause.ROLLBACK]) {
      const bad = { applications: { promoteCanary, ...newest(cause) }, feed: RUNNING };
      const failed = await run(bad, "canary", "promote", "a", "--timeout", "20");
      expect([failed.code, failed.err]).toEqual([1, expect.stringContaining("went back to revision 3")]);
    }
  });

  it("passes the reason of a refusal on", async () => {
    const refused = apiError(Code.FailedPrecondition, 'application "a" has no canary now', "NOT_POSSIBLE_NOW");
    const applications = { promoteCanary: () => Promise.reject(refused) };
    const { code, err } = await run({ applications }, "canary", "promote", "a");
    expect({ code, err }).toEqual({ code: 1, err: 'windlass: application "a" has no canary now\n' });
  });
});

describe("windlass canary abort, pause and resume", () => {
  it("abort passes the reason on and says what is in force, and with --wait when that runs", async () => {
    const reasons: string[] = [];
    const abortCanary: Applications["abortCanary"] = ({ reason }) => {
      reasons.push(reason);
      return { application: { name: NAME, revision: 5n } };
    };
    const answers = { applications: { abortCanary, ...newest(Revision_Cause.ROLLBACK) }, feed: RUNNING };
    expect((await run(answers, "canary", "abort", "a")).out).toBe("a: goes back to revision 3, as revision 5\n");
    const waited = await run(answers, "canary", "abort", "a", "--reason", "too slow", "--wait");
    expect(waited.out).toBe("a: goes back to revision 3, as revision 5\na: running\n");
    expect(reasons).toEqual(["", "too slow"]);
  });

  it("pause and resume say where the canary is", async () => {
    const answer = ({ name }: { name: string }) => ({ application: { name, revision: 4n, canary: CANARY } });
    const applications: Applications = { pauseCanary: answer, resumeCanary: answer };
    expect((await run({ applications }, "canary", "pause", "a")).out).toBe(
      "a: canary held at step 1 of 2, 10 % of the requests\n",
    );
    expect((await run({ applications }, "canary", "resume", "a")).out).toBe(
      "a: canary goes on with step 1 of 2, 10 % of the requests\n",
    );
  });
});

describe("windlass deploy --wait", () => {
  const LINE = "Canary: revision 4 gets 10 % of the requests (step 1 of 2).";

  async function deploy(end: Applications) {
    const cwd = tempDir();
    writeFileSync(join(cwd, "app.yaml"), "applications:\n  - name: a\n    import_path: ./a.ts:app\n");
    const trying = app(Application_State.DEPLOYING, 4n, { message: LINE, reconciling: true, canary: CANARY });
    const api = await fakeApi({
      instance: { applyConfig: () => ({ revision: 8n, warnings: [] }) },
      applications: { getApplication: () => ({ application: { name: NAME, revision: 3n } }), ...end },
      feed: [
        {
          send: [trying, SYNCED, { ...app(Application_State.RUNNING, 5n), revision: 10n }, { revision: 10n }],
          end: "hold",
        },
      ],
    });
    return runCli(["deploy", "app.yaml", "--wait"], { env: { WINDLASS_ADDRESS: api.address }, cwd });
  }

  it("tells the steps of a canary and waits for its end", async () => {
    const { code, err, out } = await deploy(newest(Revision_Cause.CONFIG, 4n));
    expect(code).toBe(0);
    expect(err).toBe(`a  DEPLOYING  ${LINE}\na  RUNNING\n`);
    expect(out).toMatch(/a: running\n$/);
  });

  it.each([Revision_Cause.AUTO_ROLLBACK, Revision_Cause.ROLLBACK])(
    "fails when it was aborted (cause %s)",
    async (cause) => {
      const { code, err } = await deploy(newest(cause));
      expect([code, err]).toEqual([1, expect.stringContaining("canary of revision 4 aborted: slow")]);
    },
  );
});
