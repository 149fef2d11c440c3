import { expect, it, onTestFinished } from "vitest";
import { ECHO, ECHO_CONFIG, writeApp } from "../support/apps.ts";
import { createEventParser, openStream, type SentEvent } from "../support/event-stream.ts";
import { api, eventually, startWindlass, waitForStatus } from "../support/windlass.ts";

it("a running Windlass is scraped and watched with a viewer's token", async () => {
  const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1))]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const made = await api(windlass, "/windlass.v1.TokenService/CreateToken", { body: { role: "ROLE_VIEWER" } });
  const token = (made.json as { secret: string }).secret;

  const events: SentEvent[] = [];
  const port = Number(new URL(windlass.control).port);
  const stream = await openStream(port, "/api/v1/watch", { authorization: `Bearer ${token}` });
  onTestFinished(() => stream.cut());
  stream.body.setEncoding("utf8").on("data", createEventParser({ event: (event) => events.push(event) }));
  await eventually(() => events.some(({ event }) => event === "synced"));

  const { status, text } = await api(windlass, "/metrics", { token });
  expect(status).toBe(200);
  expect(text).toMatch(/^serve_application_status\{application="echo"\} 6$/m);
  expect(text).toMatch(/^serve_deployment_status\{deployment="Echo",application="echo"\} 6$/m);
  expect(text).toMatch(/^serve_proxy_status\{node_id="\w+",node_ip_address="127.0.0.1"\} 2$/m);
  expect(text).toMatch(/^windlass_watchers 1$/m);
  expect(text).toMatch(/^process_cpu_seconds_total \d/m);

  expect((await fetch(`${windlass.http}/x`, { method: "POST", body: "hi" })).status).toBe(200);
  const counted =
    /^serve_num_http_requests\{proxy="proxy\/\d",route="\/",method="POST",application="echo",status_code="200"\} 1$/m;
  await eventually(async () => counted.test((await api(windlass, "/metrics", { token })).text));

  const path = "/api/v1/applications/echo/deployments/Echo/scale";
  expect((await api(windlass, path, { body: { target_num_replicas: 2 } })).status).toBe(200);
  await eventually(() =>
    events.some(({ event, data }) => event === "deployment" && /"targetNumReplicas":2.*"STATE_HEALTHY"/.test(data)),
  );
  // Ended by the server, with a reason, when it stops.
  await windlass.stop();
  await eventually(() => events.at(-1)?.event === "error");
  expect(JSON.parse(events.at(-1)!.data)).toMatchObject({ reason: "INSTANCE_UNAVAILABLE" });
});
