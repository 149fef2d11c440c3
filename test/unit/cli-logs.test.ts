import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { fakeApi } from "../support/fake-api.ts";
import { runCli } from "../support/run-cli.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Plays one answer after the other, the last one again and again. */
async function against(answers: readonly Answer[], argv: readonly string[], until?: string) {
  const asked: string[] = [];
  const api = await fakeApi({
    rest(request, response) {
      asked.push(request.url ?? "");
      answers[Math.min(asked.length, answers.length) - 1]!(request, response);
    },
  });
  const stop = new AbortController();
  const result = await runCli(["logs", ...argv], {
    env: { WINDLASS_ADDRESS: api.address, WINDLASS_TOKEN: "wlt_t" },
    stop: stop.signal,
    onOut: (text) => {
      if (until !== undefined && text.includes(until)) stop.abort();
    },
  });
  return { ...result, asked, api };
}

const lines =
  (...texts: string[]): Answer =>
  (_, response) => {
    for (const text of texts) response.write(text);
    response.end();
  };
const hold =
  (text: string): Answer =>
  (_, response) =>
    void response.write(text);
const cut =
  (text: string): Answer =>
  (request, response) =>
    void response.write(text, () => request.socket.destroySoon());
const refuse =
  (status: number, body: string): Answer =>
  (_, response) =>
    void response.writeHead(status).end(body);

describe("windlass logs", () => {
  it("asks with names escaped and as whom it is told, and prints the lines as they come", async () => {
    const { code, out, err, asked, api } = await against(
      [lines("D/r1 o", "ne\nD/r2 t", "wo é\n")],
      ["my app", "A b", "--lines", "5", "--replica", "r&1"],
    );
    expect({ code, out, err }).toEqual({ code: 0, out: "D/r1 one\nD/r2 two é\n", err: "" });
    expect(asked).toEqual(["/api/v1/applications/my%20app/logs?deployment=A+b&replica=r%261&lines=5"]);
    expect(api.requests[0]?.authorization).toBe("Bearer wlt_t");
  });

  it("-o prints a document a line", async () => {
    const answer = [lines("My dep/r1 a/b c d\n", "odd\n")];
    const json = await against(answer, ["a", "-o", "json"]);
    expect(
      json.out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { deployment: "My dep", replica: "r1", text: "a/b c d" },
      { deployment: null, replica: null, text: "odd" },
    ]);
    const yaml = await against(answer, ["a", "-o", "yaml"]);
    expect(parseAllDocuments(yaml.out).map((each) => each.toJS() as unknown)).toEqual([
      { deployment: "My dep", replica: "r1", text: "a/b c d" },
      { deployment: null, replica: null, text: "odd" },
    ]);
  });

  it("--follow goes on with new lines after a cut connection and says what that means", async () => {
    const answers = [cut("D/r one\n"), refuse(500, "boom")];
    const broken = await against(answers, ["a", "--follow", "--lines", "7"]);
    expect(broken.asked).toEqual([
      "/api/v1/applications/a/logs?lines=7&follow=true",
      "/api/v1/applications/a/logs?lines=0&follow=true",
    ]);
    expect(broken).toMatchObject({ code: 1, out: "D/r one\n" });
    expect(broken.err).toMatch(
      /^windlass: lost http\S+; log lines are left out until it is back\nwindlass: .*500: boom\n$/,
    );

    const mended = await against([cut("D/r one\n"), cut(""), hold("D/r three\n")], ["a", "--follow"], "three");
    expect(mended).toMatchObject({ code: 0, out: "D/r one\nD/r three\n" });
    expect(mended.err.trimEnd().split("\n")).toEqual([
      expect.stringContaining("lost http"),
      expect.stringContaining("connected again"),
    ]);
  });

  it("--follow ends with 0 when the lines end, and when it is stopped", async () => {
    expect(await against([lines("D/r one\n")], ["a", "--follow"])).toMatchObject({
      code: 0,
      out: "D/r one\n",
      err: "",
    });
    const stopped = await against([hold("D/r one\n")], ["a", "--follow"], "one");
    expect(stopped).toMatchObject({ code: 0, out: "D/r one\n", err: "" });
  });

  it.each([
    { status: 401, body: "", code: 4, says: "does not know the token" },
    { status: 403, body: '{"error": "not scalers"}', code: 4, says: "not scalers" },
    {
      status: 404,
      body: '{"error": "there is no application \\"a\\""}',
      code: 1,
      says: 'there is no application "a"; `windlass status` shows what there is',
    },
    { status: 404, body: "404: Not Found", code: 1, says: "is not a Windlass" },
  ])("$status ($body) is $code", async ({ status, body, code, says }) => {
    for (const argv of [["a"], ["a", "--follow"]]) {
      const result = await against([refuse(status, body)], argv);
      expect(result).toMatchObject({ code, out: "" });
      expect(result.err).toMatch(/^windlass: [^\n]*\n$/);
      expect(result.err).toContain(says);
    }
  });

  it.each([["a"], ["a", "--follow"]])("a dead address is 3: %s %s", async (...argv) => {
    const result = await runCli(["logs", ...argv, "-a", "http://127.0.0.1:9"]);
    expect(result).toMatchObject({ code: 3, out: "" });
  });
});
