/** Writes docs/openapi.json, a copy of what `GET /openapi.json` answers: `node scripts/openapi.mjs`, on Node 24. */
import { writeFileSync } from "node:fs";
import { openApiDocument } from "../src/api/rest/openapi.ts";
import { ROUTES } from "../src/api/rest/routes.ts";

const path = new URL("../docs/openapi.json", import.meta.url);
writeFileSync(path, `${JSON.stringify(openApiDocument(ROUTES), null, 2)}\n`);
