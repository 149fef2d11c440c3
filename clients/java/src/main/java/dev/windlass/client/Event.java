package dev.windlass.client;

/**
 * What a watch tells.
 *
 * @param <T> of the resources
 */
public sealed interface Event<T> {
  /** The store's revision that this brings the watcher to. */
  long revision();

  /**
   * Forget what you knew: the present state follows, up to {@link Synced}. Also the first event of
   * a watch that begins at 0.
   */
  record Reset<T>(long revision) implements Event<T> {}

  /**
   * A resource was created, changed, or is part of the present state.
   *
   * @param name its resource name; "instance" for the instance, the deployment's for a scaling
   *     decision
   */
  record Updated<T>(long revision, String name, T resource) implements Event<T> {}

  /**
   * A resource is no more.
   *
   * @param name its resource name
   */
  record Deleted<T>(long revision, String name) implements Event<T> {}

  /** The present state is complete; changes follow. */
  record Synced<T>(long revision) implements Event<T> {}
}
