import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import type { PolicyInput } from "../../src/autoscaling/policy.ts";
import { AUTOSCALING_DEFAULTS } from "../../src/config/defaults.ts";
import type { PolicyQuestion, PolicyReply, PolicyRunner } from "../../src/controller/policy-runner.ts";
import type { Clock } from "../../src/core/clock.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { createLocalPolicies } from "../../src/engine/local/local-policies.ts";
import { SupervisorClient } from "../../src/engine/local/supervisor-client.ts";
import { Children } from "../../src/supervisor/children.ts";
import { Listeners } from "../../src/supervisor/listeners.ts";
import type { FromSupervisor, ToSupervisor } from "../../src/supervisor/protocol.ts";
import { RunRecords } from "../../src/supervisor/run-records.ts";
import { tempDir } from "./temp-dir.ts";
import { eventually } from "./windlass.ts";

/** What a policy is told of a deployment with 2 of 2 replicas and 8 requests, unless given. */
export function policyInputOf(given: Partial<PolicyInput> = {}): PolicyInput {
  return {
    application: "app",
    deployment: "d",
    config: { ...AUTOSCALING_DEFAULTS, min_replicas: 1, max_replicas: 20 },
    runningReplicas: ["r1", "r2"],
    currentNumReplicas: 2,
    targetNumReplicas: 2,
    totalNumRequests: 8,
    totalQueuedRequests: 0,
    totalRunningRequests: 8,
    aggregatedMetrics: {},
    rawMetrics: {},
    capacityAdjustedMinReplicas: 1,
    capacityAdjustedMaxReplicas: 20,
    policyState: {},
    lastScaleUpTimeS: null,
    lastScaleDownTimeS: null,
    currentTimeS: 1_800_000_000,
    ...given,
  };
}

/** Real policy hosts under a real table of processes, without a controller. */
export interface Policies {
  /** Asks and waits for the answer. */
  ask(policyFunction: string, given?: Asked): Promise<PolicyReply["outcome"]>;
  /** Pid of the process of application `app`; undefined while none runs. */
  pid(): number | undefined;
  /** Kills it. */
  kill(): void;
  /** What another controller would have: the same processes. */
  restartController(): Promise<void>;
  readonly runner: PolicyRunner;
  readonly dir: string;
}

export interface Asked {
  readonly deployment?: string | null;
  readonly kwargs?: Record<string, unknown>;
  readonly input?: PolicyQuestion["input"];
  readonly generation?: string;
  readonly env?: Record<string, string>;
  /** Default: ten seconds, since machines that run tests are busy. */
  readonly deadlineMs?: number;
  readonly application?: string;
  readonly shadow?: boolean;
}

/** Starts with these files as the application's folder. */
export async function startPolicies(
  files: Readonly<Record<string, string>>,
  clock: Clock = systemClock,
): Promise<Policies> {
  const dir = tempDir();
  const baseDir = join(dir, "app");
  mkdirSync(join(dir, "logs"));
  for (const [name, text] of Object.entries({ "package.json": '{"type":"module"}', ...files })) {
    mkdirSync(dirname(join(baseDir, name)), { recursive: true });
    writeFileSync(join(baseDir, name), text);
  }
  let tell: (message: FromSupervisor) => void = () => {};
  const records = new RunRecords(join(dir, "run.json"));
  const children = new Children(systemClock, records, new Listeners(() => "127.0.0.1"), (event) => tell(event));
  onTestFinished(async () => {
    children.stopRestarts();
    children.killAll();
    await eventually(() => children.isEmpty());
  });
  const replies = new Map<string, PolicyReply>();
  let controller = 0;
  const connect = async (): Promise<PolicyRunner> => {
    controller += 1;
    const own = controller;
    const supervisor = new SupervisorClient({
      send(message: ToSupervisor) {
        // The one before is dead.
        if (own !== controller) return;
        if (message.kind === "hello") tell({ kind: "children", children: children.list() });
        else if (message.kind === "spawn") children.spawn(message.id, message.spec);
        else if (message.kind === "signal") children.signal(message.id, message.signal);
      },
      onMessage: (listener) => {
        tell = listener;
      },
    });
    await supervisor.connect();
    const made = createLocalPolicies({ supervisor, clock, runDir: dir, stateDir: dir });
    made.onAnswer((reply) => replies.set(reply.id, reply));
    return made;
  };
  let runner = await connect();
  let questions = 0;
  const child = () => children.list()[0];
  return {
    dir,
    get runner() {
      return runner;
    },
    pid: () => child()?.process.pid,
    kill: () => children.signal(child()!.id, "SIGKILL"),
    async restartController() {
      runner = await connect();
    },
    async ask(policyFunction, given = {}) {
      questions += 1;
      const id = String(questions);
      const { deployment = "d", kwargs = {}, generation = "1", env = {}, application = "app" } = given;
      runner.ask({
        id,
        application,
        deployment,
        policy: { policy_function: policyFunction, policy_kwargs: kwargs },
        input: given.input ?? policyInputOf(),
        code: { baseDir, workingDir: null, built: null, env, generation },
        deadlineMs: given.deadlineMs ?? 10_000,
        ...(given.shadow ? { shadow: true } : {}),
      });
      return (await eventually(() => replies.get(id))).outcome;
    },
  };
}
