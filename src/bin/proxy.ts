/** The proxy process: `proxy --id proxy/0 --host H --port P --controller SOCK --cache FILE [options]`. */
import { setFlagsFromString } from "node:v8";
import { systemClock } from "../core/system-clock.ts";
import { systemRandom } from "../core/system-random.ts";
import { surviveLostOutput } from "../observability/output.ts";
import { runProxy } from "../proxy/main.ts";

// Bodies go through as memory outside of V8's heap. By default V8 collects all of the heap for every 20 MB of that, which
// took half of the CPU time of a body; with this the limit grows with what is in use, as that of the heap does.
setFlagsFromString("--external-memory-accounted-in-global-limit");

surviveLostOutput();
process.exit(await runProxy(process.argv.slice(2), systemClock, systemRandom));
