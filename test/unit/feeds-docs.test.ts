import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { ApplicationService } from "../../gen/windlass/v1/application_service_pb.ts";
import { DeploymentService } from "../../gen/windlass/v1/deployment_service_pb.ts";
import { InstanceService } from "../../gen/windlass/v1/instance_service_pb.ts";
import { SERVER_LIMITS } from "../../src/api/dual-server.ts";
import { DEFAULT_LIMITS } from "../../src/api/fan-out.ts";
import { CUT_AFTER_MS } from "../../src/api/fan-out-sink.ts";
import { MIN_PROGRESS_INTERVAL_MS, PROGRESS_INTERVAL_MS } from "../../src/api/feed.ts";
import { MAX_STREAMS_PER_TOKEN } from "../../src/api/stream-limit.ts";
import type { Promised } from "../support/history-checker.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const PAGE = readFileSync(join(ROOT, "docs/feeds.md"), "utf8");
const number = (value: number): string => value.toLocaleString("en-US");

/** First cells of the rows of the table below a heading that are one word of code. */
function words(heading: string): string[] {
  const part = PAGE.split(/^## /m).find((text) => text.startsWith(heading)) ?? "";
  return [...part.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]!);
}

describe("docs/feeds.md", () => {
  it("has a row for each streaming RPC that watches, and no other", () => {
    const services = [InstanceService, ApplicationService, DeploymentService];
    const watches = services.flatMap(({ methods }) =>
      methods.filter(({ methodKind }) => methodKind === "server_streaming").map(({ name }) => name),
    );
    expect(words("Feeds").concat(words("# Feeds"))).toEqual(watches);
  });

  it("names each promise that the history checker checks", () => {
    const promises: Record<Promised, true> = {
      ordered: true,
      unique: true,
      reliable: true,
      atomic: true,
      resumable: true,
      bookmarkable: true,
    };
    expect(words("What every feed promises").filter((word) => !/[/ ]/.test(word))).toEqual(Object.keys(promises));
  });

  it("names tests that are there", () => {
    const files = words("What every feed promises").filter((word) => /[/]/.test(word));
    expect(files.length).toBe(6);
    for (const file of files) expect([file, existsSync(join(ROOT, file.replace("node ", "")))]).toEqual([file, true]);
  });

  it("has the numbers that hold", () => {
    const rows = [
      `| streams of a token | ${MAX_STREAMS_PER_TOKEN} |`,
      `| streams of an HTTP/2 connection | ${number(SERVER_LIMITS.maxConcurrentStreams)} |`,
      `| connections | ${number(SERVER_LIMITS.maxConnections)} |`,
      `| \`progress_interval\` | ${MIN_PROGRESS_INTERVAL_MS / 1_000} s to ${PROGRESS_INTERVAL_MS / 1_000} s |`,
      `| revisions kept in memory for slow readers | ${number(DEFAULT_LIMITS.keptRevisions)}, and ${DEFAULT_LIMITS.keptChars / 2 ** 20} MiB of records |`,
      `reset ${CUT_AFTER_MS / 1_000} s later`,
    ];
    for (const row of rows) expect(PAGE).toContain(row);
  });
});
