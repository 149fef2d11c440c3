/** Renders docs/config.md from the schemas. Run `node scripts/config-docs.mjs` after changing a field. */
import type * as z from "zod";
import { CHECK_RULES } from "./check-rules.ts";
import { LINT_RULES } from "./lint-rules.ts";
import { NOT_YET_APPLICATION, NOT_YET_DOCUMENT } from "./not-yet.ts";
import { AUTOSCALING_SCHEMA, POLICY_SCHEMA } from "./schema-autoscaling.ts";
import { LOGGING_SCHEMA } from "./schema-common.ts";
import {
  APPLICATION_SCHEMA,
  CONTROLLER_SCHEMA,
  DEPLOY_SCHEMA,
  GRPC_SCHEMA,
  HTTP_SCHEMA,
  SCALING_SCHEMA,
  TRACING_SCHEMA,
} from "./schema-deploy.ts";
import { ACTOR_OPTIONS_SCHEMA, BACKPRESSURE_SCHEMA, DEPLOYMENT_SCHEMA } from "./schema-deployment.ts";
import { DEPLOYMENT_ACTOR_SCHEMA, GANG_SCHEMA, REQUEST_ROUTER_SCHEMA } from "./schema-gang.ts";
import { describeType, fieldInfo, isRequired, shapeOf } from "./schema-info.ts";
import { CANARY_ANALYSIS_SCHEMA, CANARY_STEP_SCHEMA, CANARY_STICKY_SCHEMA, ROLLOUT_SCHEMA } from "./schema-rollout.ts";

const SECTIONS: readonly (readonly [title: string, schema: z.ZodType])[] = [
  ["The document", DEPLOY_SCHEMA],
  ["`applications[]`", APPLICATION_SCHEMA],
  ["`scaling`", SCALING_SCHEMA],
  ["`applications[].deployments[]`", DEPLOYMENT_SCHEMA],
  ["`ray_actor_options`", ACTOR_OPTIONS_SCHEMA],
  ["`backpressure_config`", BACKPRESSURE_SCHEMA],
  ["`autoscaling_config`", AUTOSCALING_SCHEMA],
  ["`autoscaling_config.policy`, and `autoscaling_policy` and `autoscaling_shadow` of an application", POLICY_SCHEMA],
  ["`rollout`", ROLLOUT_SCHEMA],
  ["`rollout.canary[]`", CANARY_STEP_SCHEMA],
  ["`rollout.canary_analysis`", CANARY_ANALYSIS_SCHEMA],
  ["`rollout.canary_sticky`", CANARY_STICKY_SCHEMA],
  ["`request_router_config`", REQUEST_ROUTER_SCHEMA],
  ["`gang_scheduling_config`", GANG_SCHEMA],
  ["`deployment_actors[]`", DEPLOYMENT_ACTOR_SCHEMA],
  ["`logging_config`", LOGGING_SCHEMA],
  ["`http_options`", HTTP_SCHEMA],
  ["`grpc_options`", GRPC_SCHEMA],
  ["`controller_options`", CONTROLLER_SCHEMA],
  ["`tracing_config`", TRACING_SCHEMA],
];

const INTRO = `# The config

Generated from the schemas in \`src/config\` by \`node scripts/config-docs.mjs\`; do not edit.

A config is a YAML or JSON document with the reference's field names (Ray Serve 2.60). Only the keys you give are
stored. A deployment field that is left out keeps what the code says; an explicit \`null\` overrides it, but
\`num_replicas: null\` is the same as leaving it out.

Numbers may be given as text (\`"8000"\`), whole numbers as \`3.0\`, and true or false as 1 or 0, except for
\`num_replicas\` and \`max_queued_requests\`. An unknown key that looks like a typo of a known one is refused, any
other is left out with a warning; \`logging_config\`, \`tracing_config\`, \`backpressure_config\`,
\`controller_options\`, \`scaling\` and \`rollout\` refuse every unknown key.

A file given to \`windlass start\` may also have a \`start:\` section with the flags of that command.

What a change does, the last column of the tables:

| Class | Effect |
|---|---|
| target | only the controller's targets change; running replicas are not touched |
| controller | the controller acts on the new value at once; running replicas are not touched |
| reconfigure | running replicas are told, \`reconfigure\` is called, nothing restarts |
| restart | replicas are replaced one part at a time |
| instance | read when the instance is made; later changes are answered with a warning |
`;

/** The text of docs/config.md. */
export function renderConfigDocs(): string {
  const sections = SECTIONS.map(([title, schema]) => `## ${title}\n\n${table(schema)}`);
  const rules = Object.entries(CHECK_RULES).map(([id, text]) => `| \`${id}\` | ${cell(text)} |`);
  const lints = Object.entries(LINT_RULES).map(([id, text]) => `| \`${id}\` | ${cell(text)} |`);
  const paths = [
    ...Object.keys(NOT_YET_DOCUMENT),
    ...Object.keys(NOT_YET_APPLICATION).map((path) => `applications[].${path}`),
  ];
  const notes = { ...NOT_YET_DOCUMENT, ...prefixed(NOT_YET_APPLICATION) };
  const pending = paths.map((path) => `| \`${path}\` | ${cell(notes[path] ?? "")} |`);
  return [
    INTRO,
    ...sections,
    `## Rules beyond the reference's\n\n| Rule | Refuses |\n|---|---|\n${rules.join("\n")}`,
    `## Settings that work badly together\n\nAllowed, with a warning before a deploy. One that several deployments have alike is one line that lists them.\n\n| Rule | Warns of |\n|---|---|\n${lints.join("\n")}`,
    `## Accepted, but not acted on yet\n\nEach gives a warning.\n\n| Field | Says |\n|---|---|\n${pending.join("\n")}`,
  ]
    .join("\n\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .concat("\n");
}

function prefixed(table: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(table).map(([path, text]) => [`applications[].${path}`, text]));
}

function table(schema: z.ZodType): string {
  const rows = Object.entries(shapeOf(schema) ?? {}).flatMap(([name, field]) => row(name, field));
  return ["| Field | Type | Default | Meaning | Change |", "|---|---|---|---|---|", ...rows].join("\n");
}

function row(name: string, field: z.core.$ZodType): string[] {
  const info = fieldInfo(field);
  if (!info || info.hidden) return [];
  const given = info.default === undefined ? "" : `\`${JSON.stringify(info.default)}\``;
  const value = isRequired(field) ? "required" : given;
  return [`| \`${name}\` | ${cell(describeType(field))} | ${cell(value)} | ${cell(info.doc)} | ${info.update ?? ""} |`];
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
