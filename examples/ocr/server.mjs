// Reads pages: POST an image, get its text. Each is one run of Debian's tesseract (apt-get install tesseract-ocr).
import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

/** Runs tesseract on an image; resolves with what it reads. It is killed when `signal` aborts. */
async function read(image, signal) {
  const tesseract = spawn("tesseract", ["stdin", "stdout", "-l", "eng"], { signal });
  const ended = new Promise((resolve, reject) => tesseract.once("error", reject).once("close", resolve));
  image.pipe(tesseract.stdin).on("error", () => {}); // It says itself why it stopped reading.
  const [code, page, complaints] = await Promise.all([ended, text(tesseract.stdout), text(tesseract.stderr)]);
  if (code !== 0) throw new Error(complaints.trim().split("\n").at(-1) || `tesseract ended with ${code}`);
  return page;
}

if (spawnSync("tesseract", ["--version"]).error) {
  console.error("there is no tesseract: apt-get install tesseract-ocr");
  process.exit(1);
}

const server = createServer(async (request, response) => {
  if (request.url === "/healthz") return response.end("ok");
  if (request.method !== "POST") return response.writeHead(405, { allow: "POST" }).end("POST an image\n");
  const left = new AbortController();
  response.once("close", () => left.abort());
  try {
    const page = await read(request, left.signal);
    response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "x-replica-pid": process.pid }).end(page);
  } catch (error) {
    response.writeHead(422, { "content-type": "text/plain; charset=utf-8" }).end(`${error.message}\n`);
  }
});

server.listen(Number(process.env.PORT), "127.0.0.1");
// Take no more, finish what was begun, end.
process.once("SIGTERM", () => server.close());
