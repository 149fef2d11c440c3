import type { AutoscalingOptions } from "./options.ts";

export interface AutoscalingConfig extends Readonly<AutoscalingOptions> {}

/**
 * Options of autoscaling with what follows from them. Plain {@link AutoscalingOptions} do as well:
 *
 *     deployment(Model, { autoscalingConfig: new AutoscalingConfig({ maxReplicas: 4 }) })
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor copies what was given, and no more
export class AutoscalingConfig {
  constructor(options: AutoscalingOptions = {}) {
    Object.assign(this, options);
  }

  /** What `numReplicas: "auto"` stands for: 1 to 100 replicas with 2 ongoing requests each. */
  static default(): AutoscalingConfig {
    return new AutoscalingConfig({ minReplicas: 1, maxReplicas: 100, targetOngoingRequests: 2 });
  }

  /** Multiplies steps up. */
  getUpscalingFactor(): number {
    return this.upscalingFactor ?? this.upscaleSmoothingFactor ?? this.smoothingFactor ?? 1;
  }

  /** Multiplies steps down. */
  getDownscalingFactor(): number {
    return this.downscalingFactor ?? this.downscaleSmoothingFactor ?? this.smoothingFactor ?? 1;
  }

  /** Ongoing requests that a replica should have. */
  getTargetOngoingRequests(): number {
    return this.targetOngoingRequests ?? 2;
  }
}
