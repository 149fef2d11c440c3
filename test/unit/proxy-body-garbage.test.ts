import { expect, it } from "vitest";
import { COLLECT_AFTER_BYTES, countBodies } from "../../src/proxy/body-garbage.ts";

it("has memory given back each time enough bytes went through, however they came", () => {
  let collected = 0;
  const passed = countBodies(() => {
    collected += 1;
  });
  passed(COLLECT_AFTER_BYTES - 1);
  expect(collected).toBe(0);
  passed(1);
  expect(collected).toBe(1);
  for (let i = 0; i < 3 * (COLLECT_AFTER_BYTES / 65_536); i++) passed(65_536);
  expect(collected).toBe(4);
});
