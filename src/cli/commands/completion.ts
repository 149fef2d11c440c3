import type { Command } from "commander";
import { bashScript } from "../completion/bash.ts";
import { fishScript } from "../completion/fish.ts";
import { completedCommands, type Shell } from "../completion/model.ts";
import { zshScript } from "../completion/zsh.ts";
import type { CliContext } from "../context.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** `windlass completion`: a script that completes command lines, made from the commands as they are. */
export function completion(ctx: CliContext, program: Command, shell: Shell): void {
  ctx.out(SCRIPTS[shell](completedCommands(program)));
}
