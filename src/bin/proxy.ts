/** The proxy process: `proxy --id proxy/0 --host H --port P --controller SOCK --cache FILE [options]`. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { systemClock } from "../core/system-clock.ts";
import { systemRandom } from "../core/system-random.ts";
import { surviveLostOutput } from "../observability/output.ts";
import { runProxy } from "../proxy/main.ts";

// By default V8 collects all of its heap for every 20 MB of bodies; the proxy sees to those itself (proxy/body-garbage.ts).
setFlagsFromString("--external-memory-accounted-in-global-limit");
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as (options: { readonly type: "minor" }) => void;

surviveLostOutput();
const collectYoung = (): void => collect({ type: "minor" });
process.exit(await runProxy(process.argv.slice(2), systemClock, systemRandom, collectYoung));
