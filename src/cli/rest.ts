import { fetchTrusting } from "../client/trust.ts";
import { cannotConnect, type Target, unauthorised } from "./address.ts";
import { CliError, EXIT, oneLine } from "./exit.ts";

/** What of `GET /api/serve/applications/` the commands read; the reference's names. */
export interface ServeDetails {
  /** Empty where there is no instance. */
  readonly controller_info?: Readonly<Record<string, unknown>>;
  readonly proxies?: Readonly<Record<string, { readonly status: string }>>;
  readonly applications: Readonly<Record<string, ApplicationDetails>>;
  readonly target_capacity: number | null;
}

/** One application of {@link ServeDetails}. */
export interface ApplicationDetails {
  readonly status: string;
  readonly message: string;
  readonly last_deployed_time_s: number;
  readonly deployed_app_config: Readonly<Record<string, unknown>> | null;
  readonly deployments: Readonly<Record<string, DeploymentDetails>>;
}

/** One deployment of {@link ApplicationDetails}. */
export interface DeploymentDetails {
  readonly status: string;
  readonly status_trigger: string;
  readonly message: string;
  readonly replicas: readonly { readonly state: string }[];
}

/** The whole instance as REST shows it. */
export async function getServeDetails(target: Target): Promise<ServeDetails> {
  const body = await request(target, "GET");
  try {
    const details = JSON.parse(body) as ServeDetails;
    if (typeof details.applications === "object" && details.applications !== null) return details;
  } catch {
    // Not JSON: told below.
  }
  throw new CliError(EXIT.failed, `${target.address} does not speak Windlass's API; check the address`);
}

/** Ends the instance; answers once it has ended, or after 30 s while it still does. */
export async function deleteServe(target: Target): Promise<void> {
  await request(target, "DELETE");
}

async function request(target: Target, method: "GET" | "DELETE"): Promise<string> {
  let response: Response;
  let body: string;
  const headers: Record<string, string> = target.token === undefined ? {} : { authorization: `Bearer ${target.token}` };
  try {
    const ask = target.trust === undefined ? fetch : fetchTrusting(target.trust);
    response = await ask(`${target.address}/api/serve/applications/`, {
      method,
      headers,
    });
    body = await response.text();
  } catch (error) {
    throw cannotConnect(target, error);
  }
  if (!response.ok) throw refusal(target, response.status, body);
  return body;
}

/** What an answer that is no 2xx means for the user. */
export function refusal(target: Target, status: number, body: string): CliError {
  if (status === 401) return unauthorised(target, "");
  if (status === 403) return unauthorised(target, errorOf(body));
  // Of names that stand for nothing, the API speaks in JSON; of paths that it does not know, in plain text.
  if (status === 404 && body.startsWith("{")) {
    return new CliError(EXIT.failed, `${errorOf(body)}; \`windlass status\` shows what there is`);
  }
  if (status === 404) return new CliError(EXIT.failed, `${target.address} is not a Windlass; check the address`);
  return new CliError(EXIT.failed, `${target.address} answered ${status}: ${errorOf(body)}`);
}

function errorOf(body: string): string {
  try {
    const parsed = JSON.parse(body) as { error?: unknown; message?: unknown };
    const text = parsed.error ?? parsed.message;
    if (typeof text === "string") return oneLine(text);
  } catch {
    // Plain text, as the applications routes answer.
  }
  return oneLine(body).slice(0, 500);
}
