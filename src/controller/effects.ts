/** What a turn decided to do, done through the ports. */
import type { Engine } from "../engine/engine.ts";
import type { ProxyFleet } from "../engine/proxies.ts";
import type { Bind } from "./command-context.ts";
import { performDeploymentAction } from "./engine-requests.ts";
import { httpTls } from "./instance-commands.ts";
import type { Effect } from "./turn.ts";
import type { World } from "./world.ts";

/** What effects act on. */
export interface Machinery {
  readonly engine: Engine;
  readonly proxies: ProxyFleet;
  readonly bind: Bind;
  readonly proxyWorkers: number;
}

/** Begins an effect; what comes of it arrives as events. `world` is the one that was made durable. */
export function performEffect(effect: Effect, world: World, { engine, proxies, bind, proxyWorkers }: Machinery): void {
  switch (effect.kind) {
    case "build":
      engine.build(effect.request);
      return;
    case "cancel-build":
      engine.cancelBuild(effect.buildId);
      return;
    case "start-proxies": {
      const { instance } = world;
      if (instance.proxyLocation === "Disabled") return;
      const tls = httpTls(bind, instance.httpOptions);
      proxies.start({
        host: bind.host,
        port: bind.httpPort,
        grpcPort: bind.grpcPort,
        rootPath: instance.httpOptions.root_path ?? "",
        grpcReflection: instance.grpcOptions.enable_reflection ?? true,
        keepAliveTimeoutS: instance.httpOptions.keep_alive_timeout_s ?? 90,
        count: proxyWorkers,
        ...(tls === null ? {} : { tls }),
        ...(bind.grpcTls === undefined ? {} : { grpcTls: bind.grpcTls }),
      });
      return;
    }
    case "check-health":
      engine.checkHealth(effect.id, effect.timeoutMs);
      return;
    case "stop-proxies":
      proxies.stop();
      return;
    default:
      performDeploymentAction(engine, world, effect);
  }
}
