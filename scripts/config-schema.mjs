/** Writes docs/config.schema.json, what `windlass schema` prints: `node scripts/config-schema.mjs`, on Node 24. */
import { writeFileSync } from "node:fs";
import { schema } from "../src/cli/commands/schema.ts";

await schema({ out: (text) => writeFileSync(new URL("../docs/config.schema.json", import.meta.url), text) });
