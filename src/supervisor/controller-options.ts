import { passwordIn, passwordsFor, type TlsFiles, withoutPassword, withPassword } from "../core/tls-files.ts";
import type { StartOptions } from "./options.ts";

/** What the supervisor hands to the controller process, as one JSON argument: ports are concrete here. */
export type ControllerOptions = Omit<StartOptions, "onReady"> & {
  /** Private folder for sockets. */
  readonly runDir: string;
};

/** For the controller's process: everybody may read arguments, so that passwords go by the environment. */
export function controllerArguments(options: ControllerOptions): { args: string[]; env: Record<string, string> } {
  const { tls, instance } = options;
  const { ssl_keyfile_password: config, ...httpOptions } = instance.httpOptions ?? {};
  const bare = (files: TlsFiles | null): TlsFiles | null => (files === null ? null : withoutPassword(files));
  const plain: ControllerOptions = {
    ...options,
    tls: { control: bare(tls.control), http: bare(tls.http), grpc: bare(tls.grpc) },
    instance: { ...instance, ...(instance.httpOptions === undefined ? {} : { httpOptions }) },
  };
  const { control, http, grpc } = tls;
  const env = passwordsFor({
    control: control?.keyPassword,
    http: http?.keyPassword,
    grpc: grpc?.keyPassword,
    config,
  });
  return { args: [JSON.stringify(plain)], env };
}

/** What {@link controllerArguments} made of them. */
export function readControllerOptions(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): ControllerOptions {
  const plain = JSON.parse(text) as ControllerOptions;
  const { tls, instance } = plain;
  const whole = (files: TlsFiles | null, port: "control" | "http" | "grpc"): TlsFiles | null =>
    files === null ? null : withPassword(files, env, port);
  const password = passwordIn(env, "config");
  const { httpOptions } = instance;
  return {
    ...plain,
    tls: { control: whole(tls.control, "control"), http: whole(tls.http, "http"), grpc: whole(tls.grpc, "grpc") },
    instance:
      httpOptions === undefined || password === undefined
        ? instance
        : { ...instance, httpOptions: { ...httpOptions, ssl_keyfile_password: password } },
  };
}
