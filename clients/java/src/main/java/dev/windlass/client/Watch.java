package dev.windlass.client;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The events of a watch, which end when it is closed.
 *
 * <p>It connects again when the connection is cut or silent, waiting from 0.1 s to 5 s between
 * attempts, without a gap or a repeat. Where the history to continue from is gone it tells {@link
 * Event.Reset} and the present state. What trying again cannot mend is thrown as {@link
 * StatusRuntimeException}: an unknown token, a missing permission, a request that breaks a rule.
 *
 * <p>One thread reads; any may close. Close it: until then it holds a connection. Attempts are
 * logged to the logger "dev.windlass.client" at level DEBUG.
 *
 * @param <T> of the resources
 */
public final class Watch<T> implements Iterable<Event<T>>, Iterator<Event<T>>, AutoCloseable {
  private static final long FOR_EVER_NANOS = Long.MAX_VALUE / 2;

  private final FeedReader<?, ?, T> reader;
  private final Consumer<Watch<T>> closing;
  private final Queue<Event<T>> ready = new ArrayDeque<>();

  Watch(FeedReader<?, ?, T> reader, Consumer<Watch<T>> closing) {
    this.reader = reader;
    this.closing = closing;
  }

  /**
   * Waits for the next event.
   *
   * @return false once the watch is closed
   * @throws StatusRuntimeException as described above; CANCELLED where the thread is interrupted
   */
  @Override
  public boolean hasNext() {
    return fill(FOR_EVER_NANOS);
  }

  /**
   * Waits for the next event and returns it.
   *
   * @throws NoSuchElementException once the watch is closed
   * @throws StatusRuntimeException as {@link #hasNext} does
   */
  @Override
  public Event<T> next() {
    return poll(FOR_EVER_NANOS)
        .orElseThrow(() -> new NoSuchElementException("the watch is closed"));
  }

  /**
   * Waits for the next event, so long at most.
   *
   * @return empty where none came, and once the watch is closed
   * @throws StatusRuntimeException as {@link #hasNext} does
   */
  public Optional<Event<T>> poll(Duration timeout) {
    return poll(Math.min(TimeUnit.NANOSECONDS.convert(timeout), FOR_EVER_NANOS));
  }

  /** Itself: what was read does not come again. */
  @Override
  public Iterator<Event<T>> iterator() {
    return this;
  }

  /**
   * The {@code start_revision} for a watch that shall go on after what this one told; 0 before
   * {@link Event.Synced}. Events of later revisions that were told already come again then.
   */
  public long resumeRevision() {
    return reader.resumeRevision();
  }

  /** Whether it was closed, or has failed. */
  public boolean isClosed() {
    return reader.isClosed();
  }

  /** Ends the watch, from any thread; a reader's loop ends. */
  @Override
  public void close() {
    reader.close();
    closing.accept(this);
  }

  private Optional<Event<T>> poll(long nanos) {
    return fill(nanos) ? Optional.of(ready.remove()) : Optional.empty();
  }

  /** Waits so long for an event, unless there is one; whether there is. */
  private boolean fill(long nanos) {
    long until = System.nanoTime() + nanos;
    try {
      for (long left = nanos; !isClosed() && ready.isEmpty(); left = until - System.nanoTime()) {
        if (left < 0) {
          return false;
        }
        ready.addAll(reader.read(left));
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw Status.CANCELLED
          .withDescription("the thread that reads the watch was interrupted")
          .withCause(interrupted)
          .asRuntimeException();
    }
    return !isClosed();
  }
}
