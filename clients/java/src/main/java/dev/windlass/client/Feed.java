package dev.windlass.client;

import com.google.protobuf.Duration;
import io.grpc.MethodDescriptor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.ToLongFunction;

/**
 * A watch of the API with its request.
 *
 * @param startRevision of the request
 * @param resumed the same request from another revision on
 * @param silenceNanos a connection that is silent for so long is dead
 * @param event what a message says; null is progress
 */
record Feed<Q, A, T>(
    MethodDescriptor<Q, A> method,
    long startRevision,
    LongFunction<Q> resumed,
    long silenceNanos,
    ToLongFunction<A> revision,
    Function<A, Event<T>> event) {
  /** How long the server stays silent at most, unless the request says. */
  private static final long PROGRESS_NANOS = TimeUnit.SECONDS.toNanos(20);

  private static final int SILENCES = 3;

  /**
   * When a connection is dead.
   *
   * @param given whether the request says how long the server stays silent
   */
  static long silenceNanos(boolean given, Duration interval) {
    long asked = TimeUnit.SECONDS.toNanos(interval.getSeconds()) + interval.getNanos();
    return SILENCES * (given ? Math.min(asked, PROGRESS_NANOS) : PROGRESS_NANOS);
  }
}
