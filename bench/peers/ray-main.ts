// ray-main.ts PROGRAM SECONDS: measures Ray Serve where it is started, prints PeerFigures as JSON; progress on stderr.
import { cleanUp, tempFolder } from "../lib/children.ts";
import { measureRay } from "./ray.ts";

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.on("exit", cleanUp);
try {
  const [program, seconds] = process.argv.slice(2);
  const figures = await measureRay(
    { program: program!, folder: tempFolder("ray-"), seconds: Number(seconds) },
    (text) => console.error(text),
  );
  process.stdout.write(JSON.stringify(figures), () => process.exit(0));
} catch (error) {
  console.error(`failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
