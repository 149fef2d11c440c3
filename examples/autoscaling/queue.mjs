// Stands for a queue that tells Prometheus how many jobs wait: node queue.mjs [port]; PUT /<number> sets it.
import { createServer } from "node:http";

let waiting = 0;
createServer((request, response) => {
  const number = /^\/(\d+)$/.exec(request.url ?? "")?.[1];
  if (request.method === "PUT" && number !== undefined) waiting = Number(number);
  response.setHeader("content-type", "text/plain; version=0.0.4");
  response.end(`# TYPE jobs_waiting gauge\njobs_waiting ${waiting}\n`);
}).listen(Number(process.argv[2] ?? 9400), "127.0.0.1", function () {
  console.log(`serving on ${this.address().port}`);
});
