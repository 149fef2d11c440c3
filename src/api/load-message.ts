import { Code, ConnectError } from "@connectrpc/connect";
import type { ReportLoadRequest } from "../../gen/windlass/runtime/v1/controller_runtime_service_pb.ts";
import type { RouterLoad } from "../controller/controller.ts";
import { errorText } from "../core/errors.ts";
import { unpackSeries } from "../core/series-table.ts";
import type { Logger } from "../observability/logger.ts";

/** A router's report as data. One whose columns make no sense is logged and refused whole: the last good one stays. */
export function routerLoad({ routerId, timestampS, deployments }: ReportLoadRequest, logger: Logger): RouterLoad {
  try {
    if (!Number.isFinite(timestampS)) throw new Error(`timestamp_s is ${timestampS}: it must be a finite number`);
    return {
      routerId,
      timestampS,
      deployments: deployments.map(({ application, deployment, series }) => ({
        application,
        deployment,
        series: unpackSeries(series ?? { timesS: [], columns: [] }),
      })),
    };
  } catch (error) {
    const reason = errorText(error);
    logger.warn("a report of load cannot be read", { router: routerId, reason });
    throw new ConnectError(`the report cannot be read: ${reason}`, Code.InvalidArgument);
  }
}
