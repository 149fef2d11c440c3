import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serve } from "../support/file-server.ts";
import { tempDir } from "../support/temp-dir.ts";
import { api, application, eventually, startWindlass, type Windlass, waitForStatus } from "../support/windlass.ts";
import { type ZipEntry, zipOf } from "../support/zip.ts";

const APP = `import { readFileSync } from "node:fs"; import { deployment } from "windlass"; import { word } from "a-word";
class Hello { fetch() { return Response.json({ word, text: readFileSync("data/text.txt", "utf8"), cwd: process.cwd(), pid: process.pid }); } }
export const app = deployment(Hello).bind();`;

const WORD = {
  "package.json": '{"name":"a-word","type":"module","main":"i.js"}',
  "i.js": 'export const word = "zip";',
};

function helloZip(text: string, more: readonly ZipEntry[] = []): Buffer {
  const files: Record<string, string> = { "app.ts": APP, "data/text.txt": text };
  for (const [name, data] of Object.entries(WORD)) files[`node_modules/a-word/${name}`] = data;
  return zipOf([...Object.entries(files).map(([name, data]) => ({ name: `hello-main/${name}`, data })), ...more]);
}

async function put(windlass: Windlass, workingDir: string, more: object = {}): Promise<void> {
  const app = { name: "hello", import_path: "app:app", runtime_env: { working_dir: workingDir }, ...more };
  const { status, text } = await api(windlass, "/api/serve/applications/", {
    method: "PUT",
    body: { applications: [app] },
  });
  expect(text).toBe("");
  expect(status).toBe(200);
}

interface Answer {
  word: string;
  text: string;
  cwd: string;
  pid: number;
}

async function answer(windlass: Windlass): Promise<Answer | undefined> {
  const response = await fetch(`${windlass.http}/`).catch(() => undefined);
  return response?.ok ? ((await response.json()) as Answer) : undefined;
}

/** Waits until the build that the last write began has ended. */
async function settled(windlass: Windlass): Promise<void> {
  await eventually(async () => {
    const { json } = await api(windlass, "/api/v1/applications/hello");
    const { generation, observed_generation } = json as { generation: number; observed_generation: number };
    return generation === observed_generation;
  });
}

describe("an application whose code is a zip", () => {
  it("runs from the zip, is replaced when the zip changes, left alone when not, and serves on when it is gone", async () => {
    let zip: Buffer | undefined = helloZip("one");
    const { url, asked } = await serve((_request, response) =>
      zip ? response.end(zip) : response.writeHead(404).end(),
    );
    const windlass = await startWindlass();
    const uri = `${url.replace("//", "//me:hunter2@")}/hello.zip?token=s3cret`;
    await put(windlass, uri);
    await waitForStatus(windlass, "hello", "RUNNING");
    const first = await answer(windlass);
    const folders = () => readdirSync(join(windlass.stateDir, "working-dirs")).sort();
    expect(folders()).toHaveLength(1);
    const cwd = join(windlass.stateDir, "working-dirs", folders()[0]!);
    expect(first).toMatchObject({ word: "zip", text: "one", cwd });

    await put(windlass, uri);
    await settled(windlass);
    await waitForStatus(windlass, "hello", "RUNNING");
    expect(asked).toHaveLength(2);
    expect(await answer(windlass)).toEqual(first);

    zip = helloZip("two");
    await put(windlass, uri);
    await eventually(async () => (await answer(windlass))?.text === "two");
    await waitForStatus(windlass, "hello", "RUNNING");
    const later = await answer(windlass);
    expect(later?.pid).not.toBe(first?.pid);
    expect(folders()).toHaveLength(2);

    zip = undefined;
    await put(windlass, uri);
    const { message } = await waitForStatus(windlass, "hello", "DEPLOY_FAILED");
    expect(message).toBe(
      `Deploying application "hello" failed: runtime_env.working_dir ${url.replace("//", "//<redacted>@")}/hello.zip?<redacted>: the server answered 404 Not Found; is the URL right?`,
    );
    expect(await answer(windlass)).toEqual(later);
    const shown = await api(windlass, "/api/serve/applications/");
    expect(shown.text + windlass.output().stderr + windlass.output().stdout).not.toMatch(/hunter2|s3cret/);
  });

  it("is fetched again by a controller that finds it gone", async () => {
    const { url } = await serve((_request, response) => response.end(helloZip("one")));
    const stateDir = join(tempDir(), "state");
    const windlass = await startWindlass([], { stateDir });
    await put(windlass, `${url}/hello.zip`);
    await waitForStatus(windlass, "hello", "RUNNING");
    const folder = (await answer(windlass))!.cwd;
    expect(await windlass.stop()).toBe(0);
    rmSync(folder, { recursive: true });
    const again = await startWindlass([], { stateDir });
    await waitForStatus(again, "hello", "RUNNING");
    expect(await answer(again)).toMatchObject({ word: "zip", text: "one", cwd: folder });
    expect(existsSync(folder)).toBe(true);
  });

  it("may be programs, each from a zip of its own", async () => {
    const program = (text: string): Buffer =>
      zipOf([
        { name: "bin/text", data: text },
        {
          name: "bin/serve",
          data: `#!/usr/bin/env node
require("node:http").createServer((_, r) => r.end(require("node:fs").readFileSync("text"))).listen(process.env.PORT);`,
          mode: 0o100755,
        },
        { name: "read.me", data: "" },
      ]);
    let text = "one";
    const { url } = await serve((_request, response) => response.end(program(text)));
    const windlass = await startWindlass();
    const deployments = [{ name: "Serve", command: ["./serve"], working_dir: "bin" }];
    await put(windlass, `${url}/program.zip`, { import_path: undefined, deployments });
    const says = async (): Promise<string> => (await fetch(windlass.http)).text();
    await waitForStatus(windlass, "hello", "RUNNING");
    expect(await says()).toBe("one");
    text = "two";
    await put(windlass, `${url}/program.zip`, { import_path: undefined, deployments });
    await eventually(async () => (await says()) === "two");
  });

  it("fails in one line when the zip is not one or climbs out, and finds only what is in it", async () => {
    const folder = tempDir();
    const file = join(folder, "app.zip");
    const windlass = await startWindlass();
    const failsWith = async (zip: Buffer, importPath: string): Promise<string> => {
      writeFileSync(file, zip);
      await put(windlass, `file://${file}`, { import_path: importPath });
      return await eventually(async () => {
        const found = await application(windlass, "hello");
        return found?.status === "DEPLOY_FAILED" ? found.message : undefined;
      });
    };
    const prefix = `Deploying application "hello" failed: `;
    expect(await failsWith(Buffer.from("<html>"), "app:app")).toMatch(/app\.zip: is not a zip, or a damaged one: /);
    const evil = helloZip("x", [{ name: "hello-main/../../evil", data: "x" }]);
    expect(await failsWith(evil, "app:app")).toMatch(/app\.zip: holds "hello-main\/\.\.\/\.\.\/evil", which would lie/);
    expect(await failsWith(helloZip("x"), "lib/app.ts:app")).toBe(
      `${prefix}import_path "lib/app.ts:app": no such file; looked for lib/app.ts in the zip of runtime_env.working_dir (a folder that holds everything in it is left out)`,
    );
    writeFileSync(join(folder, "outside.ts"), "export const app = 1;");
    expect(await failsWith(helloZip("x"), `${join(folder, "outside.ts")}:app`)).toContain("must lie inside the zip");
    const broken = zipOf({ "app.ts": '\nthrow new Error("no");' });
    expect(await failsWith(broken, "app:app")).toBe(`${prefix}Error: no (app.ts:2:7)`);
  });
});
