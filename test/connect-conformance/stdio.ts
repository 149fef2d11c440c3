/** Messages as the runner sends them: four bytes of length, then the message. */
import type { Readable, Writable } from "node:stream";

/** The next message; undefined at the end. */
export async function readMessage(stream: Readable): Promise<Uint8Array | undefined> {
  const head = await readBytes(stream, 4);
  if (head === undefined) return undefined;
  const length = head.readUInt32BE();
  return length === 0 ? new Uint8Array() : await readBytes(stream, length);
}

/** Sends one. */
export function writeMessage(stream: Writable, message: Uint8Array): void {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(message.length);
  stream.write(Buffer.concat([head, message]));
}

function readBytes(stream: Readable, size: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const bytes = stream.read(size) as Buffer | null;
      // At the end `read` gives what is left.
      if (bytes !== null) settle(() => (bytes.length < size ? reject(new Error("cut off")) : resolve(bytes)));
      else if (stream.readableEnded) end();
    };
    const end = (): void => settle(() => resolve(undefined));
    const settle = (answer: () => void): void => {
      stream.off("readable", look);
      stream.off("end", end);
      answer();
    };
    stream.on("readable", look);
    stream.on("end", end);
    look();
  });
}
