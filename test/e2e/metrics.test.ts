/** What a scripted run leaves in a scrape: names, labels and exact counts, over real processes. */
import { expect, it } from "vitest";
import { writeApp } from "../support/apps.ts";
import { type Exposition, parseExposition } from "../support/exposition.ts";
import { REFERENCE_METRICS } from "../support/reference-metrics.ts";
import { api, eventually, startWindlass, waitForStatus } from "../support/windlass.ts";

const SOURCE = `
import { type DeploymentHandle, deployment, metrics } from "windlass";
const taken = new metrics.Counter("orders_total", { description: "Orders.", labels: ["kind", "route"] });
const last = new metrics.Gauge("last_sum");
const sums = new metrics.Histogram("order_sum", { boundaries: [1, 10] });
class Back {
  one(): number { return 1; }
  add(a: number, b: number): number { taken.inc(1, { kind: "sum" }); return a + b; }
}
class Front {
  constructor(readonly back: DeploymentHandle<Back>) {}
  async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname.endsWith("/fail")) throw new TypeError("as asked");
    const sum = await this.back.add.remote(this.back.one.remote(), 4);
    taken.inc(2, { kind: "fruit" });
    last.set(sum);
    sums.observe(sum);
    return Response.json(sum);
  }
}
export const app = deployment(Front).bind(deployment(Back).bind());
`;
const CONFIG = `
applications:
  - name: shop
    route_prefix: /shop
    import_path: ./app.ts:app
`;

it("a scrape tells exactly what was done, by the reference's names and labels", async () => {
  const windlass = await startWindlass([writeApp(SOURCE, CONFIG), "--proxy-workers", "1"]);
  await waitForStatus(windlass, "shop", "RUNNING");
  const ask = async (path: string): Promise<number> => {
    const response = await fetch(`${windlass.http}${path}`);
    await response.text();
    return response.status;
  };
  for (let i = 0; i < 3; i++) expect(await ask("/shop/buy")).toBe(200);
  for (let i = 0; i < 2; i++) expect(await ask("/shop/fail")).toBe(500);
  expect(await ask("/nowhere")).toBe(404);

  const scrape = async (): Promise<Exposition> => parseExposition((await api(windlass, "/metrics")).text);
  const app = { application: "shop" };
  const [front, back] = [
    { ...app, deployment: "Front" },
    { ...app, deployment: "Back" },
  ];
  const route = "/shop";
  // Of what is told at intervals the whole run is waited for; nothing may be more than was done.
  const told = await eventually(async () => {
    const now = await scrape();
    const all =
      now.sum("serve_num_http_requests") >= 6 &&
      now.sum("serve_deployment_processing_latency_ms_count") >= 11 &&
      now.sum("serve_handle_request_counter") >= 11;
    return all ? now : undefined;
  });

  const get = { ...app, route, method: "GET", proxy: "proxy/0" };
  expect(told.sum("serve_num_http_requests")).toBe(6);
  expect(told.sum("serve_num_http_requests", { ...get, status_code: "200" })).toBe(3);
  expect(told.sum("serve_num_http_requests", { ...get, status_code: "500" })).toBe(2);
  expect(told.sum("serve_num_http_requests", { application: "", route: "", status_code: "404" })).toBe(1);
  expect(told.sum("serve_num_http_error_requests", { error_code: "500" })).toBe(2);
  expect(told.sum("serve_num_http_error_requests", { error_code: "404" })).toBe(1);
  expect(told.sum("serve_num_deployment_http_error_requests")).toBe(2);
  expect(told.sum("serve_num_deployment_http_error_requests", { ...front, route, error_code: "500" })).toBe(2);
  expect(told.sum("serve_http_request_latency_ms_count")).toBe(6);
  expect(told.sum("serve_num_ongoing_http_requests")).toBe(0);

  const replicaOf = (deployment: string): string =>
    told.find("serve_deployment_replica_healthy", { deployment })[0]!.labels["replica"]!;
  const handles = [
    { deployment: "Front", actor: "proxy/0", source: "PROXY", count: 5 },
    { deployment: "Back", actor: replicaOf("Front"), source: "REPLICA", count: 6 },
  ];
  for (const { deployment, actor, source, count } of handles) {
    const handle = `shop#${deployment}#${actor}`;
    expect(told.sum("serve_handle_request_counter", { ...app, deployment, route, handle })).toBe(count);
    expect(told.sum("serve_num_router_requests", { ...app, deployment, route, handle, actor_id: actor })).toBe(count);
    const router = { ...app, deployment, actor_id: actor };
    expect(
      told.sum("serve_request_router_fulfillment_time_ms_count", { ...router, handle_source: source }),
    ).toBeGreaterThanOrEqual(count);
    expect(told.find("serve_deployment_queued_queries", { ...router, handle }).map(({ value }) => value)).toEqual([0]);
    const replica_id = replicaOf(deployment);
    const length = told.find("serve_request_router_queue_len", { ...router, replica_id, handle_source: source });
    expect(length.map(({ value }) => value)).toEqual([0]);
  }
  expect(told.sum("serve_handle_request_counter")).toBe(11);
  expect(told.sum("serve_router_args_resolution_latency_ms_count", back)).toBe(3);

  expect(told.sum("serve_deployment_request_counter", { ...front, replica: replicaOf("Front"), route })).toBe(3);
  expect(told.sum("serve_deployment_request_counter", { ...back, replica: replicaOf("Back"), route })).toBe(6);
  expect(told.find("serve_deployment_error_counter").map(({ labels, value }) => [labels, value])).toEqual([
    [{ ...front, replica: replicaOf("Front"), route, exception_type: "TypeError" }, 2],
  ]);
  expect(told.sum("serve_deployment_processing_latency_ms_count", front)).toBe(5);
  expect(told.sum("serve_deployment_replica_starts")).toBe(2);
  expect(told.sum("serve_replica_processing_queries")).toBe(0);
  expect(told.sum("serve_deployment_max_processing_latency_ms", front)).toBeGreaterThan(0);
  for (const deployment of [front, back]) {
    expect(told.sum("serve_replica_startup_latency_ms_count", deployment)).toBe(1);
    expect(told.sum("serve_deployment_replica_healthy", deployment)).toBe(1);
  }
  expect(told.sum("serve_controller_num_control_loops")).toBeGreaterThan(0);
  expect(told.find("serve_event_loop_monitoring_iterations", { component: "proxy" })).toHaveLength(1);

  const own = (deployment: string) => ({ ...app, deployment, replica: replicaOf(deployment) });
  expect(told.find("orders_total").map(({ labels, value }) => [labels, value])).toEqual(
    expect.arrayContaining([
      [{ ...own("Front"), kind: "fruit", route }, 6],
      [{ ...own("Back"), kind: "sum", route }, 3],
    ]),
  );
  expect(told.find("last_sum", own("Front")).map(({ value }) => value)).toEqual([5]);
  expect(told.find("order_sum_bucket", own("Front")).map(({ labels, value }) => [labels["le"], value])).toEqual([
    ["1", 0],
    ["10", 3],
    ["+Inf", 3],
  ]);

  const types = new Map(REFERENCE_METRICS.map(({ name, type, differs }) => [name, differs?.type ?? type]));
  for (const [name, type] of told.types) {
    if (!name.startsWith("serve_")) continue;
    expect([name, types.get(name)]).toEqual([name, type]);
  }
});
