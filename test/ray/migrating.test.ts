import { dirname } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { blocksOf, runLines, writeFiles } from "../support/page.ts";
import { pythonProgram } from "../support/python.ts";
import { tempDir } from "../support/temp-dir.ts";
import { startWindlass } from "../support/windlass.ts";

const PAGE = "docs/migrating-from-ray-serve.md";
let program: (name: string) => string;

beforeAll(async () => {
  program = await pythonProgram("ray", ["ray[serve]==2.60.*"]);
}, 600_000);

it("the stock command and the submission client work as docs/migrating-from-ray-serve.md writes them", async () => {
  const dir = tempDir();
  const blocks = blocksOf(PAGE);
  writeFiles(blocks, dir);
  const stock = blocks.filter(({ heading }) => heading === "Stock clients");
  expect(stock.map(({ language }) => language)).toEqual(["sh", "python"]);
  const [shell, python] = stock.map(({ text }) => text.trim());
  const windlass = await startWindlass(["--app-dir", dir]);
  const lines = shell!.split("\n");
  expect(lines.at(-1)).toBe("serve shutdown -y");
  // The client is shown last and looks at what the command deployed.
  const running =
    "for _ in {1..100}; do if windlass status -n greeter | grep -q 'status: RUNNING'; then break; fi; done";
  const outputs = await runLines([...lines.slice(0, -1), running, `python - <<'END'\n${python}\nEND`, lines.at(-1)!], {
    cwd: dir,
    env: {
      PATH: `${dirname(program("serve"))}:${process.env["PATH"]}`,
      WINDLASS_ADDRESS: windlass.control,
      WINDLASS_STATE_DIR: windlass.stateDir,
    },
    replaced: { "http://127.0.0.1:8265": windlass.control },
  });
  expect(outputs[lines.indexOf("serve status")]).toContain("greeter");
  expect(outputs[lines.indexOf("serve config")]).toContain("import_path: greeter:app");
  expect(outputs.at(-2)).toBe("RUNNING\n");
});
