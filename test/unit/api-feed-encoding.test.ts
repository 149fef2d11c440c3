import { create, type DescMessage, fromJson, type MessageInitShape, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WatchApplicationsResponseSchema } from "../../gen/windlass/v1/application_service_pb.ts";
import {
  WatchDeploymentsResponseSchema,
  WatchReplicasResponseSchema,
} from "../../gen/windlass/v1/deployment_service_pb.ts";
import { WatchInstanceResponseSchema } from "../../gen/windlass/v1/instance_service_pb.ts";
import { batchBytes, batchOf, type Wire } from "../../src/api/feed-encoding.ts";
import type { ResourceEvent } from "../../src/api/feed-event.ts";
import type { WatchMessage } from "../../src/api/feed-loop.ts";
import { applicationView, deploymentView, instanceView, replicaView } from "../../src/api/views.ts";
import { applicationRecord, deploymentRecord, instanceRecord, replicaRecord } from "../support/fake-controller.ts";

type Item = WatchMessage<ResourceEvent>;

const EVENTS: readonly (Item["event"] | undefined)[] = [
  undefined,
  { case: "synced", value: true },
  { case: "deleted", value: "applications/caf%C3%A9/deployments/\u00e9" },
  { case: "instance", value: instanceView(undefined, []) },
  { case: "instance", value: instanceView(instanceRecord(), [{ id: "proxy/0", pid: 11, state: "healthy" }]) },
  { case: "application", value: applicationView(applicationRecord("a", { message: 'größer ☂ "quoted"\n' }), true) },
  { case: "deployment", value: deploymentView(deploymentRecord("a", "Echo", { message: "x".repeat(20_000) }), false) },
  { case: "replica", value: replicaView(replicaRecord("a", "Echo", "abcd1234")) },
];
const REVISIONS = [0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER];

/** The bytes after the five of the envelope, which are checked. */
function enveloped(bytes: Buffer): Buffer {
  expect(bytes[0]).toBe(0);
  expect(bytes.readUInt32BE(1)).toBe(bytes.length - 5);
  return bytes.subarray(5);
}

function expected<D extends DescMessage>(schema: D, { revision, event }: Item, kind?: string): Buffer {
  const told = event !== undefined && event.case === kind ? { case: "updated", value: event.value } : event;
  const init = { revision: BigInt(revision), ...(told === undefined ? {} : { event: told }) };
  return Buffer.from(toBinary(schema, create(schema, init as unknown as MessageInitShape<D>)));
}

describe("the bytes of a message", () => {
  it("are those that protobuf makes of it, for every response, event and revision", () => {
    for (const revision of REVISIONS) {
      for (const event of EVENTS) {
        const item = { revision, complete: true, ...(event === undefined ? {} : { event }) } as Item;
        const batch = batchOf([item]);
        expect(enveloped(batchBytes(batch, "instance/proto"))).toEqual(expected(WatchInstanceResponseSchema, item));
        const kinds = [
          ["application", WatchApplicationsResponseSchema],
          ["deployment", WatchDeploymentsResponseSchema],
          ["replica", WatchReplicasResponseSchema],
        ] as const;
        for (const [kind, schema] of kinds) {
          if (event !== undefined && !["synced", "deleted", kind].includes(event.case)) continue;
          expect(enveloped(batchBytes(batch, `${kind}/proto`))).toEqual(expected(schema, item, kind));
        }
      }
    }
  });

  it("are the JSON that protobuf makes of it, for every event", () => {
    for (const event of EVENTS) {
      for (const revision of [0, 7]) {
        const item = { revision, complete: true, ...(event === undefined ? {} : { event }) } as Item;
        const init = { revision: BigInt(revision), ...(event === undefined ? {} : { event }) };
        const message = create(WatchInstanceResponseSchema, init as never);
        const text = enveloped(batchBytes(batchOf([item]), "instance/json")).toString();
        expect(JSON.parse(text)).toEqual(toJson(WatchInstanceResponseSchema, message));
        if (event?.case !== "application") continue;
        const own = enveloped(batchBytes(batchOf([item]), "application/json")).toString();
        expect(fromJson(WatchApplicationsResponseSchema, JSON.parse(own)).event).toMatchObject({
          case: "updated",
          value: { name: "applications/a" },
        });
      }
    }
  });

  it("have an id as an event only where the revision is complete", () => {
    const text = (complete: boolean): string =>
      batchBytes(
        batchOf([{ revision: 5, complete, event: { case: "deleted", value: "applications/a" } }]),
        "instance/events",
      ).toString();
    expect(text(true)).toBe('id: 5\nevent: deleted\ndata: {"revision":"5","deleted":"applications/a"}\n\n');
    expect(text(false)).toBe('event: deleted\ndata: {"revision":"5","deleted":"applications/a"}\n\n');
  });

  it("of a batch are those of its messages one after the other, made once for each way to send them", () => {
    const some = fc.array(fc.constantFrom(...EVENTS), { minLength: 1, maxLength: 6 });
    const wires: readonly Wire[] = ["instance/proto", "instance/json", "instance/events"];
    fc.assert(
      fc.property(some, fc.constantFrom(...wires), (events, wire) => {
        const items = events.map(
          (event, i) => ({ revision: 9, complete: i === events.length - 1, ...(event && { event }) }) as Item,
        );
        const batch = batchOf(items);
        const bytes = batchBytes(batch, wire);
        expect(bytes).toEqual(Buffer.concat(items.map((item) => batchBytes(batchOf([item]), wire))));
        expect(batchBytes(batch, wire)).toBe(bytes);
      }),
      { numRuns: 100 },
    );
  });
});
