/**
 * For servers of TCP: a peer that is silent for a minute is asked by the kernel whether it is still there, so that those
 * that vanished without a word (power, network) do not hold their requests for good.
 */
export const KEPT_ALIVE = { keepAlive: true, keepAliveInitialDelay: 60_000 } as const;
