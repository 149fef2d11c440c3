// Serves this folder as http://127.0.0.1:PORT/text-ml.zip, zipped anew for each request, as an archive of a repository
// would be. Usage: node serve-zip.mjs [PORT], 8900 unless given; 0 picks a free one.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";

const folder = import.meta.dirname;

const server = createServer((request, response) => {
  if (request.url !== "/text-ml.zip") return void response.writeHead(404).end();
  const zip = zipFolder();
  const etag = `"${createHash("sha256").update(zip).digest("hex")}"`;
  if (request.headers["if-none-match"] === etag) return void response.writeHead(304, { etag }).end();
  response.writeHead(200, { etag, "content-type": "application/zip" }).end(zip);
});
server.listen(Number(process.argv[2] ?? 8900), "127.0.0.1", () => {
  console.log(`serving http://127.0.0.1:${server.address().port}/text-ml.zip`);
});

/** A zip of the files here, below one folder. Enough of the format for small files. */
function zipFolder() {
  const names = readdirSync(folder).sort();
  const bodies = [];
  const directory = [];
  let offset = 0;
  for (const name of names) {
    const bytes = readFileSync(join(folder, name));
    const packed = deflateRawSync(bytes);
    const path = Buffer.from(`text-ml-main/${name}`);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // version
    common.writeUInt16LE(0x800, 2); // names are UTF-8
    common.writeUInt16LE(8, 4); // deflate
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(path.length, 22);
    bodies.push(Buffer.from("PK\x03\x04"), common, path, packed);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\x01\x02"), Buffer.from([20, 0]), common, rest, path);
    offset += 30 + path.length + packed.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(names.length, 4);
  end.writeUInt16LE(names.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...bodies, central, Buffer.from("PK\x05\x06"), end]);
}
