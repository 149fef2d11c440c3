/** Trailers of answers, from user code of every kind to clients of both versions of HTTP. */
import { expect, it } from "vitest";
import { writeApp } from "../support/apps.ts";
import { client, VERSIONS } from "../support/both-http.ts";
import { selfSigned } from "../support/certificates.ts";
import { startWindlass, waitForStatus } from "../support/windlass.ts";

const APP = `
import { deployment, ingress, withTrailers } from "windlass";
async function* words(said) {
  for (const word of ["one ", "two ", "three"]) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    said.push(word);
    yield new TextEncoder().encode(word);
  }
}
class Web {
  fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/web/none") return withTrailers(new Response(null), { "x-words": "0" });
    if (pathname === "/web/whole") return withTrailers(new Response("whole"), [["x-words", "1"], ["Content-Length", "3"]]);
    if (pathname === "/web/broken") {
      return withTrailers(new Response(ReadableStream.from(words([]))), () => { throw new Error("no count"); });
    }
    const said = [];
    return withTrailers(new Response(ReadableStream.from(words(said))), () => ({ "X-Words": String(said.length) }));
  }
}
export const web = deployment(Web).bind();
export const node = deployment(ingress((request, response) => {
  response.writeHead(200, { trailer: "x-words" });
  response.write("by ");
  response.addTrailers({ "x-words": "2" });
  response.end("node");
}), { name: "Node" }).bind();
`;

const PROGRAM = `
require("node:http").createServer((request, response) => {
  response.writeHead(200, { trailer: "x-words" });
  response.write("a ");
  response.addTrailers({ "x-words": "2", "x-windlass-secret": "1" });
  response.end("program");
}).listen(process.env.PORT, "127.0.0.1");
`;

const CONFIG = `
applications:
  - { name: web, route_prefix: /web, import_path: ./app.ts:web }
  - { name: node, route_prefix: /node, import_path: ./app.ts:node }
  - name: program
    route_prefix: /program
    deployments: [{ name: Program, command: [node, -e, ${JSON.stringify(PROGRAM)}] }]
`;

it("reach clients that ask for them, whoever answers, and change nothing for others", async () => {
  const tls = selfSigned();
  const config = writeApp(APP, CONFIG);
  const windlass = await startWindlass([
    config,
    ...["--tls-cert", tls.certFile, "--tls-key", tls.keyFile, "--tls-on", "http"],
  ]);
  for (const name of ["web", "node", "program"]) await waitForStatus(windlass, name, "RUNNING");
  const port = Number(new URL(windlass.http).port);
  for (const version of VERSIONS) {
    const { ask } = client(version, port, { ca: tls.pem });
    const told = async (path: string, headers: Record<string, string>) => {
      const { status, body, trailers, cut } = await ask({ path, headers });
      return { status, body: body.toString(), trailers: { ...trailers }, cut };
    };
    const expected: Record<string, [string, string]> = {
      "/web/stream": ["one two three", "3"],
      "/web/whole": ["whole", "1"],
      "/node": ["by node", "2"],
      "/program": ["a program", "2"],
    };
    for (const [path, [body, words]] of Object.entries(expected)) {
      const answer = { status: 200, body, cut: false };
      expect(await told(path, { te: "trailers" }), path).toEqual({ ...answer, trailers: { "x-words": words } });
      expect(await told(path, {}), path).toEqual({ ...answer, trailers: {} });
    }
    expect(await told("/web/none", { te: "trailers" })).toMatchObject({ status: 200, body: "", cut: false });
    expect(await told("/web/broken", { te: "trailers" })).toMatchObject({ status: 200, trailers: {}, cut: true });
    expect(await told("/web/whole", { te: "trailers" })).toMatchObject({ body: "whole" });
  }
});
