/** Field masks over application configs. Pure. */
import type { DescMessage } from "@bufbuild/protobuf";
import { ApplicationConfigSchema } from "../../gen/windlass/config/v1/application_pb.ts";
import { WindlassError } from "../core/errors.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Whether a mask names fields; one without, or with `*` alone, stands for the whole config. Throws INVALID_REQUEST. */
export function masksFields(paths: readonly string[]): boolean {
  if (paths.length > 1 && paths.includes("*")) throw refused("*", "stands alone");
  return paths.length > 0 && paths[0] !== "*";
}

/** `stored` with the fields at `paths` taken from `wanted`; what `wanted` lacks is removed. Throws INVALID_REQUEST. */
export function applyMask(stored: object, wanted: object, paths: readonly string[]): Fields {
  return paths.reduce<Fields>((result, path) => {
    const steps = path.split(".");
    checkPath(path, steps);
    return taken(result, wanted as Fields, steps);
  }, stored as Fields);
}

function taken(into: Fields, from: Fields | undefined, [key = "", ...rest]: readonly string[]): Fields {
  const { [key]: present, ...others } = into;
  const value = from !== undefined && Object.hasOwn(from, key) ? from[key] : undefined;
  if (rest.length === 0) return value === undefined ? others : { ...into, [key]: value };
  const inner = taken((present ?? {}) as Fields, (value ?? undefined) as Fields | undefined, rest);
  return present == null && Object.keys(inner).length === 0 ? into : { ...into, [key]: inner };
}

/** Only fields of messages can be gone into, as with every field mask. */
function checkPath(path: string, steps: readonly string[]): void {
  let message: DescMessage | undefined = ApplicationConfigSchema;
  for (const step of steps) {
    if (message === undefined) throw refused(path, "goes into a field that is replaced as a whole");
    const field: DescMessage["fields"][number] | undefined = message.fields.find(({ name }) => name === step);
    if (field === undefined || step === "explicit_nulls") throw refused(path, "is no field of ApplicationConfig");
    const own: boolean = field.fieldKind === "message" && field.message.typeName.startsWith("windlass.");
    message = own ? field.message : undefined;
  }
}

function refused(path: string, why: string): WindlassError {
  return new WindlassError("INVALID_REQUEST", `update_mask path ${JSON.stringify(path)} ${why}; name fields of config`);
}
