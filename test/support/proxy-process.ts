import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";

const PROXY = join(import.meta.dirname, "../../src/bin/proxy.ts");

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A real proxy process. */
export interface ProxyProcess {
  readonly child: ChildProcess;
  readonly port: number;
  readonly cache: string;
  /** The first thing it says. */
  readonly said: Promise<unknown>;
  readonly exit: Promise<number | null>;
}

/** Starts one whose controller is at `<dir>/c`; it ends with the test. */
export function startProxy(
  dir: string,
  port: number,
  given: { id?: string; flags?: string[]; listenFd?: number } = {},
): ProxyProcess {
  const id = given.id ?? "proxy/0";
  const cache = join(dir, `${id.replace("/", "-")}.json`);
  const args = ["--id", id, "--host", "127.0.0.1", "--port", String(port), "--controller", join(dir, "c")];
  const { listenFd } = given;
  const handedDown = listenFd === undefined ? [] : ["--listen-fd", "4"];
  const child = fork(PROXY, [...args, "--cache", cache, ...handedDown, ...(given.flags ?? [])], {
    execArgv: [],
    stdio: ["ignore", "ignore", "ignore", "ipc", ...(listenFd === undefined ? [] : [listenFd])],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const said = once(child, "message").then(([message]) => message as unknown);
  said.catch(() => {});
  return { child, port, cache, said, exit: once(child, "exit").then(([code]) => code as number | null) };
}
