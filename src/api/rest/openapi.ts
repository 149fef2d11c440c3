/** `GET /openapi.json`: OpenAPI 3.1 of the REST paths, from the table of routes. */
import { json, type Reply } from "../http.ts";
import { FAILURES, HEADERS, OPERATIONS, PARAMETERS } from "./openapi-operations.ts";
import { componentSchemas, schemaRef } from "./openapi-schemas.ts";
import { WINDLASS_VERSION } from "./probes.ts";
import type { Route } from "./router.ts";

type Plain = Readonly<Record<string, unknown>>;

/** The document. Throws for a route that nothing is said of, which the tests rule out. */
export function openApiDocument(routes: readonly Route[]): Plain {
  const paths = Map.groupBy(routes, ({ path }) => path);
  return {
    openapi: "3.1.0",
    info: {
      title: "Windlass",
      version: WINDLASS_VERSION,
      description: "The REST paths of the control port. Failures are one line a problem.",
    },
    security: [{ bearer: [] }],
    paths: Object.fromEntries(
      [...paths].map(([path, here]) => [
        path,
        {
          ...pathParameters(path),
          ...Object.fromEntries(here.map((route) => [route.method.toLowerCase(), operation(route)])),
        },
      ]),
    ),
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      schemas: componentSchemas(),
    },
  };
}

/** Makes the route's handler; `routes` is asked at the first request, since the table holds this route too. */
export function openApiHandler(routes: () => readonly Route[]): () => Reply {
  let reply: Reply | undefined;
  return () => {
    reply ??= json(200, openApiDocument(routes()));
    return reply;
  };
}

function pathParameters(path: string): Plain {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  if (names.length === 0) return {};
  return { parameters: names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })) };
}

function operation({ method, path, open = false, errors = "text" }: Route): Plain {
  const said = OPERATIONS[`${method} ${path}`];
  if (said === undefined) throw new Error(`${method} ${path} is not described`);
  const { id, summary, parameters = [], body, answers, headers = [], fails = [], alike = [] } = said;
  const failure = errors === "json" ? content("application/json", "Error") : content("text/plain");
  const denied = open ? ([403] as const) : ([401, 403] as const);
  const statuses = [...new Set([...denied, ...fails])].sort((a, b) => a - b);
  return {
    operationId: id,
    summary,
    ...(open ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters: parameters.map((name) => ({ name, ...PARAMETERS[name] })) }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: content(...body) } }),
    responses: {
      200: {
        description: "Done.",
        ...(headers.length === 0 ? {} : { headers: Object.fromEntries(headers.map((name) => [name, HEADERS[name]])) }),
        ...(answers === undefined ? {} : { content: content(...answers) }),
      },
      ...Object.fromEntries(
        statuses.map((status) => [
          status,
          {
            description: FAILURES[status],
            content: alike.includes(status) && answers !== undefined ? content(...answers) : failure,
          },
        ]),
      ),
    },
  };
}

function content(type: string, schema?: string): Plain {
  const untyped = type === "application/json" ? { type: "object" } : { type: "string" };
  return { [type]: { schema: schema === undefined ? untyped : schemaRef(schema) } };
}
