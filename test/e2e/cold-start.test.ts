import { expect, it } from "vitest";
import { writeApp } from "../support/apps.ts";
import { startLoad } from "../support/load.ts";
import { reach } from "../support/targets.ts";
import { api, application, eventually, startWindlass, waitForStatus } from "../support/windlass.ts";

/** Answers /back by what the other deployment says. */
const APP = `
import { deployment, type DeploymentHandle } from "windlass";
class Back {
  hello() { return "hello"; }
}
class Front {
  constructor(private back: DeploymentHandle<Back>) {}
  async fetch(request: Request) {
    return new Response(request.url.endsWith("/back") ? await this.back.hello.remote() : "front");
  }
}
export const app = deployment(Front).bind(deployment(Back).bind());
`;

const QUICK = {
  min_replicas: 0,
  initial_replicas: 1,
  max_replicas: 3,
  target_ongoing_requests: 4,
  metrics_interval_s: 0.1,
  look_back_period_s: 0.3,
  upscale_delay_s: 0.1,
  downscale_delay_s: 0.1,
  downscale_to_zero_delay_s: 0.1,
};

const config = (front: object, back: object) =>
  JSON.stringify({
    applications: [
      {
        name: "app",
        route_prefix: "/",
        import_path: "./app.ts:app",
        external_scaler_enabled: !("autoscaling_config" in front),
        deployments: [
          { name: "Front", graceful_shutdown_timeout_s: 5, ...front },
          { name: "Back", graceful_shutdown_timeout_s: 5, ...back },
        ],
      },
    ],
  });

it("answers every request of bursts that come while the last replica goes, for twenty seconds", async () => {
  const windlass = await startWindlass([
    writeApp(APP, config({ autoscaling_config: QUICK }, { autoscaling_config: QUICK })),
  ]);
  await waitForStatus(windlass, "app", "RUNNING");
  const target = async () => (await application(windlass, "app"))?.deployments["Front"]?.target_num_replicas;
  const endMs = performance.now() + 20_000;
  const failures: string[] = [];
  let answered = 0;
  let bursts = 0;
  while (performance.now() < endMs) {
    const load = startLoad(windlass.http, {
      workers: 1 + (bursts % 6),
      method: bursts % 2 === 0 ? "GET" : "POST",
      path: () => (bursts % 3 === 0 ? "/back" : "/"),
    });
    const enough = (bursts % 5) + 1;
    await eventually(() => load.count() > enough);
    const result = await load.stop();
    answered += result.ok;
    failures.push(...result.failures);
    bursts += 1;
    // The next burst meets the replica in every stage of its end, and none.
    if (bursts % 4 !== 0) await eventually(async () => (await target()) === 0);
    if (bursts % 4 === 1) await reach(windlass, "app", { Front: 0, Back: 0 });
  }
  expect(failures).toEqual([]);
  expect(bursts).toBeGreaterThan(5);
  expect(answered).toBeGreaterThan(bursts);
});

it("refuses what waited too long with 503, retry-after and the reason, through a handle too, and serves what comes later", async () => {
  const path = writeApp(APP, config({ cold_start_timeout_s: 0.5 }, { cold_start_timeout_s: 0.4 }));
  const windlass = await startWindlass([path]);
  await waitForStatus(windlass, "app", "RUNNING");
  const scale = async (deployment: string, target: number) => {
    const url = `/api/v1/applications/app/deployments/${deployment}/scale`;
    expect((await api(windlass, url, { body: { target_num_replicas: target } })).status).toBe(200);
    await reach(windlass, "app", { [deployment]: target });
  };
  await scale("Back", 0);
  let answer = await eventually(async () => {
    const response = await fetch(`${windlass.http}/back`);
    return response.status === 503 ? response : undefined;
  });
  expect(await answer.text()).toMatch(
    /^Deployment\(name='Back', app='app'\) had no replica that serves for 0\.4 s \(cold_start_timeout_s\): its target is 0, set by an external scaler\. Try again in \d+ s\.$/,
  );
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  await scale("Front", 0);
  answer = await eventually(async () => {
    const response = await fetch(windlass.http, { method: "POST", body: "x".repeat(1_000_000) });
    return response.status === 503 ? response : undefined;
  });
  expect(await answer.text()).toMatch(/^Deployment\(name='Front', app='app'\) had no replica that serves for 0\.5 s/);
  await scale("Front", 1);
  await eventually(async () => (await fetch(windlass.http)).status === 200);
});
