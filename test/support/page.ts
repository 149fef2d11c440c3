import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { ROOT } from "./windlass.ts";

/** A fenced block of a page of documentation. */
export interface Block {
  /** Text of the heading above it. */
  readonly heading: string;
  readonly language: string;
  readonly text: string;
  /** The file that the line above says it is: "with its config, `app.yaml`:". */
  readonly file: string | undefined;
}

/** Fenced blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  return [...text.matchAll(/(?:`([\w.-]+\.\w+)`[^`\n]*(?:`[^`\n]*`[^`\n]*)?:\n\n)?```(\w+)\n([\s\S]*?)```/g)].map(
    (match) => {
      const [, file, language, block] = match as unknown as [string, string | undefined, string, string];
      const heading = [...text.slice(0, match.index).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? "";
      return { heading, language, text: block, file };
    },
  );
}

/** Writes the files that a page shows into a folder. */
export function writeFiles(blocks: readonly Block[], dir: string): void {
  for (const { file, text } of blocks) if (file !== undefined) writeFileSync(join(dir, file), text);
}

/**
 * Runs lines of a page one after the other in one bash, `windlass` being the built one, and expects that none fails and
 * that each prints what its comment says: `curl …  # Hello`. Addresses in `replaced` are replaced. Resolves with all output.
 */
export async function runLines(
  lines: readonly string[],
  options: { cwd: string; env: Record<string, string>; replaced: Readonly<Record<string, string>> },
): Promise<string[]> {
  const commands = lines.map((line) => {
    const [, command = line, prints] = /^(.*\S) {2}# (.*)$/.exec(line) ?? [];
    const run = Object.entries(options.replaced).reduce((text, [from, to]) => text.replaceAll(from, to), command);
    return { command, run, prints };
  });
  const script = [
    "set -euo pipefail",
    `windlass() { "${process.execPath}" "${join(ROOT, "bin/windlass.cjs")}" "$@"; }`,
    'npx() { "$@"; }',
    ...commands.map(({ run }, index) => `printf '\\n@@${index}\\n'\n${run}`),
  ].join("\n");
  const { code, out, err } = await bash(script, options);
  const outputs = out.split(/\n@@\d+\n/).slice(1);
  const last = commands[outputs.length - 1]?.command;
  expect(code, `${last} failed: ${err}`).toBe(0);
  for (const [index, { command, prints }] of commands.entries()) {
    if (prints !== undefined) expect({ command, prints: outputs[index] }).toEqual({ command, prints });
  }
  return outputs;
}

function bash(script: string, { cwd, env }: { cwd: string; env: Record<string, string> }) {
  const clean = Object.entries(process.env).filter(([name]) => !/^(RAY_|WINDLASS_|VITEST|NODE_ENV$)/.test(name));
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile("bash", ["-c", script], { cwd, env: { ...Object.fromEntries(clean), ...env } }, (error, out, err) =>
      resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, out, err }),
    );
  });
}
