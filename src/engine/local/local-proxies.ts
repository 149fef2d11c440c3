import { join } from "node:path";
import { passwordsFor, withoutPassword } from "../../core/tls-files.ts";
import type { ProxyEvent, ProxyFleet, ProxyOptions } from "../proxies.ts";
import type { ChildEvent, SupervisorClient } from "./supervisor-client.ts";

export interface LocalProxiesOptions {
  readonly supervisor: SupervisorClient;
  readonly stateDir: string;
  readonly runDir: string;
  readonly controllerSocket: string;
  /** Whether the scale webhook is answered on the HTTP port. */
  readonly webhook: boolean;
  /** How they log until a `logging_config` says otherwise. */
  readonly logStyle?: { readonly format: string; readonly level: string };
  /** Seconds a proxy serves on without a controller and a supervisor. */
  readonly orphanTtlS: number;
}

/** Proxies as processes under the supervisor, which restarts them. */
export class LocalProxies implements ProxyFleet {
  readonly #o: LocalProxiesOptions;
  #emit: (event: ProxyEvent) => void = () => {};
  readonly #pids = new Map<string, number>();
  /** Once stopped, the children this controller found when it came up are history. */
  #retired = false;

  constructor(options: LocalProxiesOptions) {
    this.#o = options;
    options.supervisor.listen("proxy/", (event) => this.#onChild(event));
  }

  /** Ids of the proxies that ran when this controller came up. */
  get inherited(): string[] {
    return this.#o.supervisor.children.filter(({ role }) => role === "proxy").map(({ id }) => id);
  }

  onEvent(listener: (event: ProxyEvent) => void): void {
    this.#emit = listener;
  }

  start(options: ProxyOptions): void {
    const { supervisor, runDir, stateDir, controllerSocket } = this.#o;
    for (let i = 0; i < options.count; i++) {
      const id = `proxy/${i}`;
      const running = this.#retired ? undefined : supervisor.children.find((child) => child.id === id);
      if (running && !this.#pids.has(id)) {
        this.#pids.set(id, running.process.pid);
        this.#emit({ kind: "started", id: String(i), pid: running.process.pid });
        if (isReady(running.said)) this.#emit({ kind: "ready", id: String(i), pid: running.process.pid });
        continue;
      }
      supervisor.spawn(id, {
        role: "proxy",
        args: [
          ["--id", id],
          ["--host", options.host],
          ["--port", String(options.port)],
          ["--grpc-port", String(options.grpcPort)],
          ["--listen-fd", "4"],
          ["--grpc-listen-fd", "5"],
          ["--controller", controllerSocket],
          ["--cache", join(runDir, `routes-${i}.json`)],
          ["--root-path", options.rootPath],
          ["--keep-alive-timeout-s", String(options.keepAliveTimeoutS)],
          ["--orphan-ttl-s", String(this.#o.orphanTtlS)],
          this.#o.webhook ? [] : ["--no-webhook"],
          options.grpcReflection === false ? ["--no-grpc-reflection"] : [],
          options.tls === undefined ? [] : ["--tls", JSON.stringify(withoutPassword(options.tls))],
          options.grpcTls === undefined ? [] : ["--grpc-tls", JSON.stringify(withoutPassword(options.grpcTls))],
          this.#o.logStyle === undefined
            ? []
            : ["--log-format", this.#o.logStyle.format, "--log-level", this.#o.logStyle.level],
        ].flat(),
        env: passwordsFor({ http: options.tls?.keyPassword, grpc: options.grpcTls?.keyPassword }),
        cwd: stateDir,
        logFile: join(stateDir, "logs", `proxy-${i}.log`),
        restart: true,
        ipc: true,
        listen: [
          { host: options.host, port: options.port },
          { host: options.host, port: options.grpcPort },
        ],
      });
    }
  }

  stop(): void {
    this.#retired = true;
    for (const id of new Set([...this.#pids.keys(), ...this.inherited])) {
      this.#o.supervisor.send({ kind: "retire", id });
    }
  }

  #onChild(event: ChildEvent): void {
    const id = event.id.slice("proxy/".length);
    switch (event.kind) {
      case "spawned":
        this.#pids.set(event.id, event.process.pid);
        this.#emit({ kind: "started", id, pid: event.process.pid });
        return;
      case "said":
        if (isReady(event.message)) this.#emit({ kind: "ready", id, pid: this.#pids.get(event.id) ?? 0 });
        else if (isListenFailed(event.message)) this.#emit({ kind: "failed", id, error: event.message.error });
        return;
      case "spawn-failed":
        this.#emit({ kind: "failed", id, error: event.error });
        return;
      case "exited":
        if (event.restarting) this.#emit({ kind: "failed", id, error: event.detail });
        else {
          this.#pids.delete(event.id);
          this.#emit({ kind: "ended", id });
        }
    }
  }
}

function isReady(message: unknown): boolean {
  return typeof message === "object" && message !== null && "kind" in message && message.kind === "ready";
}

function isListenFailed(message: unknown): message is { error: string } {
  return typeof message === "object" && message !== null && "kind" in message && message.kind === "listen-failed";
}
