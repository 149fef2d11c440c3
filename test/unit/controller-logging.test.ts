/** Which `logging_config` holds where, and that a change of it restarts nothing. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { validateDeployConfig } from "../../src/config/check.ts";
import { attributesWarning, loggingInForce } from "../../src/config/logging.ts";
import type { DeployConfig, LoggingConfig } from "../../src/config/types.ts";
import { application, type SimulatedController, simulate } from "../support/simulated-controller.ts";

async function put(
  simulation: SimulatedController,
  config: Omit<DeployConfig, "applications">,
  app: object,
  deployment: object,
) {
  const applications = [application({ num_replicas: 1, ...deployment }, app)];
  const answer = simulation.controller.applyConfig({
    config: { applications, ...config },
    baseDir: "/apps",
    actor: "test",
  });
  await simulation.clock.advance(20_000);
  await answer;
}

interface Row {
  readonly name: string;
  readonly document: Pick<DeployConfig, "logging_config">;
  readonly app: object;
  readonly deployment: object;
  readonly expected: string | undefined;
}

const of = (level: string): { logging_config: LoggingConfig } => ({ logging_config: { log_level: level } });

it.each<Row>([
  { name: "the document's", document: of("ERROR"), app: {}, deployment: {}, expected: "ERROR" },
  { name: "the application's", document: of("ERROR"), app: of("WARNING"), deployment: {}, expected: "WARNING" },
  { name: "the deployment's", document: of("ERROR"), app: of("WARNING"), deployment: of("DEBUG"), expected: "DEBUG" },
  { name: "none where none is given", document: {}, app: {}, deployment: {}, expected: undefined },
])("a replica logs by $name", async ({ document, app, deployment, expected }) => {
  const simulation = await simulate();
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
  await put(simulation, document, app, deployment);
  const record = simulation.controller.deployment("a", "D");
  expect(record?.config.logging_config?.log_level).toBe(expected);
  expect(simulation.routes.latest.table.logging?.logLevel).toBe(document.logging_config?.log_level);
});

it("a change of any level reconfigures replicas and reaches the proxies, a document without one leaves the instance's", async () => {
  const simulation = await simulate();
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
  await put(simulation, {}, {}, {});
  const commands = async (...change: Parameters<typeof put> extends [unknown, ...infer Rest] ? Rest : never) => {
    const before = simulation.engine.commands.length;
    await put(simulation, ...change);
    return simulation.engine.commands
      .slice(before)
      .map((command) => command.split(" ")[0])
      .filter((word) => ["start", "stop", "kill", "reconfigure"].includes(word!));
  };
  expect(await commands(of("ERROR"), {}, {})).toEqual(["reconfigure"]);
  expect(await commands(of("ERROR"), of("DEBUG"), {})).toEqual(["reconfigure"]);
  expect(await commands(of("ERROR"), of("DEBUG"), of("INFO"))).toEqual(["reconfigure"]);
  expect(await commands(of("WARNING"), of("DEBUG"), of("INFO"))).toEqual([]);
  expect(simulation.routes.latest.table.logging).toEqual({
    encoding: "TEXT",
    logLevel: "WARNING",
    logsDir: "",
    enableAccessLog: true,
    additionalLogStandardAttrs: [],
  });
  await put(simulation, {}, of("DEBUG"), of("INFO"));
  expect(simulation.routes.latest.table.logging?.logLevel).toBe("WARNING");
  await simulation.restart();
  expect(simulation.routes.latest.table.logging?.logLevel).toBe("WARNING");
});

it("a deployment's request_timeout_s is part of the table", async () => {
  const simulation = await simulate();
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
  const timeout = () => simulation.routes.latest.table.deployments[0]?.requestTimeoutS;
  await put(simulation, {}, {}, {});
  expect(timeout()).toBeNull();
  await put(simulation, {}, {}, { request_timeout_s: 1.5 });
  expect(timeout()).toBe(1.5);
});

it("attributes of Python's records are left out with a warning at each level", () => {
  const logging_config = { additional_log_standard_attrs: ["process", "lineno", "taskName"] };
  const result = validateDeployConfig({
    logging_config,
    applications: [{ import_path: "./a.ts:app", logging_config, deployments: [{ name: "D", logging_config }] }],
  });
  const text = attributesWarning(logging_config);
  expect(text).toMatch(/^lineno, taskName: left out, .*process.* are known$/);
  expect(result.ok && result.warnings).toEqual([
    `logging_config.additional_log_standard_attrs: ${text}`,
    `applications[0].logging_config.additional_log_standard_attrs: ${text}`,
    `applications[0].deployments[0].logging_config.additional_log_standard_attrs: ${text}`,
  ]);
  const page = readFileSync(new URL("../../docs/logging.md", import.meta.url), "utf8");
  const known = /because no line of a log has it here; (.*) are known$/.exec(text!)![1]!;
  expect(page).toContain(known.replace(/\w+/g, "`$&`"));
  expect(loggingInForce(logging_config)?.additionalLogStandardAttrs).toEqual(["process"]);
  expect(attributesWarning({ additional_log_standard_attrs: ["asctime", "message"] })).toBeUndefined();
});
