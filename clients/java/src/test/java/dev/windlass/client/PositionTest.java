package dev.windlass.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.windlass.client.Event.Deleted;
import dev.windlass.client.Event.Synced;
import dev.windlass.client.Event.Updated;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Messages are written "5 a" (an update of a), "5 -a" (its end), "5 synced" and "5 progress". */
class PositionTest {
  private final List<String> news = new ArrayList<>();
  private final List<Long> from = new ArrayList<>();

  private Position<String> run(Position<String> position, String... messages) {
    from.add(position.resumeRevision());
    position.begin();
    for (String message : messages) {
      String[] parts = message.split(" ");
      long revision = Long.parseLong(parts[0]);
      for (Event<String> event : position.advance(revision, event(revision, parts[1]))) {
        news.add(event.revision() + " " + told(event));
      }
    }
    return position;
  }

  private static Event<String> event(long revision, String what) {
    return switch (what) {
      case "progress" -> null;
      case "synced" -> new Synced<>(revision);
      default ->
          what.startsWith("-")
              ? new Deleted<>(revision, what.substring(1))
              : new Updated<>(revision, what, what);
    };
  }

  private static String told(Event<String> event) {
    if (event instanceof Updated<String> updated) {
      return updated.name();
    }
    if (event instanceof Deleted<String> deleted) {
      return "-" + deleted.name();
    }
    return event instanceof Synced ? "synced" : "reset";
  }

  @Test
  @DisplayName("a later revision completes the one before it")
  void laterRevision() {
    assertEquals(2, run(new Position<>(1), "2 a", "3 a").resumeRevision());
    assertEquals(List.of("2 a", "3 a"), news);
  }

  @Test
  @DisplayName("progress completes its revision")
  void progress() {
    assertEquals(2, run(new Position<>(1), "2 a", "2 progress").resumeRevision());
    assertEquals(List.of("2 a"), news);
  }

  @Test
  @DisplayName("the rest of a revision that was cut comes, although the watch is told where it is")
  void restOfRevision() {
    Position<String> position = new Position<>(1);
    run(position, "2 a");
    run(position, "1 progress", "2 a", "2 -b", "3 a");
    assertEquals(List.of("2 a", "2 -b", "3 a"), news);
    assertEquals(List.of(1L, 1L), from);
    assertEquals(2, position.resumeRevision());
  }

  @Test
  @DisplayName("synced of a resumed watch completes nothing and is not told")
  void resumedSynced() {
    Position<String> position = new Position<>(1);
    run(position, "2 a");
    run(position, "1 synced", "2 a", "2 b");
    assertEquals(List.of("2 a", "2 b"), news);
    assertEquals(1, position.resumeRevision());
  }

  @Test
  @DisplayName("several decisions of one revision on one deployment come each once, over cuts too")
  void severalOfOneName() {
    Position<String> position = new Position<>(1);
    run(position, "2 a", "2 a");
    run(position, "2 a", "2 a", "2 a");
    run(position, "2 a", "2 a", "2 a", "2 b");
    assertEquals(List.of("2 a", "2 a", "2 a", "2 b"), news);
  }

  @Test
  @DisplayName("what is at or below the complete revision is not told again")
  void below() {
    Position<String> position = new Position<>(5);
    run(position, "4 a", "5 a", "6 a");
    assertEquals(List.of("6 a"), news);
  }

  @Test
  @DisplayName("the present state that was cut is told anew, after a reset")
  void snapshotAnew() {
    Position<String> position = new Position<>(0);
    run(position, "5 a");
    run(position, "6 a", "6 b", "6 synced", "7 c");
    assertEquals(List.of("5 reset", "5 a", "6 reset", "6 a", "6 b", "6 synced", "7 c"), news);
    assertEquals(List.of(0L, 0L), from);
    assertEquals(6, position.resumeRevision());
  }

  @Test
  @DisplayName("an empty present state is a reset and synced; progress before it is nothing")
  void emptySnapshot() {
    run(new Position<>(0), "5 progress", "5 synced");
    assertEquals(List.of("5 reset", "5 synced"), news);
  }
}
