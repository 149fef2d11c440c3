/** The scaling decisions of windlass.v1.DeploymentService. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { DeploymentService } from "../../../gen/windlass/v1/deployment_service_pb.ts";
import type { ScalingDecision } from "../../controller/controller.ts";
import { WindlassError } from "../../core/errors.ts";
import { decisionAt, decisionView } from "../decision-view.ts";
import { notFound } from "../lookup.ts";
import { pageOf } from "../pages.ts";
import { type ApiDeps, callerWith } from "./context.ts";
import { deploymentOf } from "./names.ts";

type Handlers = Pick<
  ServiceImpl<typeof DeploymentService>,
  "listScalingDecisions" | "watchScalingDecisions" | "getRecordedLoad"
>;

/** Decisions that wait for a slow reader; the oldest give way. */
const MOST_WAITING = 1_000;

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
    listScalingDecisions(request, context) {
      callerWith(context, { kind: "read-application", application: deploymentOf(request.name).application });
      const { application, deployment } = mustExist(request.name);
      const all = controller.decisions(application, deployment, request.shadow);
      if (request.atTime !== undefined) {
        const held = decisionAt(all, timestampMs(request.atTime) / 1_000);
        return { decisions: held === undefined ? [] : [decisionView(held)], nextPageToken: "" };
      }
      // Newest first: what is later has the smaller name.
      const page = pageOf(
        all,
        ({ sinceS }) => String(10 ** 14 - Math.round(sinceS * 1_000)).padStart(15, "0"),
        request,
      );
      return { decisions: page.items.map(decisionView), nextPageToken: page.nextPageToken };
    },
    async *watchScalingDecisions(request, context) {
      callerWith(context, { kind: "read-application", application: deploymentOf(request.name).application });
      const { application, deployment } = mustExist(request.name);
      const { shadow } = request;
      const signal = AbortSignal.any([context.signal, feed.closed]);
      const waiting: ScalingDecision[] = controller.decisions(application, deployment, shadow).slice(0, 1);
      let wake: () => void = () => {};
      const hear = (decision: ScalingDecision): void => {
        waiting.push(decision);
        if (waiting.length > MOST_WAITING) waiting.shift();
        wake();
      };
      const end = controller.onDecision(application, deployment, hear, shadow);
      const onAbort = (): void => wake();
      signal.addEventListener("abort", onAbort);
      try {
        while (!signal.aborted) {
          const next = waiting.shift();
          if (next !== undefined) yield { decision: decisionView(next) };
          else {
            await new Promise<void>((resolve) => {
              wake = resolve;
              if (signal.aborted || waiting.length > 0) resolve();
            });
          }
        }
      } finally {
        signal.removeEventListener("abort", onAbort);
        end();
      }
      if (!context.signal.aborted) {
        throw new WindlassError("INSTANCE_UNAVAILABLE", "the controller is stopping: watch again");
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
