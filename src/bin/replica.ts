import { systemClock } from "../core/system-clock.ts";
import { systemRandom } from "../core/system-random.ts";
import { main } from "../replica/main.ts";

await main(process.argv, { clock: systemClock, random: systemRandom });
