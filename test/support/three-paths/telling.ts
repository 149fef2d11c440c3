/** Cases: what logs and metrics tell of requests. */
import { api, eventually } from "../windlass.ts";
import type { Order } from "./app.ts";
import type { Asked, Sent } from "./columns.ts";
import { byHandle, line, type Section, type Trial } from "./table.ts";

const NO_PROXY = "No proxy sees a call by a handle.";

/** What a counter of proxies counts with these labels. */
async function counted(trial: Trial, name: string, labels: readonly string[]): Promise<number> {
  const { text } = await api(trial.stage.windlass, "/metrics");
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** An order in each of the ways to end. */
async function send(trial: Trial, end: "ok" | "error" | "left", asked: Asked = {}): Promise<Sent> {
  const order: Omit<Order, "id"> =
    end === "ok" ? { do: "facts" } : end === "error" ? { do: "throw", error: "range" } : { do: "wait" };
  const sent = trial.send({ ...order, id: `${trial.id}-${end}` }, asked);
  if (end === "left") {
    await trial.begun(`${trial.id}-left`);
    sent.cancel();
  }
  await sent.end;
  return sent;
}

/** The same for a request whose id is known, whatever becomes of it. */
async function lines(trial: Trial, log: string): Promise<string> {
  const found: string[] = [];
  for (const end of ["ok", "error", "left"] as const) {
    const own = byHandle(trial);
    const requestId = `told-${trial.id}-${end}`;
    const sent = await send(trial, end, own ? {} : { requestId });
    found.push(await line(trial.stage, log, own ? sent.requestId : requestId));
  }
  return found.join(", ");
}

/** What is told. */
export const TELLING: Section = {
  title: "What is told of them",
  rows: [
    {
      title: "lines in the log of the replica: an answer, an error, a caller that left",
      gives: {
        http: "POST /paths 200, POST /paths 500, POST /paths CANCELLED",
        grpc: "CALL three.paths.Paths/Ask OK, CALL three.paths.Paths/Ask ERROR, CALL three.paths.Paths/Ask CANCELLED",
        handle: "CALL ask OK, CALL ask ERROR, CALL ask CANCELLED",
        why: "A request has a route, a call a method.",
      },
      run: async (trial) => lines(trial, "paths_Paths_"),
    },
    {
      title: "lines in the log of the proxy",
      gives: {
        http: "POST /paths 200, POST /paths 500, POST /paths 499",
        grpc: "/three.paths.Paths/Ask paths OK, /three.paths.Paths/Ask paths INTERNAL, /three.paths.Paths/Ask paths CANCELLED",
        handle: null,
        why: NO_PROXY,
      },
      run: async (trial) => lines(trial, "proxy-"),
    },
    {
      title: "metrics of the proxy: requests, errors, errors of the deployment",
      gives: {
        http: "200 3, 500 1 1 1, 499 1 1 1",
        grpc: "OK 3, INTERNAL 1 1 1, CANCELLED 1 1 1",
        handle: null,
        why: `The names have \`http\` or \`grpc\` in them. ${NO_PROXY}`,
      },
      async run(trial) {
        const protocol = trial.column.name;
        const application = `application="counted"`;
        const asked = { application: "counted" };
        await send(trial, "error", asked);
        await send(trial, "left", asked);
        for (let i = 0; i < 3; i++) await trial.send({ do: "early", id: `${trial.id}-${i}` }, asked).end;
        const [ok, error, left] = protocol === "http" ? ["200", "500", "499"] : ["OK", "INTERNAL", "CANCELLED"];
        const all = (status: string) =>
          Promise.all([
            counted(trial, `serve_num_${protocol}_requests`, [application, `status_code="${status}"`]),
            counted(trial, `serve_num_${protocol}_error_requests`, [application, `error_code="${status}"`]),
            counted(trial, `serve_num_deployment_${protocol}_error_requests`, [application, `error_code="${status}"`]),
          ]);
        let text = "";
        await eventually(
          async () => {
            text = `${ok} ${(await all(ok!))[0]}, ${error} ${(await all(error!)).join(" ")}, ${left} ${(await all(left!)).join(" ")}`;
            return text === `${ok} 3, ${error} 1 1 1, ${left} 1 1 1`;
          },
          () => text,
        ).catch(() => {});
        return text;
      },
    },
  ],
};
