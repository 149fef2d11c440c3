import { systemClock } from "../core/system-clock.ts";
import { systemRandom } from "../core/system-random.ts";
import { surviveLostOutput } from "../observability/output.ts";
import { main } from "../replica/main.ts";

surviveLostOutput();
await main(process.argv, { clock: systemClock, random: systemRandom });
