import { crc32, deflateRawSync } from "node:zlib";

/** One entry of a zip for tests; what is not given is as it should be. */
export interface ZipEntry {
  readonly name: string;
  readonly data?: string | Buffer;
  /** Unix mode with its type bits; 0 for an entry that has none. */
  readonly mode?: number;
  /** What the zip claims, instead of the truth. */
  readonly claims?: { readonly size?: number; readonly crc?: number };
  /** Bit 0: encrypted. */
  readonly flags?: number;
}

/** The bytes of a zip, well-formed or not as the entries say. */
export function zipOf(entries: readonly ZipEntry[] | Record<string, string>): Buffer {
  const list = Array.isArray(entries)
    ? (entries as readonly ZipEntry[])
    : Object.entries(entries as Record<string, string>).map(([name, data]) => ({ name, data }) as ZipEntry);
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data = "", mode = 0, claims = {}, flags = 0 } of list) {
    const bytes = Buffer.from(data);
    const packed = deflateRawSync(bytes);
    const nameBytes = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800 | flags, 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(claims.crc ?? crc32(bytes), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(claims.size ?? bytes.length, 18);
    common.writeUInt16LE(nameBytes.length, 22);
    bodies.push(Buffer.from("PK\x03\x04"), common, nameBytes, packed);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((mode << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\x01\x02"), Buffer.from([20, 3]), common, tail, nameBytes);
    offset += 30 + nameBytes.length + packed.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(list.length, 4);
  end.writeUInt16LE(list.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...bodies, central, Buffer.from("PK\x05\x06"), end]);
}
