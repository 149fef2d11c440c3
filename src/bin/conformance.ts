/** Entry of `npm run conformance`; not part of the package. */
import { main } from "../conformance/main.ts";
import { systemClock } from "../core/system-clock.ts";

process.exitCode = await main(process.argv.slice(2), systemClock);
