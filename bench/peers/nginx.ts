import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Started, start } from "../lib/children.ts";
import { run } from "./ray-process.ts";

const DOWNLOAD_MS = 120_000;

/** The nginx of the machine, else Debian's package unpacked into `folder`; throws a line that says why neither is there. */
export async function findNginx(folder: string, progress: (text: string) => void): Promise<string> {
  if (spawnSync("nginx", ["-v"]).status === 0) return "nginx";
  const program = join(folder, "nginx", "usr", "sbin", "nginx");
  if (existsSync(program)) return program;
  progress("unpacking Debian's nginx");
  mkdirSync(folder, { recursive: true });
  try {
    // It writes into the folder that it is started in.
    await run("sh", ["-c", 'cd "$0" && apt-get -qq download nginx', folder], DOWNLOAD_MS);
    const file = readdirSync(folder).find((name) => /^nginx_.*\.deb$/.test(name));
    if (file === undefined) throw new Error("apt-get download brought no package");
    await run("dpkg", ["-x", join(folder, file), join(folder, "nginx")], DOWNLOAD_MS);
  } catch (error) {
    throw new Error(`nginx is not installed and Debian's package not to be had: ${(error as Error).message}`);
  }
  const tried = spawnSync(program, ["-v"], { encoding: "utf8" });
  if (tried.status !== 0) throw new Error(`Debian's nginx does not run here: ${tried.stderr?.trim() ?? tried.error}`);
  return program;
}

/** Starts nginx in front of two unix sockets: a worker per core, connections to them kept, no access log. */
export function startNginx(
  program: string,
  folder: string,
  options: {
    readonly port: number;
    readonly grpcPort: number;
    readonly upstream: string;
    readonly grpcUpstream: string;
  },
): Started {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "nginx.conf");
  writeFileSync(file, config(folder, options));
  return start(program, ["-e", "stderr", "-p", folder, "-c", file]);
}

type Places = Parameters<typeof startNginx>[2];

function config(folder: string, { port, grpcPort, upstream, grpcUpstream }: Places): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `daemon off;
# In a namespace of its own there is but one user; where it is another, nginx ignores this line.
user root root;
worker_processes auto;
pid ${join(folder, "nginx.pid")};
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${join(folder, name)};`).join("\n  ")}
  keepalive_requests 1000000000;
  client_max_body_size 0;
  # Bodies go through as they come, as they do in all the others.
  proxy_buffering off;
  proxy_request_buffering off;
  upstream handler { server unix:${upstream}; keepalive 128; keepalive_requests 1000000000; }
  upstream greeter { server unix:${grpcUpstream}; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://handler;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
  server {
    listen 127.0.0.1:${grpcPort} http2;
    location / { grpc_pass grpc://greeter; }
  }
}
`;
}
