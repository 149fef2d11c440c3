import { describe, expect, it } from "vitest";
import { requestTimeoutS, timeoutText } from "../../src/proxy/timeout.ts";

const cases = [
  { name: "no header: the configured one", header: undefined, configuredS: 7, expected: 7 },
  { name: "a positive number overrides", header: "2.5", configuredS: 7, expected: 2.5 },
  { name: "a client may raise the limit", header: "1e3", configuredS: 7, expected: 1_000 },
  { name: "blanks around a number do not count", header: " 3 ", configuredS: 7, expected: 3 },
  { name: "zero disables", header: "0", configuredS: 7, expected: 0 },
  { name: "a negative number disables", header: "-1", configuredS: 7, expected: 0 },
  { name: "nan disables", header: "NaN", configuredS: 7, expected: 0 },
  { name: "inf is no limit", header: "inf", configuredS: 7, expected: 0 },
  { name: "infinity is no limit", header: "Infinity", configuredS: 7, expected: 0 },
  { name: "-inf disables", header: "-inf", configuredS: 7, expected: 0 },
  { name: "a number too large to hold is no limit", header: "1e999", configuredS: 7, expected: 0 },
  { name: "text is as if absent", header: "soon", configuredS: 7, expected: 7 },
  { name: "an empty value is as if absent", header: "", configuredS: 7, expected: 7 },
  { name: "hex is no number here", header: "0x10", configuredS: 7, expected: 7 },
];

describe("requestTimeoutS", () => {
  it.each(cases)("$name", ({ header, configuredS, expected }) => {
    expect(requestTimeoutS(header, configuredS)).toBe(expected);
  });
});

describe("timeoutText", () => {
  it("writes whole seconds with a decimal and others as they are", () => {
    expect(timeoutText("id", 2)).toBe("Request id timed out after 2.0s.");
    expect(timeoutText("", 0.05)).toBe("Request  timed out after 0.05s.");
  });
});
