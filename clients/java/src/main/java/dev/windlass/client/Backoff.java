package dev.windlass.client;

/** How long to wait before trying again. */
final class Backoff {
  private static final double FIRST_S = 0.1;
  private static final double MOST_S = 5;

  private Backoff() {}

  /**
   * Nanoseconds before the next attempt.
   *
   * @param failures in a row, 1 or more
   * @param random from 0 to 1
   */
  static long nanos(int failures, double random) {
    double full = Math.min(MOST_S, FIRST_S * Math.pow(2, Math.min(failures - 1, 10)));
    return (long) ((full / 2 + full / 2 * random) * 1e9);
  }
}
