/** Cases: errors of user code, and what is not there. */
import { first, type Given, type Row, type Section, textOf, WORDS } from "./table.ts";

const thrown = (title: string, error: string, gives: Given): Row => ({
  title,
  gives,
  run: async (trial) => trial.send({ do: "throw", error }).end,
});

const HIDDEN = "HTTP's clients are told nothing of what went wrong in the code; the log is.";

/** What user code throws. */
export const ERRORS: Section = {
  title: "Errors of user code",
  rows: [
    thrown("it throws a `RangeError`", "range", {
      http: "500 Internal Server Error",
      grpc: "INTERNAL out of range",
      handle: "RangeError out of range",
      why: HIDDEN,
    }),
    thrown("an error of its own class, `Mine`", "mine", {
      http: "500 Internal Server Error",
      grpc: "INTERNAL of my own",
      handle: "Mine of my own",
      why: `${HIDDEN} By handles it is a \`RemoteError\` of that name.`,
    }),
    thrown("a text", "text", {
      http: "500 Internal Server Error",
      grpc: "INTERNAL not even an error",
      handle: "Error not even an error",
      why: HIDDEN,
    }),
    {
      title: "an error with 5,000 characters",
      gives: {
        http: "500, 21 characters",
        grpc: "INTERNAL, 4096 characters",
        handle: "Error, 5000 characters",
        why: "gRPC's text is a header, and bounded as in the reference.",
      },
      async run(trial) {
        const [, name, text] = /^(\w+) (.*)$/s.exec(await trial.send({ do: "throw", error: "long" }).end)!;
        return `${name}, ${text!.length} characters`;
      },
    },
    thrown("a `BackPressureError` of 429 and 1.5 s", "full", {
      http: "429 too many, retry-after 2",
      grpc: "RESOURCE_EXHAUSTED too many, pushback 1500 ms",
      handle: "BackPressureError too many, 429, retryAfterS 1.5",
      why: WORDS,
    }),
    thrown("a `DeploymentUnavailableError` with 1.5 s", "unavailable", {
      http: "503 nobody is there, retry-after 2",
      grpc: "UNAVAILABLE nobody is there, pushback 1500 ms",
      handle: "DeploymentUnavailableError nobody is there, retryAfterS 1.5",
      why: WORDS,
    }),
    thrown("a `RequestTimeoutError`", "late", {
      http: "500 Internal Server Error",
      grpc: "DEADLINE_EXCEEDED it took too long",
      handle: "RequestTimeoutError it took too long",
      why: "A 408 would say that the client's own request was too slow.",
    }),
    {
      title: "it throws within a stream",
      gives: {
        http: "one, then cut off",
        grpc: "one, then INTERNAL out of range",
        handle: "one, then RangeError out of range",
        why: "The status of HTTP has gone out by then.",
      },
      async run(trial) {
        const sent = trial.send({ do: "break" }, { stream: true });
        await first(sent);
        trial.go();
        const end = await sent.end;
        return `${textOf(sent)}, then ${end}`;
      },
    },
  ],
};

/** What is not there. */
export const ABSENT: Section = {
  title: "What is not there",
  rows: [
    {
      title: "an application",
      gives: {
        http: "404 Path '/nowhere/' not found. Ping http://.../-/routes for available routes.",
        grpc: "NOT_FOUND Application 'nowhere' not found. Ping /ray.serve.RayServeAPIService/ListApplications for available applications.",
        handle: 'DeploymentUnavailableError application "nowhere" does not exist, was deleted, or does not run yet',
        why: WORDS,
      },
      run: async (trial) => trial.send({ do: "early" }, { application: "nowhere" }).end,
    },
    {
      title: "a method",
      gives: {
        http: null,
        grpc: "UNIMPLEMENTED three.paths.Paths.Absent is not implemented",
        handle: 'TypeError there is no method "absent"; available: ask, checkHealth, fetch, over, tell',
        why: "Of paths over HTTP the application decides.",
      },
      run: async (trial) => trial.send({ do: "absent" }).end,
    },
    {
      title: "an application that serves no gRPC, and no method `fetch`",
      gives: {
        http: "500 Internal Server Error",
        grpc: 'UNIMPLEMENTED application "relay" serves no gRPC method /three.paths.Paths/Ask',
        handle: null,
        why: "A handle's methods are those of the class, whatever else it serves.",
      },
      run: async (trial) => trial.send({ do: "early" }, { application: "relay" }).end,
    },
    {
      title: "an application that failed to deploy",
      gives: {
        http: "503 Deployment(name='Paths', app='never') is unavailable because it failed to deploy.",
        grpc: "UNAVAILABLE Deployment(name='Paths', app='never') is unavailable because it failed to deploy.",
        handle:
          "DeploymentUnavailableError Deployment(name='Paths', app='never') is unavailable because it failed to deploy.",
        why: WORDS,
      },
      run: async (trial) => trial.send({ do: "early" }, { application: "never" }).end,
    },
    {
      title: "a deployment that has no replica for `cold_start_timeout_s`",
      gives: {
        http: "503 had no replica that serves for 0.2 s (cold_start_timeout_s), retry-after",
        grpc: "UNAVAILABLE had no replica that serves for 0.2 s (cold_start_timeout_s), pushback",
        handle: "DeploymentUnavailableError had no replica that serves for 0.2 s (cold_start_timeout_s), retryAfterS",
        why: WORDS,
      },
      async run(trial) {
        const end = await trial.send({ do: "early" }, { application: "empty" }).end;
        return end
          .replace("Deployment(name='Paths', app='empty') ", "")
          .replace(/(\(cold_start_timeout_s\)).*, (retry-after|pushback|retryAfterS) \d+( ms)?$/, "$1, $2");
      },
    },
  ],
};
