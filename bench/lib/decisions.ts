import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { DeploymentService } from "../../gen/windlass/v1/deployment_service_pb.ts";
import type { ScalingDecision } from "../../gen/windlass/v1/scaling_pb.ts";
import type { Adjustment } from "../../src/autoscaling/explain.ts";
import type { ToldDecision } from "../../src/simulate/replay.ts";
import type { Windlass } from "./windlass.ts";

/** Follows the scaling decisions of one deployment, whatever becomes of the controller in between. */
export interface DecisionFeed {
  /** What was told so far, in order, each moment once. */
  told(): ToldDecision[];
  /** Whether the feed is up now. */
  connected(): boolean;
  close(): void;
}

/** How long after a stream ended the next one is tried. */
const AGAIN_MS = 50;

/** Follows WatchScalingDecisions of `name`, "applications/A/deployments/D". */
export function followDecisions({ control, token }: Windlass, name: string): DecisionFeed {
  const transport = createConnectTransport({
    baseUrl: control,
    httpVersion: "1.1",
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${token}`);
        return next(request);
      },
    ],
  });
  const client = createClient(DeploymentService, transport);
  const abort = new AbortController();
  const told = new Map<number, ToldDecision>();
  let connected = false;
  // The last revision that came whole: what is told while the feed is down comes after it.
  let startRevision = 0n;
  const follow = async (): Promise<void> => {
    while (!abort.signal.aborted) {
      let heard = startRevision;
      let live = startRevision > 0n;
      try {
        const messages = client.watchScalingDecisions({ name, startRevision }, { signal: abort.signal });
        for await (const { decision, revision, synced } of messages) {
          connected = true;
          live ||= synced;
          if (live && decision === undefined) startRevision = revision;
          else if (live && revision > heard) startRevision = heard;
          heard = revision;
          if (decision === undefined) continue;
          const one = toldOf(decision);
          if (!told.has(one.atS)) told.set(one.atS, one);
        }
      } catch (error) {
        // The controller is away, or does not know the deployment yet.
        if (ConnectError.from(error).code === Code.OutOfRange) startRevision = 0n;
      }
      connected = false;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  };
  void follow();
  return {
    told: () => [...told.values()].sort((a, b) => a.atS - b.atS),
    connected: () => connected,
    close: () => abort.abort(),
  };
}

function toldOf(decision: ScalingDecision): ToldDecision {
  return {
    // Decisions are made on whole milliseconds; this is the double that they were made at.
    atS: Math.round(timestampMs(decision.time!)) / 1_000,
    running: decision.runningReplicas,
    target: decision.targetReplicas,
    totalRequests: decision.totalRequests,
    desired: decision.desired ?? null,
    adjustments: decision.adjustments.map(adjustmentOf),
    result: decision.result,
    withoutDelays: decision.withoutDelays,
  };
}

/** In the form, and with the order of names, of src/autoscaling/explain.ts. */
function adjustmentOf(told: ScalingDecision["adjustments"][number]): Adjustment {
  const { from, to } = told;
  const kind = told.kind as Adjustment["kind"];
  switch (kind) {
    case "factor":
      return { kind, factor: told.factor!, from, to };
    case "delay":
      return { kind, direction: told.direction as "up" | "down", delayS: told.delayS!, leftS: told.leftS!, from, to };
    case "gang":
      return { kind, gangSize: told.gangSize!, from, to };
    default:
      return { kind, from, to };
  }
}
