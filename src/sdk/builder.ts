import { WindlassUserError } from "./errors.ts";
import type { Application } from "./types.ts";

/** A schema of any library that follows Standard Schema: zod, valibot, arktype and more. */
export interface ArgsSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema makes of a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** What is wrong with a value, and where in it. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A function that makes an application of the `args` of a config; export it and name it in `import_path`. */
export type ApplicationBuilder<Args, T = unknown> = (args: Args) => Promise<Application<T>>;

/** The `args` of an application are not what its builder's schema wants. The message is one line for the user. */
export class InvalidArgsError extends WindlassUserError {
  override name = "InvalidArgsError";
}

/**
 * A builder function whose `args` a schema checks, fills and converts before `build` sees them:
 *
 *     export const app = builder(z.object({ model: z.string(), replicas: z.coerce.number().default(1) }), (args) =>
 *       deployment(Model, { numReplicas: args.replicas }).bind(args.model),
 *     );
 *
 * What does not fit is one line of the deploy's failure. `key=value` of the command line are strings: use coercing
 * schemas for numbers. Without a schema, any exported function of one parameter is a builder, too.
 */
export function builder<S extends ArgsSchema<unknown, unknown>, T>(
  schema: S,
  build: (args: ArgsOf<S>) => Application<T> | Promise<Application<T>>,
): ApplicationBuilder<InputOf<S>, T> {
  const standard = (schema as Partial<ArgsSchema> | null | undefined)?.["~standard"];
  if (typeof standard?.validate !== "function") {
    throw new TypeError("builder() needs a schema with ~standard, as zod, valibot and arktype make them");
  }
  if (typeof build !== "function") throw new TypeError("builder() needs (schema, function)");
  return async (args) => {
    const result = await standard.validate(args);
    if (result.issues !== undefined) throw new InvalidArgsError(result.issues.map(issueText).join("; "));
    return build(result.value as ArgsOf<S>);
  };
}

type TypesOf<S> = S extends { readonly "~standard": { readonly types?: infer T } } ? NonNullable<T> : never;
/** What `build` gets. */
export type ArgsOf<S> = TypesOf<S> extends { readonly output: infer Output } ? Output : never;
type InputOf<S> = TypesOf<S> extends { readonly input: infer Input } ? Input : never;

function issueText({ message, path = [] }: SchemaIssue): string {
  const keys = path.map((step) => String(typeof step === "object" ? step.key : step));
  const at = keys.reduce((text, key) => (/^\d+$/.test(key) ? `${text}[${key}]` : `${text}.${key}`), "args");
  return `${at}: ${message.replace(/\s+/g, " ").trim()}`;
}
