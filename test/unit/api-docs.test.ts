import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { authorize, type Identity, type Permission, type Role } from "../../src/api/auth.ts";
import { PROGRESS_INTERVAL_MS } from "../../src/api/feed.ts";
import { ROUTES } from "../../src/api/rest/routes.ts";
import { HEARTBEAT_MS } from "../../src/api/rest/watch.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/rest.md"), "utf8");

const ROWS = [...page.matchAll(/^\| `(GET|PUT|PATCH|POST|DELETE) (\S+)` \| (.+?) \| (.+) \|$/gm)].map(
  ([, method, path, role]) => ({ name: `${method} ${path}`, role: role! }),
);

/** The least role that a permission takes, as the page's words. */
function leastRole(permission: Permission): string {
  const may = (role: Role): boolean => {
    const identity: Identity = { role, actor: "test", ...(role === "scaler" ? { application: "a" } : {}) };
    try {
      authorize(identity, permission);
      return true;
    } catch {
      return false;
    }
  };
  const least = (["viewer", "deployer", "admin"] as const).find(may)!;
  return may("scaler") ? `${least}, or scaler` : least;
}

describe("docs/rest.md", () => {
  it("lists every path of the table, and no other", () => {
    expect(ROWS.map(({ name }) => name).sort()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
  });

  it.each(ROUTES.map((route) => ({ route, name: `${route.method} ${route.path}` })))(
    "tells who may $name",
    ({ route, name }) => {
      const { role } = ROWS.find((row) => row.name === name)!;
      if (route.open === true) expect(role).toBe("none");
      else if (name === "GET /openapi.json") expect([route.permission, role]).toEqual([undefined, "any"]);
      // What the watch takes depends on the name asked for; test/unit/api-watch.test.ts has the table.
      else if (route.permission === undefined)
        expect([name, role]).toEqual(["GET /api/v1/watch", "viewer, or scaler with `?name=`"]);
      else expect(role.replace(/ of the application$/, "")).toBe(leastRole(route.permission({ application: "a" })));
    },
  );

  it("tells the times of a watch", () => {
    expect(page).toContain(`for ${PROGRESS_INTERVAL_MS / 1000} s`);
    expect(page).toContain(`after ${HEARTBEAT_MS / 1000} s of silence`);
  });
});
