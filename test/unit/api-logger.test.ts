import { describe, expect, it } from "vitest";
import { createLogger, type LoggerOptions } from "../../src/observability/logger.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

function logged(
  options: Omit<LoggerOptions, "clock" | "write">,
  act: (logger: ReturnType<typeof createLogger>) => void,
): string {
  let text = "";
  const write = (line: string): void => {
    text += line;
  };
  act(createLogger({ clock: new VirtualClock(0), write, ...options }));
  return text;
}

describe("a logger", () => {
  it("writes one text line an event, whatever the message and facts hold", () => {
    const text = logged({}, (logger) =>
      logger.with({ part: "api" }).info("two\nlines", { n: 1, word: "a b", gone: undefined }),
    );
    expect(text).toBe('1970-01-01T00:00:00.000Z info two\\nlines part=api n=1 word="a b"\n');
  });

  it("writes JSON with the stack of errors", () => {
    const entry = JSON.parse(
      logged({ format: "json" }, (logger) => logger.error("broke", { error: new Error("why"), level: "x" })),
    );
    expect(entry).toMatchObject({ time: "1970-01-01T00:00:00.000Z", level: "error", message: "broke" });
    expect(entry.error).toMatch(/Error: why\n/);
  });

  it.each(["text", "json"] as const)("keeps the event where facts cannot be written as %s", (format) => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    const text = logged({ format }, (logger) => logger.warn("odd", { loop, big: 1n }));
    expect(text).toContain("odd");
    expect(text.split("\n")).toHaveLength(2);
  });

  it("drops what is below its level", () => {
    const all = (logger: ReturnType<typeof createLogger>): void => {
      for (const level of ["debug", "info", "warn", "error"] as const) logger[level](level);
    };
    const levels = (level: LoggerOptions["level"]) =>
      logged(level === undefined ? {} : { level }, all)
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[1]);
    expect(levels(undefined)).toEqual(["info", "warn", "error"]);
    expect(levels("debug")).toEqual(["debug", "info", "warn", "error"]);
    expect(levels("error")).toEqual(["error"]);
  });
});
