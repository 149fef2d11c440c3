import { createHash } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { PolicyCode, PolicyQuestion, PolicyReply, PolicyRunner } from "../../controller/policy-runner.ts";
import type { Clock } from "../../core/clock.ts";
import { policyLogName } from "../../core/names.ts";
import type { HostPlace } from "../../policy-host/protocol.ts";
import { PolicyProcess } from "./policy-process.ts";
import type { ChildEvent, SupervisorClient } from "./supervisor-client.ts";

export interface LocalPoliciesOptions {
  readonly supervisor: SupervisorClient;
  readonly clock: Clock;
  /** Private folder for sockets. */
  readonly runDir: string;
  /** Holds `bundles/` and `logs/`. */
  readonly stateDir: string;
}

/** Policies in processes under the supervisor: one for each application that is asked, and one for its shadows. */
export function createLocalPolicies(options: LocalPoliciesOptions): PolicyRunner {
  const { supervisor, clock, runDir, stateDir } = options;
  /** By id; those of an earlier controller are among them. */
  const running = new Set(supervisor.children.filter(({ role }) => role === "policy-host").map(({ id }) => id));
  const hosts = new Map<string, PolicyProcess>();
  let listener: (reply: PolicyReply) => void = () => {};
  mkdirSync(join(runDir, "p"), { recursive: true, mode: 0o700 });

  const placeOf = placesByHash();
  const idOf = idsByHash();
  const hostOf = (application: string, id: string): PolicyProcess => {
    const socketPath = join(runDir, "p", `${id.slice(PREFIX.length)}.sock`);
    const host = new PolicyProcess({
      clock,
      socketPath,
      running: running.has(id),
      placeOf,
      spawn(code) {
        const { baseDir, workingDir, env } = code;
        const place: HostPlace = {
          socketPath,
          baseDir,
          workingDir,
          bundlesDir: join(stateDir, "bundles"),
          place: placeOf(code),
        };
        // One that was killed leaves its socket, which must not be taken for the new one's.
        rmSync(socketPath, { force: true });
        supervisor.spawn(id, {
          role: "policy-host",
          args: [JSON.stringify(place)],
          env: { ...env },
          cwd: baseDir,
          logFile: join(stateDir, "logs", policyLogName(application, id.slice(PREFIX.length))),
          restart: false,
          ipc: false,
        });
      },
      onRest: () => void hosts.delete(id),
      kill: () => supervisor.send({ kind: "signal", id, signal: "SIGKILL" }),
      // Answers never come while a question is being asked.
      emit: (reply) => void setImmediate(() => listener(reply)),
    });
    hosts.set(id, host);
    return host;
  };

  supervisor.listen(PREFIX, (event: ChildEvent) => {
    const { id } = event;
    if (event.kind === "spawned") running.add(id);
    if (event.kind === "exited" || event.kind === "spawn-failed") running.delete(id);
    hosts.get(id)?.onChild(event);
  });

  return {
    onAnswer(next) {
      listener = next;
    },
    ask(question: PolicyQuestion) {
      const { application, shadow = false } = question;
      const id = idOf(application, shadow);
      (hosts.get(id) ?? hostOf(application, id)).ask(question);
    },
  };
}

const PREFIX = "policy/";

/** Names of applications may hold anything and be long; paths of sockets may not. */
function idsByHash(): (application: string, shadow: boolean) => string {
  const hashed = rememberingLast(hash);
  return (application, shadow) => `${PREFIX}${hashed(shadow ? `${application}\0shadow` : application)}`;
}

/** Tells hosts of other code or environment apart. */
function placesByHash(): (code: PolicyCode) => string {
  const hashed = rememberingLast(hash);
  return ({ baseDir, workingDir, env }) => hashed(JSON.stringify([baseDir, workingDir, Object.entries(env).sort()]));
}

/** The same function, that need not work again for what it was given last: questions of one application come together. */
function rememberingLast(work: (text: string) => string): (text: string) => string {
  let last: string | undefined;
  let result = "";
  return (text) => {
    if (text !== last) {
      result = work(text);
      last = text;
    }
    return result;
  };
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
