import { expect, it } from "vitest";
import { SupervisorClient } from "../../src/engine/local/supervisor-client.ts";
import type { FromSupervisor } from "../../src/supervisor/protocol.ts";

it.each([
  { name: "before anybody listens", early: true },
  { name: "while somebody listens", early: false },
])("hears a stop that comes $name, once", async ({ early }) => {
  let say: (message: FromSupervisor) => void = () => {};
  const client = new SupervisorClient({
    send: () => say({ kind: "children", children: [] }),
    onMessage: (listener) => {
      say = listener;
    },
  });
  await client.connect();
  let stops = 0;
  if (early) say({ kind: "stop" });
  client.onStop(() => {
    stops += 1;
  });
  if (!early) say({ kind: "stop" });
  expect(stops).toBe(1);
});
