package dev.windlass.client;

import dev.windlass.client.Attempt.Connection;
import dev.windlass.client.Attempt.Signal;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.lang.System.Logger.Level;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Reads a feed in as many attempts as it takes. One thread reads, any may close. */
final class FeedReader<Q, A, T> {
  private static final System.Logger LOG = System.getLogger("dev.windlass.client");

  /** The first message of an attempt may take this long in any case: it connects before it. */
  private static final long CONNECT_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** Trying again cannot mend these. */
  private static final Set<Code> FINAL =
      EnumSet.of(
          Code.UNAUTHENTICATED,
          Code.PERMISSION_DENIED,
          Code.NOT_FOUND,
          Code.INVALID_ARGUMENT,
          Code.OUT_OF_RANGE,
          Code.UNIMPLEMENTED,
          Code.FAILED_PRECONDITION);

  private final Feed<Q, A, T> feed;
  private final Supplier<Connection> connect;
  private final CountDownLatch closed = new CountDownLatch(1);
  private Position<T> position;
  private volatile long resumeRevision;

  /** Null between two attempts. */
  private Attempt<A> attempt;

  private int failures;
  private long retryAtNanos = System.nanoTime();
  private long silentAtNanos;

  /**
   * Nothing is sent before the first read.
   *
   * @param connect makes a connection for each attempt: one that fell silent may be shared with
   *     nothing
   */
  FeedReader(Feed<Q, A, T> feed, Supplier<Connection> connect) {
    this.feed = feed;
    this.connect = connect;
    this.position = new Position<>(feed.startRevision());
    this.resumeRevision = position.resumeRevision();
  }

  long resumeRevision() {
    return resumeRevision;
  }

  boolean isClosed() {
    return closed.getCount() == 0;
  }

  void close() {
    closed.countDown();
    synchronized (this) {
      if (attempt != null) {
        attempt.cancel();
      }
    }
  }

  /**
   * Goes on by one step, which takes so many nanoseconds at most.
   *
   * @return news, often none
   * @throws StatusRuntimeException what trying again cannot mend; it is closed then
   */
  List<Event<T>> read(long nanos) throws InterruptedException {
    if (attempt == null) {
      long pause = Math.min(nanos, retryAtNanos - System.nanoTime());
      if (pause > 0) {
        // Returns at once when it is closed.
        closed.await(pause, TimeUnit.NANOSECONDS);
        return List.of();
      }
      begin();
    }
    if (isClosed()) {
      return List.of();
    }
    Signal<A> signal =
        attempt.poll(Math.max(0, Math.min(nanos, silentAtNanos - System.nanoTime())));
    if (signal instanceof Signal.Message<A> arrived) {
      return take(arrived.message());
    }
    if (signal instanceof Signal.End<A> end) {
      lost(end.why());
    } else if (System.nanoTime() - silentAtNanos >= 0) {
      lost(Status.UNAVAILABLE.withDescription("the server fell silent").asRuntimeException());
    }
    return List.of();
  }

  private synchronized void begin() {
    if (isClosed()) {
      return;
    }
    position.begin();
    silentAtNanos = System.nanoTime() + Math.max(feed.silenceNanos(), CONNECT_NANOS);
    Q request = feed.resumed().apply(position.resumeRevision());
    attempt = Attempt.begin(connect.get(), feed.method(), request);
  }

  private List<Event<T>> take(A message) {
    failures = 0;
    silentAtNanos = System.nanoTime() + feed.silenceNanos();
    long revision = feed.revision().applyAsLong(message);
    List<Event<T>> news = position.advance(revision, feed.event().apply(message));
    resumeRevision = position.resumeRevision();
    return news;
  }

  private void lost(StatusRuntimeException why) {
    synchronized (this) {
      attempt.cancel();
      attempt = null;
    }
    if (isClosed()) {
      return;
    }
    Code code = why.getStatus().getCode();
    if (code == Code.OUT_OF_RANGE && resumeRevision != 0) {
      LOG.log(Level.DEBUG, "history after revision {0} is gone: beginning anew", resumeRevision);
      position = new Position<>(0);
      resumeRevision = 0;
      return;
    }
    if (FINAL.contains(code)) {
      close();
      throw why;
    }
    failures += 1;
    long pause = Backoff.nanos(failures, ThreadLocalRandom.current().nextDouble());
    retryAtNanos = System.nanoTime() + pause;
    LOG.log(
        Level.DEBUG,
        "the watch was cut ({0}); trying again in {1} ms",
        why.getMessage(),
        TimeUnit.NANOSECONDS.toMillis(pause));
  }
}
