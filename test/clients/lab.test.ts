import { expect, it } from "vitest";
import { startLab } from "./lab.ts";

it("the lab cuts, hangs, fails, writes and compacts as it says", async () => {
  const { env, windlass, chaos } = await startLab();
  const ask = async (method: string, path: string): Promise<Record<string, number>> => {
    const response = await fetch(`${env["WINDLASS_LAB"]}${path}`, { method });
    const body = (await response.json()) as Record<string, number>;
    expect(response.status, JSON.stringify(body)).toBe(200);
    return body;
  };
  const headers = { authorization: `Bearer ${env["WINDLASS_TOKEN"]}`, connection: "close" };
  const read = async (timeoutMs = 1_000): Promise<number | string> => {
    try {
      const url = `${env["WINDLASS_ADDRESS"]}/api/v1/applications/feed`;
      return (await fetch(url, { headers, signal: AbortSignal.timeout(timeoutMs) })).status;
    } catch (error) {
      return (error as Error).name;
    }
  };
  expect(await read()).toBe(200);
  await ask("POST", "/fail-next?count=1");
  expect([await read(), await read()]).toEqual(["TypeError", 200]);
  await ask("POST", "/admit?how=refuse");
  expect(await read()).toBe("TypeError");
  await ask("POST", "/admit?how=hang");
  expect(await read(200)).toBe("TimeoutError");
  await ask("POST", "/admit?how=forward");
  expect(await read()).toBe(200);

  const watch = await fetch(`${env["WINDLASS_ADDRESS"]}/api/v1/watch`, { headers });
  expect(await ask("GET", "/state")).toMatchObject({ watchers: 1, open: 1 });
  expect(await ask("POST", "/freeze")).toEqual({ connections: 1 });
  expect(await ask("POST", "/cut")).toEqual({ connections: 1 });
  await expect(watch.text()).rejects.toThrow();
  expect(chaos.open).toBe(0);

  expect(await ask("POST", "/write?count=3&pause_ms=1")).toEqual({ first: 1, last: 3 });
  const { json } = await fetchFeed(windlass.control, windlass.token);
  expect(json).toContain("write 3");
  const { revision } = await ask("POST", "/compact");
  const gone = await fetch(`${windlass.control}/api/v1/watch?since=${revision}`, { headers });
  expect(gone.status).toBe(410);
});

async function fetchFeed(control: string, token: string): Promise<{ json: string }> {
  const response = await fetch(`${control}/windlass.v1.DeploymentService/GetDeployment`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "applications/feed/deployments/Waiter" }),
  });
  return { json: await response.text() };
}
