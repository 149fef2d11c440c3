/** The proxy process: `proxy --id proxy/0 --host H --port P --controller SOCK --cache FILE [options]`. */
import { systemClock } from "../core/system-clock.ts";
import { systemRandom } from "../core/system-random.ts";
import { surviveLostOutput } from "../observability/output.ts";
import { runProxy } from "../proxy/main.ts";

surviveLostOutput();
process.exit(await runProxy(process.argv.slice(2), systemClock, systemRandom));
