import { isPlain, type ReplicaChannel } from "./channel.ts";
import { createFramedChannel } from "./framed-channel.ts";
import { createHttpChannel } from "./http-channel.ts";

/** The channel to replicas of both kinds: programs of the user's over HTTP/1.1, our own over frames. */
export function createReplicaChannel(): ReplicaChannel {
  const http = createHttpChannel();
  const framed = createFramedChannel();
  const driverOf = (address: string): ReplicaChannel => (isPlain(address) ? http : framed);
  return {
    open: (address, request, receiver) => driverOf(address).open(address, request, receiver),
    release: (address) => driverOf(address).release(address),
    async close() {
      await Promise.all([http.close(), framed.close()]);
    },
  };
}
