/** Answers what the controller says, with what policies return. Knows no sockets. */
import { readApplicationOutput, readPolicyOutput } from "../autoscaling/policy-output.ts";
import { errorText } from "../core/errors.ts";
import { oneLine, userErrorLine } from "../sdk/user-error.ts";
import { type LoadContext, loadPolicy } from "./load.ts";
import { Answer, type LoadedPolicy, PolicyError } from "./policy.ts";
import { type FromHost, type LoadRequest, MAX_OUTPUT_BYTES, type ToHost } from "./protocol.ts";

/** The policies that one process has loaded. */
export class PolicyHost {
  readonly #context: LoadContext;
  readonly #policies = new Map<string, { readonly spec: string; readonly policy: Promise<LoadedPolicy> }>();

  constructor(context: LoadContext) {
    this.#context = context;
  }

  /** Does what the controller says. `say` may be called at any time after. Never throws. */
  async handle(message: ToHost, say: (answer: FromHost) => void): Promise<void> {
    switch (message.kind) {
      case "load":
        return await this.#load(message.policy, say);
      case "drop":
        this.#policies.delete(message.key);
        return;
      case "ask":
        return await this.#ask(message, say);
    }
  }

  async #load(request: LoadRequest, say: (answer: FromHost) => void): Promise<void> {
    const { key } = request;
    const spec = JSON.stringify([request.policyFunction, request.kwargs]);
    if (this.#policies.get(key)?.spec !== spec) {
      this.#policies.set(key, { spec, policy: loadPolicy(request, this.#context) });
    }
    try {
      await this.#policies.get(key)?.policy;
      say({ kind: "loaded", key });
    } catch (error) {
      this.#policies.delete(key);
      say({ kind: "load-failed", key, error: this.#line(error) });
    }
  }

  async #ask({ id, key, input }: ToHost & { kind: "ask" }, say: (answer: FromHost) => void): Promise<void> {
    const entry = this.#policies.get(key);
    if (!entry) return say({ kind: "failed", id, error: "is not loaded" });
    try {
      const policy = await entry.policy;
      say({ kind: "began", id });
      const result = policy(input);
      if (isThenable(result)) say({ kind: "waits", id });
      const returned = await result;
      const [value, warning] = returned instanceof Answer ? [returned.value, returned.warning] : [returned, null];
      const error = isForApplication(input) ? unusable(value, Object.keys(input)) : unusable(value, null);
      say(error === undefined ? { kind: "returned", id, value, warning } : { kind: "failed", id, error });
    } catch (error) {
      say({ kind: "failed", id, error: this.#line(error) });
    }
  }

  /** One line for the user, with its place in the sources where there is one. */
  #line(error: unknown): string {
    if (error instanceof PolicyError) return error.message;
    const { workingDir, baseDir } = this.#context.place;
    return userErrorLine(error, workingDir ?? baseDir);
  }
}

/** Why a returned value is of no use: looked at here too, since JSON hides what is no finite number. */
function unusable(value: unknown, deployments: readonly string[] | null): string | undefined {
  const read = deployments === null ? readPolicyOutput(value) : readApplicationOutput(value, deployments);
  // "the policy returned ...": whoever reads it knows which one.
  if (read.kind === "failed") return read.reason;
  try {
    const bytes = Buffer.byteLength(JSON.stringify(value));
    if (bytes <= MAX_OUTPUT_BYTES) return undefined;
    return `the policy returned ${bytes} bytes as JSON; keep a smaller state, up to ${MAX_OUTPUT_BYTES}`;
  } catch (error) {
    return `the policy returned what cannot be written as JSON: ${oneLine(errorText(error)).slice(0, 120)}`;
  }
}

/** An application's policy is given its deployments by name, a deployment's one input. */
function isForApplication(input: unknown): input is Readonly<Record<string, unknown>> {
  const one = input as { currentTimeS?: unknown } | null;
  return typeof one === "object" && one !== null && typeof one.currentTimeS !== "number";
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
