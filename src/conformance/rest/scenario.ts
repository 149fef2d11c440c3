/** The shape of recorded REST scenarios. Keys are the recording's. */

/** One scenario: its steps run in order against an instance of its own. */
export interface Scenario {
  readonly id: string;
  /** `none`: no instance runs; `empty`: one without applications. */
  readonly start: "none" | "empty";
  readonly steps: readonly Step[];
}

/** Exactly one of the first seven keys says what the step does. */
export interface Step {
  readonly request?: RecordedRequest;
  readonly wait_until?: Wait;
  readonly sleep_s?: number;
  readonly capture_replicas?: Capture;
  readonly compare_replicas?: Comparison;
  readonly imperative_deploy?: unknown;
  readonly imperative_delete?: unknown;
  readonly expect?: Expectation;
  /** The request's answer is looked at when the scenario ends. */
  readonly background?: boolean;
  readonly note?: string;
}

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  /** Names the data plane; without it the control port is meant. */
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly raw_body?: string;
}

export interface Expectation {
  readonly status: number;
  readonly content_type?: string | null;
  readonly match?: "exact" | "subset";
  readonly json?: unknown;
  readonly text?: string;
  readonly text_kind?: string;
  readonly locations?: readonly string[];
  readonly exception?: string;
  readonly allow?: string;
  readonly last_deployed_time_s_increased?: unknown;
}

export interface Wait {
  readonly condition: unknown;
  readonly applications_exactly?: readonly string[];
  readonly absent_applications?: readonly string[];
  readonly timeout_s: number;
}

export interface Capture {
  readonly label: string;
  readonly application: string;
  readonly deployment: string;
  readonly count: number;
}

export interface Comparison extends Omit<Capture, "count"> {
  readonly relation: "same" | "superset" | "subset" | "overlap" | "all_new";
  /** How many replicas there are at present. */
  readonly now: number;
}

/** Path of the document of everything. */
export const APPLICATIONS_PATH = "/api/serve/applications/";

/** Whether a request may change something. */
export function isMutating(request: RecordedRequest): boolean {
  return request.target === undefined && !["GET", "HEAD", "OPTIONS"].includes(request.method);
}
