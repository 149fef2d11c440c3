/** Sets the replicas that this hour usually needs. Run it every few minutes: `node predictive.ts`. */

/** Replicas for an hour of the day, 0 to 23, as past traffic suggests. */
export function replicasAt(hour: number): number {
  if (hour >= 9 && hour < 17) return 10; // business hours
  if (hour >= 17 && hour < 22) return 15; // evening peak
  return 3;
}

/** Asks for a number of replicas. Rejects when the call is refused, or takes longer than `timeoutMs`. */
export async function scale(endpoint: string, token: string, replicas: number, timeoutMs = 10_000): Promise<void> {
  const response = await fetch(`${endpoint}/api/v1/applications/my-app/deployments/my-deployment/scale`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      target_num_replicas: replicas,
      reason: "predicted traffic",
      owner: "predictive",
      ttl_s: 900,
    }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!response.ok) throw new Error(`scaling failed with ${response.status}: ${await response.text()}`);
}

if (import.meta.main) {
  const { WINDLASS_ADDRESS = "http://127.0.0.1:8265", TOKEN = "" } = process.env;
  await scale(WINDLASS_ADDRESS, TOKEN, replicasAt(new Date().getHours()));
}
