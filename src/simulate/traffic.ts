/** The requests of a deployment: listed, or drawn from rates. */
import type { Random } from "../core/random.ts";

/** A stretch of time with a steady rate of requests that come independently of each other. */
export interface RateRow {
  /** Seconds from the simulation's start. */
  readonly startS: number;
  readonly endS: number;
  /** Requests a second. */
  readonly rps: number;
  /** Seconds a replica works on each. */
  readonly serviceS: number;
}

/** What reaches one deployment. Times are seconds from the simulation's start, in order. */
export type Traffic =
  | { readonly kind: "requests"; readonly timesS: Float64Array; readonly servicesS: Float64Array }
  /** Rows do not overlap. */
  | { readonly kind: "rates"; readonly rows: readonly RateRow[] };

/** Requests one after the other. */
export interface Arrivals {
  /** When the next one comes, seconds from the start; Infinity: no more. */
  nextS: number;
  /** How long it is worked on, seconds. */
  serviceS: number;
  /** Goes on to the one after it. */
  advance(): void;
}

/** The requests of `traffic` from the first on. `random` is only asked for rates: the same one gives the same requests. */
export function arrivalsOf(traffic: Traffic, random: Random): Arrivals {
  return traffic.kind === "requests" ? listed(traffic.timesS, traffic.servicesS) : drawn(traffic.rows, random);
}

function listed(timesS: Float64Array, servicesS: Float64Array): Arrivals {
  let at = -1;
  const arrivals: Arrivals = {
    nextS: 0,
    serviceS: 0,
    advance() {
      at += 1;
      arrivals.nextS = at < timesS.length ? timesS[at]! : Number.POSITIVE_INFINITY;
      arrivals.serviceS = at < timesS.length ? servicesS[at]! : 0;
    },
  };
  arrivals.advance();
  return arrivals;
}

/** A Poisson process, which forgets: each row begins anew. */
function drawn(rows: readonly RateRow[], random: Random): Arrivals {
  let at = 0;
  let nowS = rows[0]?.startS ?? 0;
  const arrivals: Arrivals = {
    nextS: Number.POSITIVE_INFINITY,
    serviceS: 0,
    advance() {
      for (; at < rows.length; at++) {
        const { startS, endS, rps, serviceS } = rows[at]!;
        if (nowS < startS) nowS = startS;
        if (rps > 0) {
          nowS -= Math.log(1 - random.next()) / rps;
          if (nowS < endS) {
            arrivals.nextS = nowS;
            arrivals.serviceS = serviceS;
            return;
          }
        }
        nowS = endS;
      }
      arrivals.nextS = Number.POSITIVE_INFINITY;
    },
  };
  arrivals.advance();
  return arrivals;
}
