/** Writes docs/config.md from the config schemas. */
import { writeFileSync } from "node:fs";
import { renderConfigDocs } from "../src/config/docs.ts";

writeFileSync(new URL("../docs/config.md", import.meta.url), renderConfigDocs());
