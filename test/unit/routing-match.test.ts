import { describe, expect, it } from "vitest";
import { compileRoutes, decodePath } from "../../src/routing/match.ts";

const cases = [
  { name: "the root prefix matches everything", prefixes: ["/"], path: "/any/thing", expected: "/" },
  { name: "without the root prefix other paths match nothing", prefixes: ["/a"], path: "/b", expected: undefined },
  { name: "a prefix matches itself", prefixes: ["/a", "/"], path: "/a", expected: "/a" },
  { name: "a prefix matches what follows its slash", prefixes: ["/a", "/"], path: "/a/b/c", expected: "/a" },
  { name: "a prefix matches itself with a slash", prefixes: ["/a", "/"], path: "/a/", expected: "/a" },
  { name: "/ab never matches /a", prefixes: ["/a"], path: "/ab", expected: undefined },
  { name: "/ab falls to the root, not to /a", prefixes: ["/a", "/"], path: "/ab", expected: "/" },
  {
    name: "the longest prefix wins, whatever the order",
    prefixes: ["/a", "/a/b/c", "/a/b"],
    path: "/a/b/c/d",
    expected: "/a/b/c",
  },
  { name: "a longer prefix that does not match gives way", prefixes: ["/a", "/a/bc"], path: "/a/b", expected: "/a" },
  { name: "case counts", prefixes: ["/a"], path: "/A", expected: undefined },
  { name: "a path of slashes falls to the root", prefixes: ["/a/b", "/"], path: "/".repeat(9_000), expected: "/" },
  { name: "no routes match nothing", prefixes: [], path: "/", expected: undefined },
];

describe("compileRoutes", () => {
  it.each(cases)("$name", ({ prefixes, path, expected }) => {
    expect(compileRoutes(prefixes.map((prefix) => ({ prefix })))(path)?.prefix).toBe(expected);
  });

  it("looks up a hostile path no more often than the longest prefix allows", () => {
    const match = compileRoutes([{ prefix: "/abc" }]);
    const path = "/x".repeat(500_000);
    let lookups = 0;
    const get = Map.prototype.get;
    Map.prototype.get = function (this: Map<unknown, unknown>, key: unknown) {
      lookups += 1;
      return get.call(this, key);
    };
    try {
      match(path);
    } finally {
      Map.prototype.get = get;
    }
    expect(lookups).toBeLessThanOrEqual(4);
  });
});

const escapes = [
  { name: "a plain path stays", path: "/a/b", expected: "/a/b" },
  { name: "an escaped slash is a slash", path: "/a%2Fb/x", expected: "/a/b/x" },
  { name: "UTF-8 is decoded", path: "/%C3%A4", expected: "/ä" },
  { name: "an escape that is none stays", path: "/a%zz%2", expected: "/a%zz%2" },
  { name: "bytes that are not UTF-8 become replacement characters", path: "/%ff%41", expected: "/\ufffdA" },
];

describe("decodePath", () => {
  it.each(escapes)("$name", ({ path, expected }) => {
    expect(decodePath(path)).toBe(expected);
  });
});
