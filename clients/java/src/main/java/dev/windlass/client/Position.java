package dev.windlass.client;

import dev.windlass.client.Event.Deleted;
import dev.windlass.client.Event.Reset;
import dev.windlass.client.Event.Synced;
import dev.windlass.client.Event.Updated;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Where a reader of a feed stands, so that a cut stream is continued without a gap and without a
 * repeat.
 *
 * <p>Before {@link Synced} it has no complete revision, and begins at 0 again after a cut. Later,
 * {@code complete} is the last revision that arrived whole, {@code current} that of the last
 * message, and {@code seen} how often each name of {@code current} was handed on: one revision may
 * bring several scaling decisions on one deployment.
 */
final class Position<T> {
  private final Map<String, Integer> seen = new HashMap<>();

  /** Of {@code seen}, how often each came in this attempt. */
  private final Map<String, Integer> again = new HashMap<>();

  private boolean live;
  private boolean resetTold;
  private long complete;
  private long current;

  Position(long startRevision) {
    live = startRevision != 0;
    complete = startRevision;
    current = startRevision;
  }

  /** The {@code start_revision} to continue with. */
  long resumeRevision() {
    return live ? complete : 0;
  }

  /** To be called before each attempt. */
  void begin() {
    again.clear();
    resetTold = false;
  }

  /**
   * Takes a message.
   *
   * @param event null is progress
   * @return what of it is news
   */
  List<Event<T>> advance(long revision, Event<T> event) {
    return live ? advanceLive(revision, event) : advanceSnapshot(revision, event);
  }

  private List<Event<T>> advanceSnapshot(long revision, Event<T> event) {
    if (event == null) {
      return List.of();
    }
    List<Event<T>> news = resetTold ? List.of(event) : List.of(new Reset<>(revision), event);
    resetTold = true;
    if (event instanceof Synced) {
      live = true;
      complete = revision;
      current = revision;
    }
    return news;
  }

  private List<Event<T>> advanceLive(long revision, Event<T> event) {
    if (revision > current) {
      complete = current;
      current = revision;
      forgetSeen();
    }
    String name = nameOf(event);
    if (name == null) {
      // A watch that is resumed is first told the revision it was resumed from: that completes
      // nothing.
      if (revision == current) {
        complete = current;
        forgetSeen();
      }
      return List.of();
    }
    if (revision <= complete) {
      return List.of();
    }
    int times = again.merge(name, 1, Integer::sum);
    if (times <= seen.getOrDefault(name, 0)) {
      return List.of();
    }
    seen.put(name, times);
    return List.of(event);
  }

  private void forgetSeen() {
    seen.clear();
    again.clear();
  }

  /** Null where the event is about no resource. */
  private static String nameOf(Event<?> event) {
    if (event instanceof Updated<?> updated) {
      return updated.name();
    }
    return event instanceof Deleted<?> deleted ? deleted.name() : null;
  }
}
