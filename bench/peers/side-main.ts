// side-main.ts RAY NGINX SECONDS ROUNDS: starts all contenders where it is started, measures them in turns and
// prints SideResults as JSON; progress on stderr.
import { cleanUp, tempFolder } from "../lib/children.ts";
import { startContenders } from "./contenders.ts";
import { measureSide, type SideResults } from "./side.ts";

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.on("exit", cleanUp);
const progress = (text: string): void => console.error(`side by side: ${text}`);
try {
  const [ray, nginx, seconds, rounds] = process.argv.slice(2) as [string, string, string, string];
  const { contenders, missing } = await startContenders({ ray, nginx, folder: tempFolder("b-") }, progress);
  const figures = await measureSide(contenders, { seconds: Number(seconds), rounds: Number(rounds), progress });
  progress("stop");
  await Promise.all(contenders.map((one) => one.stop()));
  process.stdout.write(JSON.stringify({ figures, missing } satisfies SideResults), () => process.exit(0));
} catch (error) {
  console.error(`failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
