import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { ECHO, ECHO_CONFIG, writeApp } from "../support/apps.ts";
import { tempDir } from "../support/temp-dir.ts";
import { eventually, runWindlass, startWindlass, type Windlass, waitForStatus } from "../support/windlass.ts";

/** What the ready line says of all control ports. */
function controlPorts({ output }: Windlass): number[] {
  const line = /^windlass ready (.*)$/m.exec(output().stdout)?.[1];
  return (JSON.parse(line ?? "{}") as { control_ports: number[] }).control_ports;
}

async function status(port: number, path: string, headers: Record<string, string>): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status;
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Listens on a port; undefined where that is not possible now. */
function occupy(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => resolve(server));
  });
}

it("answers the same API at every control port, with the same checks, also after the controller was killed", async () => {
  const named = await freePort();
  const config = writeApp(ECHO, ECHO_CONFIG(1));
  const windlass = await startWindlass([config, "--control-port", `0,${named},0`]);
  const ports = controlPorts(windlass);
  expect(ports).toHaveLength(3);
  expect(new Set(ports).size).toBe(3);
  expect(ports[1]).toBe(named);
  expect(windlass.control).toBe(`http://127.0.0.1:${ports[0]}`);
  await waitForStatus(windlass, "echo", "RUNNING");

  const authorization = `Bearer ${windlass.token}`;
  const serving = async (): Promise<void> => {
    for (const port of ports) {
      const path = "/api/v1/applications/echo";
      expect(await status(port, path, { authorization })).toBe(200);
      expect(await status(port, path, {})).toBe(401);
      const origin = (from: number) => ({ authorization, origin: `http://127.0.0.1:${from}` });
      expect(await status(port, path, origin(port))).toBe(200);
      expect(await status(port, path, origin(1))).toBe(403);
      const scaled = await runWindlass(["scale", "echo", "Echo", "1"], {
        WINDLASS_ADDRESS: `http://localhost:${port}`,
        WINDLASS_TOKEN: windlass.token,
      });
      expect(scaled).toMatchObject({ code: 0, stderr: "" });
    }
  };
  await serving();

  process.kill(windlass.pids.controller, "SIGKILL");
  for (const port of ports) {
    await eventually(() =>
      status(port, "/-/readyz", {}).then(
        (code) => code === 200,
        () => false,
      ),
    );
  }
  await serving();
});

it("a control port that is taken while the controller starts again ends nothing, and is taken back once it is free", async () => {
  const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1)), "--control-port", "0,0"]);
  await waitForStatus(windlass, "echo", "RUNNING");
  await eventually(() => windlass.output().stdout.includes("curl "));
  const [, port] = controlPorts(windlass);
  process.kill(windlass.pids.controller, "SIGKILL");
  // Faster than a new process.
  const thief = await eventually(() => occupy(port!));
  await eventually(() => windlass.output().stderr.includes("the controller cannot start again: "));
  expect((await fetch(windlass.http)).status).toBe(200);
  await new Promise((resolve) => thief.close(resolve));
  await eventually(() =>
    status(port!, "/-/readyz", {}).then(
      (code) => code === 200,
      () => false,
    ),
  );
  const told = windlass.output().stderr.match(/^windlass: .*$/gm);
  expect(told).toEqual([expect.stringMatching(new RegExp(`EADDRINUSE.*${port}; trying on$`))]);
  expect(windlass.process.exitCode).toBeNull();
});

it("one control port in use is refused by its number, with exit code 1 and nothing left open", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const free = await freePort();
  const others = ["--http-port", "0", "--grpc-port", "0", "--state-dir", join(tempDir(), "s")];
  const { code, stdout, stderr } = await runWindlass(["start", "--control-port", `${free},${port}`, ...others]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(new RegExp(`^windlass: port ${port} on 127\\.0\\.0\\.1 is in use [^\\n]*--control-port\\n$`));
  await expect(fetch(`http://127.0.0.1:${free}/-/healthz`)).rejects.toThrow();
});

it("a control port that the proxies have too is refused", async () => {
  const port = await freePort();
  const others = ["--http-port", String(port), "--grpc-port", "0", "--state-dir", join(tempDir(), "s")];
  const { code, stderr } = await runWindlass(["start", "--control-port", `0,${port}`, ...others]);
  expect(code).toBe(1);
  expect(stderr).toBe(`windlass: port ${port} is given to both --control-port and --http-port: choose two ports\n`);
});
