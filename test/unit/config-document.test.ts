import { describe, expect, it } from "vitest";
import { validateDeployConfig } from "../../src/config/check.ts";
import { readConfigDocument } from "../../src/config/document.ts";
import { redactConfig, redactHttpOptions, restoreRedacted } from "../../src/config/redact.ts";

const bomb = [
  "a: &a [1, 1]",
  ...["b", "c", "d", "e"].map((k, i) => `${k}: &${k} [${Array(11).fill(`*${"abcd"[i]}`)}]`),
];

describe("readConfigDocument", () => {
  it.each([
    { name: "an empty file", text: "", line: /^f\.yaml: is empty;/ },
    { name: "a file of comments", text: "# nothing\n", line: /^f\.yaml: is empty;/ },
    { name: "a list", text: "[1]", line: /^f\.yaml:1:1: must be a map/ },
    { name: "a repeated key", text: "a: 1\na: 2\n", line: /^f\.yaml:2:1: this key stands twice/ },
    { name: "a tab", text: "a:\n\tb: 1", line: /^f\.yaml:2:1: YAML is indented with spaces/ },
    { name: "an open bracket", text: "a: {", line: /^f\.yaml:1:5: is not YAML: / },
    {
      name: "several breaks of the syntax, the first",
      text: "applications:\n  - name: a\n   import_path: x\n  bad: [\n",
      line: /^f\.yaml:3:1: is not YAML: /,
    },
    {
      name: "one application",
      text: "\nimport_path: ./a.ts:app",
      line: /^f\.yaml:2:1: is one application: make it an item/,
    },
    { name: "two documents", text: "a: 1\n---\nb: 1", line: /^f\.yaml: holds several documents/ },
    { name: "a start section that is no map", text: "start: 5", line: /^f\.yaml: start must be a map/ },
    { name: "a document of 20000 levels", text: `${"[".repeat(20000)}${"]".repeat(20000)}`, line: /nested too deeply/ },
    { name: "aliases that unfold without end", text: bomb.join("\n"), line: /^f\.yaml: Excessive alias count/ },
  ])("refuses $name in one line", ({ text, line }) => {
    const document = readConfigDocument(text, "f.yaml");
    if (document.ok) throw new Error("accepted");
    expect(document.problems).toHaveLength(1);
    expect(document.problems[0]).toMatch(line);
    expect(document.problems[0]).not.toContain("\n");
  });

  it("gives the start section apart", () => {
    const document = readConfigDocument("start:\n  http-port: 1\napplications: []\n", "f.yaml");
    expect(document).toMatchObject({ ok: true, data: { applications: [] }, start: { "http-port": 1 } });
  });

  it("places problems at line and column, deepest part known first", () => {
    const text = `applications:
  - name: a
    import_path: ./a.ts:app
    deployments:
      - name: D
        num_replicas: 2.0
      - {name: E, max_ongoing_requests: 0}
      - name: F
        max_surge_percnt: 5
`;
    const document = readConfigDocument(text, "q.yaml");
    if (!document.ok) throw new Error("refused");
    const result = validateDeployConfig(document.data, { floats: document.floats });
    expect(result.ok ? [] : result.problems.map(document.describe)).toEqual([
      'q.yaml:5:9 applications[0].deployments[0]: num_replicas must be a whole number > 0 (no text, no decimal point) or "auto", got 2 written as a decimal',
      "q.yaml:7:19 applications[0].deployments[1].max_ongoing_requests: must be a whole number > 0, got 0",
      "q.yaml:9:9 applications[0].deployments[2].max_surge_percnt: is not a known key; did you mean max_surge_percent?",
    ]);
    const problem = { path: "applications[0].name", message: "is odd" };
    expect(document.describe(problem)).toBe("q.yaml:2:5 applications[0].name: is odd");
  });

  const clashes = [
    {
      name: "a route prefix that stands twice",
      second: "name: b\n    import_path: x:y\n    route_prefix: /a",
      line: /^f\.yaml:7:5 applications: two applications have route_prefix "\/a" /,
    },
    {
      name: "a name that stands twice",
      second: "route_prefix: null\n    import_path: x:y\n    name: a",
      line: /^f\.yaml:7:5 applications: two applications are named "a"/,
    },
    {
      name: "an empty name",
      second: 'import_path: x:y\n    route_prefix: null\n    name: ""',
      line: /^f\.yaml:7:5 applications: an application's name is empty/,
    },
    {
      name: "a port inside of an application",
      second: "import_path: x:y\n    name: b\n    port: 1",
      line: /^f\.yaml:7:5: applications\[1\]\.port is not allowed here/,
    },
  ];
  it.each(clashes)("places $name where it is to be changed", ({ second, line }) => {
    const text = `applications:\n  - name: a\n    import_path: x:y\n    route_prefix: /a\n  - ${second}\n`;
    const document = readConfigDocument(text, "f.yaml");
    if (!document.ok) throw new Error("refused");
    const result = validateDeployConfig(document.data);
    expect(result.ok ? [] : result.problems.map(document.describe)).toEqual([expect.stringMatching(line)]);
  });

  it("places a clash of default route prefixes at the second application", () => {
    const text = "applications:\n  - name: a\n    import_path: x:y\n  - name: b\n    import_path: x:y\n";
    const document = readConfigDocument(text, "f.yaml");
    if (!document.ok) throw new Error("refused");
    const result = validateDeployConfig(document.data);
    const places = result.ok ? [] : result.problems.map((problem) => document.describe(problem).split(" ")[0]);
    expect(places).toEqual(["f.yaml:4:5"]);
  });

  it("reads JSON and merged keys", () => {
    expect(readConfigDocument('{"applications": []}', "f.json")).toMatchObject({
      ok: true,
      data: { applications: [] },
    });
    const merged = readConfigDocument("x: &x {a: 1}\ny:\n  <<: *x\n  b: 2\n", "f.yaml");
    expect(merged).toMatchObject({ ok: true, data: { y: { a: 1, b: 2 } } });
  });
});

describe("redaction", () => {
  const app = {
    import_path: "m:a",
    runtime_env: { env_vars: { A: "secret" }, pip: ["x"] },
    deployments: [{ name: "D", ray_actor_options: { runtime_env: { env_vars: { B: "hidden" } } } }],
  };

  it("hides variables of application and deployments, and nothing else", () => {
    const shown = redactConfig(app, { revealEnv: false });
    expect(shown).toEqual({
      import_path: "m:a",
      runtime_env: { env_vars: { A: "<redacted>" }, pip: ["x"] },
      deployments: [{ name: "D", ray_actor_options: { runtime_env: { env_vars: { B: "<redacted>" } } } }],
    });
    expect(restoreRedacted(shown, app)).toEqual(app);
    expect(redactConfig(app, { revealEnv: true })).toEqual(app);
  });

  it("keeps new values and those that nothing is stored for", () => {
    const next = { import_path: "m:a", runtime_env: { env_vars: { A: "new", C: "<redacted>" } } };
    expect(restoreRedacted(next, app)).toEqual(next);
    expect(restoreRedacted(next, undefined)).toBe(next);
  });

  it("never shows what is secret in the URI of a working_dir, and takes the shown one back", () => {
    const uri = "https://me:hunter2@h/x.zip?token=s3cret";
    const env = { runtime_env: { working_dir: uri } };
    const stored = { import_path: "m:a", ...env, deployments: [{ name: "D", ray_actor_options: env }] };
    const shown = redactConfig(stored, { revealEnv: true });
    expect(shown.runtime_env).toEqual({ working_dir: "https://<redacted>@h/x.zip?<redacted>" });
    expect(JSON.stringify(shown)).not.toMatch(/hunter2|s3cret/);
    expect(restoreRedacted(shown, stored)).toEqual(stored);
    const other = { import_path: "m:a", runtime_env: { working_dir: "https://h/y.zip" } };
    expect(redactConfig(other, { revealEnv: false })).toEqual(other);
    expect(restoreRedacted(other, stored)).toEqual(other);
  });

  it("never shows what is secret in the URL of a message broker, and takes the shown one back", () => {
    const scaling = (policy_function: string) => ({
      max_replicas: 3,
      policy: {
        policy_function,
        policy_kwargs: {
          broker_url: "amqp://me:hunter2@h:5672//",
          queue_name: "mail",
          rabbitmq_management_url: "http://me:s3cret@h:15672/api/",
        },
      },
    });
    const stored = {
      import_path: "m:a",
      deployments: [
        { name: "D", autoscaling_config: scaling("windlass:queue"), autoscaling_shadow: scaling("windlass:queue") },
        {
          name: "E",
          autoscaling_config: scaling("ray.serve.async_inference_autoscaling_policy:AsyncInferenceAutoscalingPolicy"),
        },
      ],
    };
    const shown = redactConfig(stored, { revealEnv: true });
    expect(JSON.stringify(shown)).not.toMatch(/hunter2|s3cret/);
    expect(shown.deployments?.[0]?.autoscaling_config).toMatchObject({
      policy: { policy_kwargs: { broker_url: "amqp://<redacted>@h:5672//", queue_name: "mail" } },
    });
    expect(restoreRedacted(shown, stored)).toEqual(stored);
    const moved = { ...shown, deployments: [{ ...shown.deployments![0]!, name: "F" }] };
    expect(restoreRedacted(moved, stored)).toEqual(moved);
    const plain = { import_path: "m:a", deployments: [{ name: "D", num_replicas: 2 }] };
    expect(redactConfig(plain, { revealEnv: false })).toEqual(plain);
  });

  it("never shows the password of a TLS key", () => {
    expect(redactHttpOptions({ port: 1, ssl_keyfile_password: "p" })).toEqual({ port: 1, ssl_keyfile_password: null });
    expect(redactHttpOptions({ port: 1 })).toEqual({ port: 1 });
  });
});
