/** What reflection knows: files by name and by the symbols they define, from generated descriptors. */
import { type DescEnum, type DescFile, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** Looks up descriptors. */
export interface SymbolIndex {
  /** A file with all it imports, encoded as FileDescriptorProto, itself first; by its path as in `import`. */
  fileNamed(path: string): Uint8Array[] | undefined;
  /** The same for the file that defines a message, field, oneof, enum, enum value, service or method. */
  fileDefining(symbol: string): Uint8Array[] | undefined;
  /** Whether there is such a message. */
  hasMessage(name: string): boolean;
}

/** Indexes files and all they import. Our protos define no extensions, so none are indexed. */
export function createSymbolIndex(roots: readonly DescFile[]): SymbolIndex {
  const files = new Map<string, DescFile>();
  const add = (file: DescFile): void => {
    if (files.has(file.proto.name)) return;
    files.set(file.proto.name, file);
    file.dependencies.forEach(add);
  };
  roots.forEach(add);

  const symbols = new Map<string, DescFile>();
  const messages = new Set<string>();
  for (const file of files.values()) {
    for (const name of symbolsOf(file, messages)) symbols.set(name, file);
  }

  const encoded = new Map<DescFile, Uint8Array[]>();
  const encode = (file: DescFile | undefined): Uint8Array[] | undefined => {
    if (file === undefined) return undefined;
    let bytes = encoded.get(file);
    if (bytes === undefined) {
      bytes = withImports(file).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
      encoded.set(file, bytes);
    }
    return bytes;
  };
  return {
    fileNamed: (path) => encode(files.get(path)),
    fileDefining: (symbol) => encode(symbols.get(symbol)),
    hasMessage: (name) => messages.has(name),
  };
}

/** Every full name that a file defines; names of messages also go into `messages`. */
function* symbolsOf(file: DescFile, messages: Set<string>): Generator<string> {
  for (const message of file.messages) yield* messageSymbols(message, messages);
  for (const each of file.enums) yield* enumSymbols(each);
  for (const service of file.services) {
    yield service.typeName;
    for (const { name } of service.methods) yield `${service.typeName}.${name}`;
  }
}

function* messageSymbols(message: DescMessage, messages: Set<string>): Generator<string> {
  messages.add(message.typeName);
  yield message.typeName;
  for (const { name } of [...message.fields, ...message.oneofs]) yield `${message.typeName}.${name}`;
  for (const nested of message.nestedMessages) yield* messageSymbols(nested, messages);
  for (const nested of message.nestedEnums) yield* enumSymbols(nested);
}

/** The values of an enum are its siblings, not its children. */
function* enumSymbols({ typeName, values }: DescEnum): Generator<string> {
  yield typeName;
  const scope = typeName.slice(0, typeName.lastIndexOf(".") + 1);
  for (const { name } of values) yield `${scope}${name}`;
}

function withImports(file: DescFile): DescFile[] {
  const found = new Set<DescFile>();
  const add = (each: DescFile): void => {
    if (found.has(each)) return;
    found.add(each);
    each.dependencies.forEach(add);
  };
  add(file);
  return [...found];
}
