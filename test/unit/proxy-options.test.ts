import { describe, expect, it } from "vitest";
import { parseProxyArguments } from "../../src/proxy/options.ts";

const needed = ["--id", "proxy/0", "--host", "127.0.0.1", "--port", "8000", "--controller", "/c", "--cache", "/t"];

describe("parseProxyArguments", () => {
  it("fills in the defaults", () => {
    expect(parseProxyArguments(needed)).toEqual({
      id: "proxy/0",
      host: "127.0.0.1",
      port: 8000,
      grpcPort: undefined,
      controllerSocket: "/c",
      cacheFile: "/t",
      rootPath: "",
      requestTimeoutS: 0,
      keepAliveTimeoutS: 90,
      webhook: true,
      drainTimeoutS: 30,
      orphanTtlS: 300,
      logStyle: { format: "text", level: "info" },
      grpcReflection: true,
    });
  });

  it.each([
    { name: "names a flag that is missing", args: needed.slice(2), message: "--id is missing" },
    {
      name: "names a port out of range",
      args: [...needed, "--port", "70000"],
      message: "--port 70000 must be a number from 0 to 65535",
    },
    {
      name: "names a gRPC port that is none",
      args: [...needed, "--grpc-port", "x"],
      message: "--grpc-port x must be a number from 0 to 65535",
    },
    { name: "refuses an empty number", args: [...needed, "--orphan-ttl-s="], message: "--orphan-ttl-s  must be" },
    { name: "refuses a flag it does not know", args: [...needed, "--frob"], message: "Unknown option '--frob'" },
  ])("$name", ({ args, message }) => {
    expect(() => parseProxyArguments(args)).toThrow(message);
  });
});
