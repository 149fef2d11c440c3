/** The rules for answers to requests. Pure. */
import { validateDeployConfig } from "../../config/check.ts";
import { isRecord } from "../../config/schema-types.ts";
import { UNSUPPORTED_RULES } from "../../config/unsupported.ts";
import { asDocument, type InstanceDocument, projectionOf } from "./document.ts";
import type { Answer } from "./exchange.ts";
import { type Mismatch, mismatches } from "./match.ts";
import { applicationsOf, overrideIn, type RuleContext, sameStanding } from "./rules.ts";
import { APPLICATIONS_PATH, isMutating, type RecordedRequest, type Step } from "./scenario.ts";

/** A request that was answered otherwise than recorded. */
export interface DifferentAnswer {
  readonly step: Step & { readonly request: RecordedRequest };
  readonly answer: Answer;
  readonly found: readonly Mismatch[];
}

/** One deliberate difference in answers. `name` says what we do, and where the contract says so. */
export interface AnswerRule {
  readonly name: string;
  applies(different: DifferentAnswer, context: RuleContext): boolean;
  /** Its own expectation. */
  held(different: DifferentAnswer, context: RuleContext): boolean;
  /** The reference accepted what we refuse: until the next change nothing may have changed. */
  readonly refuses?: true;
}

const isPut = ({ method, path }: RecordedRequest): boolean => method === "PUT" && path === APPLICATIONS_PATH;
const isScale = ({ method, path }: RecordedRequest): boolean => method === "POST" && path.endsWith("/scale");
const isDocumentGet = ({ method, path, target }: RecordedRequest): boolean =>
  method === "GET" && target === undefined && path.startsWith(APPLICATIONS_PATH);
const crashed = ({ expect }: Step): boolean => expect?.text_kind === "unhandled_error";

const hasSlash = ({ name }: Record<string, unknown>): boolean => String(name).includes("/");

/** 400 in plain text, one line a problem, without a trace. */
function isReport({ status, contentType, text }: Answer): boolean {
  const lines = text.split("\n");
  return (
    status === 400 &&
    contentType?.startsWith("text/plain") === true &&
    lines.every((line) => /^\S/.test(line)) &&
    !/\b(node:|file:|\.[jt]s:\d)/.test(text)
  );
}

/** The rules for answers, in the order they are asked. */
export const ANSWER_RULES: readonly AnswerRule[] = [
  {
    name: "contract 3, webhook: a 200 has keys of our own beside the message",
    applies: ({ step, answer }) => isScale(step.request) && step.expect?.status === 200 && answer.status === 200,
    held: ({ step, answer }) =>
      mismatches(step.expect?.json, answer.json, "subset").length === 0 &&
      ["target_num_replicas", "revision"].every((key) => isRecord(answer.json) && typeof answer.json[key] === "number"),
  },
  {
    name: "contract 3, webhook: 415 unless Content-Type is application/json",
    applies: ({ step }) => isScale(step.request) && !/^application\/json\b/.test(contentTypeOf(step.request)),
    held: ({ answer }) => answer.status === 415 && isRecord(answer.json) && typeof answer.json.error === "string",
  },
  {
    name: "contract 3, fixes: what crashes the reference is 400 with one line a problem",
    applies: ({ step, answer }) => isPut(step.request) && crashed(step) && answer.status !== 200,
    held: ({ answer }) => isReport(answer),
  },
  {
    name: "contract 5: import_path and the like name our code: the build that follows a PUT looks for it",
    applies: ({ step, answer }) =>
      isPut(step.request) && step.expect?.exception === "ModuleNotFoundError" && answer.status === 200,
    // Taken as any other config is: an empty answer.
    held: ({ answer }) => answer.text === "",
  },
  {
    name: 'contract 3.2: the name of an application holds no "/"',
    applies: ({ step, answer }) =>
      isPut(step.request) && answer.status === 400 && applicationsOf(step.request.body).some(hasSlash),
    held: ({ step, answer }) => {
      const wrong = applicationsOf(step.request.body).flatMap((each, index) => (hasSlash(each) ? [index] : []));
      return isReport(answer) && wrong.every((index) => answer.text.includes(`applications[${index}].name: `));
    },
    refuses: true,
  },
  {
    name: "contract 3, check: a setting that cannot be kept is refused, with what to do instead",
    applies: ({ step, answer }) =>
      isPut(step.request) && step.expect?.status === 200 && answer.status === 400 && cannotBeKept(step.request.body),
    held: ({ answer }) => isReport(answer),
    refuses: true,
  },
  {
    name: "contract 3.2, T1 and T2: PUT refuses at once what the reference only fails to apply",
    applies: ({ step, answer }, context) =>
      isPut(step.request) && step.expect?.status === 200 && answer.status === 400 && failsLater(context.ahead),
    held: ({ answer }) =>
      isReport(answer) && answer.text.split("\n").every((line) => /^applications\[\d+\]/.test(line)),
    refuses: true,
  },
  {
    name: "contract 3, fixes: a refused PUT changes nothing",
    applies: ({ step }, context) => context.refusedBy !== undefined && isDocumentGet(step.request),
    held: ({ answer }, context) => isUnchanged(asDocument(answer.json), context.before),
  },
  {
    name: "contract 3.2, T8: 503 to writes while the instance ends",
    applies: ({ step, answer }, context) =>
      context.ending && isMutating(step.request) && step.expect?.status === 200 && answer.status === 503,
    held: ({ answer }) => answer.text.includes("Serve controller is not available"),
    refuses: true,
  },
  {
    name: "contract 3.2, T6: every field is compared, so a redeploy shows what was put",
    applies: ({ step, found }) =>
      isDocumentGet(step.request) && found.length > 0 && found.every(({ path }) => CONFIG_FIELD.test(path)),
    held: ({ found }, context) =>
      found.every(({ path, actual }) => {
        const { application, deployment, field } = CONFIG_FIELD.exec(path)!.groups as Record<string, string>;
        const put = overrideIn(context.desired, application!, deployment!);
        return put !== undefined && mismatches(put[field!], actual, "exact").length === 0;
      }),
  },
  {
    name: "contract 3.2, T7: num_replicas null is unset",
    applies: ({ step }) => isDocumentGet(step.request) && step.expect?.status === 503,
    held: ({ answer }) => {
      const document = asDocument(answer.json);
      if (answer.status !== 200 || document === undefined) return false;
      const applications = Object.values(document.applications);
      return applications.length > 0 && applications.every(({ status }) => status === "RUNNING");
    },
  },
];

/** Sends what a browser would send, where the reference goes by the looks of a request. */
export const BROWSER_RULE = {
  name: "contract 3, authentication: Host and Origin are checked on every verb, whatever the User-Agent says",
  /** The same request as a page of another site would send it; undefined where the rule has no say. */
  rewrite({ request, expect }: Step): RecordedRequest | undefined {
    if (request === undefined || request.target !== undefined) return undefined;
    const foreign = Object.entries(request.headers ?? {}).some(([name]) => name.toLowerCase() === "origin");
    const guarded = expect?.status === 405 && /browser traffic/.test(expect.text ?? "");
    if (!foreign && !guarded) return undefined;
    return { ...request, headers: { Origin: "http://foreign.test", ...request.headers } };
  },
  held: (answer: Answer): boolean => answer.status === 403 && /origin .* is not allowed/.test(answer.text),
} as const;

const CONFIG_FIELD =
  /^applications\.(?<application>[^.]+)\.deployments\.(?<deployment>[^.]+)\.deployment_config\.(?<field>\w+)$/;

/** Whether all that is wrong with a config are settings of the reference that this version does not have. */
function cannotBeKept(body: unknown): boolean {
  const checked = validateDeployConfig(body);
  return !checked.ok && checked.problems.every(({ rule }) => Object.hasOwn(UNSUPPORTED_RULES, rule));
}

function contentTypeOf(request: RecordedRequest): string {
  const found = Object.entries(request.headers ?? {}).find(([name]) => name.toLowerCase() === "content-type");
  return found?.[1] ?? "application/json";
}

/** Whether the recording goes on with a failed application before anything else is changed. */
function failsLater(ahead: readonly Step[]): boolean {
  const next = ahead.findIndex((step, index) => index > 0 && step.request !== undefined && isMutatingPut(step.request));
  const until = next === -1 ? ahead : ahead.slice(0, next);
  return until.some((step) => /"status":"DEPLOY_FAILED"/.test(JSON.stringify([step.wait_until, step.expect?.json])));
}

const isMutatingPut = (request: RecordedRequest): boolean => isMutating(request) && !isScale(request);

function isUnchanged(document: InstanceDocument | undefined, before: InstanceDocument | undefined): boolean {
  if (document === undefined || before === undefined) return false;
  const configs = ({ applications }: InstanceDocument): unknown =>
    Object.entries(applications).map(([name, { deployed_app_config }]) => [name, deployed_app_config]);
  return (
    sameStanding(projectionOf(document), projectionOf(before)) &&
    JSON.stringify(configs(document)) === JSON.stringify(configs(before))
  );
}
