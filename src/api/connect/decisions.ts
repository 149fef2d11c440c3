/** The scaling decisions of windlass.v1.DeploymentService. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type {
  DeploymentService,
  WatchScalingDecisionsResponseSchema,
} from "../../../gen/windlass/v1/deployment_service_pb.ts";
import { assertNever } from "../../core/assert-never.ts";
import { decisionScope } from "../decision-feed.ts";
import { decisionView } from "../decision-view.ts";
import type { DecisionItem } from "../feed.ts";
import { notFound } from "../lookup.ts";
import { pageOf } from "../pages.ts";
import { type ApiDeps, callerWith } from "./context.ts";
import { deploymentOf } from "./names.ts";
import { progressOf } from "./watch.ts";

type Handlers = Pick<
  ServiceImpl<typeof DeploymentService>,
  "listScalingDecisions" | "watchScalingDecisions" | "getRecordedLoad"
>;

/** Makes the handlers. */
export function decisionHandlers({ controller, feed }: ApiDeps): Handlers {
  const mustExist = (name: string): { application: string; deployment: string } => {
    const { application, deployment } = deploymentOf(name);
    if (controller.deployment(application, deployment) === undefined) {
      throw notFound(`deployment ${JSON.stringify(`${application}/${deployment}`)}`);
    }
    return { application, deployment };
  };
  return {
    async listScalingDecisions(request, context) {
      callerWith(context, { kind: "read-application", application: deploymentOf(request.name).application });
      const { application, deployment } = mustExist(request.name);
      const { shadow, atTime } = request;
      if (atTime !== undefined) {
        const held = await controller.decisionAt(application, deployment, timestampMs(atTime) / 1_000, shadow);
        return { decisions: held === undefined ? [] : [decisionView(held)], nextPageToken: "" };
      }
      const all = await controller.decisions(application, deployment, shadow);
      // Newest first: what is later has the smaller name.
      const page = pageOf(
        all,
        ({ sinceS }) => String(10 ** 14 - Math.round(sinceS * 1_000)).padStart(15, "0"),
        request,
      );
      return { decisions: page.items.map(decisionView), nextPageToken: page.nextPageToken };
    },
    async *watchScalingDecisions({ name, shadow, startRevision, progressInterval }, context) {
      const { scope, permission } = decisionScope(name, shadow);
      callerWith(context, permission);
      const from = { scope, startRevision: Number(startRevision), ...progressOf(progressInterval) };
      for await (const { revision, event } of feed.watchDecisions(from, context.signal)) {
        yield { revision: BigInt(revision), ...decisionMessage(event) };
      }
    },
    getRecordedLoad(request, context) {
      callerWith(context, { kind: "read-application", application: deploymentOf(request.name).application });
      const { application, deployment } = mustExist(request.name);
      const fromS = request.startTime === undefined ? 0 : timestampMs(request.startTime) / 1_000;
      const toS = request.endTime === undefined ? Number.POSITIVE_INFINITY : timestampMs(request.endTime) / 1_000;
      const load = controller.recordedLoad(application, deployment, fromS, toS);
      if (load === undefined) {
        const name = JSON.stringify(`${application}/${deployment}`);
        throw notFound(`load on ${name} that was recorded then; the newest is kept, of autoscaled deployments`);
      }
      const { requests, replicas } = load;
      return {
        startTimeS: load.fromS,
        endTimeS: load.toS,
        requestTimesS: [...requests.timesS],
        requests: [...requests.values],
        replicaTimesS: [...replicas.timesS],
        targetReplicas: [...replicas.target],
        runningReplicas: [...replicas.running],
      };
    },
  };
}

/** What a message of a watch of decisions has beside its revision; nothing where it is progress. */
export function decisionMessage(
  event: DecisionItem["event"],
): MessageInitShape<typeof WatchScalingDecisionsResponseSchema> {
  if (event === undefined) return {};
  switch (event.case) {
    case "decision":
      return { decision: event.value, name: event.name };
    case "deleted":
      return { deleted: event.value };
    case "synced":
      return { synced: true };
    default:
      return assertNever(event);
  }
}
