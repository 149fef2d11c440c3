import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReplicaRecord } from "../../src/controller/records.ts";
import {
  type Amounts,
  type NodeCapacity,
  needsOf,
  place,
  taken,
  UNLIMITED,
  type Usage,
  withTaken,
} from "../../src/controller/resources.ts";

const node = (capacity: Partial<NodeCapacity>): NodeCapacity => ({ ...UNLIMITED, ...capacity });
const running = (resources: Amounts, gpus: readonly string[] = []): ReplicaRecord =>
  ({ state: { kind: "running", since: 0 }, resources, gpus }) as unknown as ReplicaRecord;
const usageOf = (...replicas: ReplicaRecord[]): Usage =>
  replicas.reduce<Usage>((usage, replica) => withTaken(usage, taken(replica)), new Map());

describe("what a replica needs", () => {
  it.each([
    { name: "one CPU unless told", config: { ray_actor_options: {} }, needs: { CPU: 1 } },
    {
      name: "what its actor options say",
      config: { ray_actor_options: { num_cpus: 0.5, num_gpus: 1, memory: 10, resources: { accel: 2 } } },
      needs: { CPU: 0.5, GPU: 1, memory: 10, accel: 2 },
    },
    {
      name: "the sum of its bundles instead",
      config: {
        ray_actor_options: { num_cpus: 1 },
        placement_group_bundles: [{ CPU: 0.1 }, { CPU: 0.2, GPU: 1 }, { GPU: 1 }],
      },
      needs: { CPU: 0.3, GPU: 2 },
    },
  ])("$name", ({ config, needs }) => {
    expect(needsOf(config)).toEqual(needs);
  });
});

describe("whether one more fits", () => {
  const used = usageOf(running({ CPU: 1.5, GPU: 0.5, accel: 1 }, ["0"]), running({ GPU: 1 }, ["2"]));
  it.each<{ name: string; needs: Amounts; capacity: NodeCapacity; gpus: readonly string[] | undefined }>([
    { name: "anything without limits", needs: { CPU: 999, GPU: 9, accel: 9 }, capacity: UNLIMITED, gpus: [] },
    { name: "what is left to the last tenth", needs: { CPU: 0.5 }, capacity: node({ cpus: 2 }), gpus: [] },
    { name: "no more than that", needs: { CPU: 0.6 }, capacity: node({ cpus: 2 }), gpus: undefined },
    { name: "nothing costs nothing on a full node", needs: { CPU: 0 }, capacity: node({ cpus: 0 }), gpus: [] },
    { name: "custom ones", needs: { accel: 1 }, capacity: node({ custom: { accel: 2 } }), gpus: [] },
    { name: "no custom one that is not named", needs: { other: 1 }, capacity: node({ custom: {} }), gpus: undefined },
    { name: "memory always", needs: { memory: 1e15 }, capacity: node({ cpus: 1, custom: {} }), gpus: [] },
    { name: "a whole GPU nobody uses", needs: { GPU: 1 }, capacity: node({ gpus: ["0", "1", "2"] }), gpus: ["1"] },
    {
      name: "a share where one is shared already",
      needs: { GPU: 0.5 },
      capacity: node({ gpus: ["1", "0"] }),
      gpus: ["0"],
    },
    {
      name: "no share that is too large for it",
      needs: { GPU: 0.6 },
      capacity: node({ gpus: ["0"] }),
      gpus: undefined,
    },
    {
      name: "whole GPUs, rounded up",
      needs: { GPU: 1.5 },
      capacity: node({ gpus: ["0", "1", "2", "3"] }),
      gpus: ["1", "3"],
    },
    {
      name: "not two where one is whole",
      needs: { GPU: 2 },
      capacity: node({ gpus: ["0", "1", "2"] }),
      gpus: undefined,
    },
  ])("$name", ({ needs, capacity, gpus }) => {
    expect(place(needs, used, capacity)?.gpus).toEqual(gpus);
  });

  it("what was taken is given back exactly, and no GPU is ever shared beyond one", () => {
    const amount = fc.constantFrom(0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 1, 2);
    fc.assert(
      fc.property(fc.array(fc.record({ CPU: amount, GPU: amount }), { maxLength: 12 }), fc.nat(), (all, seed) => {
        const capacity = node({ cpus: 3, gpus: ["0", "1", "2"] });
        let usage: Usage = new Map();
        const placed: ReplicaRecord[] = [];
        all.forEach((needs, index) => {
          const grant = place(needs, usage, capacity);
          if (!grant) return;
          const replica = running(needs, grant.gpus);
          placed.push(replica);
          usage = withTaken(usage, taken(replica));
          for (const [name, units] of usage)
            expect(units).toBeLessThanOrEqual(name.startsWith("GPU#") ? 10_000 : 30_000);
          if ((seed >> index) % 3 === 0) usage = withTaken(usage, taken(placed.shift()), -1);
        });
        for (const replica of placed) usage = withTaken(usage, taken(replica), -1);
        expect([...usage.values()].every((units) => units === 0)).toBe(true);
      }),
    );
  });
});
