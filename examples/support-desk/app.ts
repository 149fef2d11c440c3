// A support desk: what customers write is sorted and answered, over HTTP, websockets and gRPC.
// desk_pb.ts is generated from desk.proto by `buf generate` with protoc-gen-es.
import { builder, deployment, grpc } from "windlass";
import { z } from "zod";
import { Classifier } from "./classifier.ts";
import { Desk } from "./desk.ts";
import { SupportDesk } from "./desk_pb.ts";
import { Languages } from "./languages.ts";
import { Library } from "./library.ts";
import { Redactor } from "./redactor.ts";

/** `args` of the config. */
const args = z.object({
  /** Each is a text in texts/. */
  languages: z.array(z.string()).min(1),
});

export const app = builder(args, ({ languages }) =>
  deployment(grpc(Desk, SupportDesk), { numReplicas: 2, maxOngoingRequests: 100 }).bind(
    {
      redactor: deployment(Redactor).bind(),
      classifier: deployment(Classifier, { maxOngoingRequests: 32 }).bind(),
      library: deployment(Library).bind(),
      languages: deployment(Languages, { maxOngoingRequests: 32 }).bind(),
    },
    languages,
  ),
);
