import { systemClock } from "../core/system-clock.ts";
import { surviveLostOutput } from "../observability/output.ts";
import { main } from "../policy-host/main.ts";

surviveLostOutput();
// The SDK that runs beside this file, from sources or built: user code must get this very copy.
const sdkUrl = new URL(import.meta.url.endsWith(".ts") ? "../sdk/index.ts" : "../sdk/index.js", import.meta.url).href;
main(process.argv, { clock: systemClock, sdkUrl });
