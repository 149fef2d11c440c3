package dev.windlass.lab;

import static dev.windlass.lab.Lab.expect;

import dev.windlass.client.Event;
import dev.windlass.client.Event.Deleted;
import dev.windlass.client.Event.Reset;
import dev.windlass.client.Event.Synced;
import dev.windlass.client.Event.Updated;
import dev.windlass.client.Watch;
import dev.windlass.v1.Deployment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.LongStream;

/** What a watch of {@code feed}'s deployments told: the reasons of its targets, all in order. */
final class Story {
  final List<String> kinds = new ArrayList<>();
  final List<String> reasons = new ArrayList<>();
  private long revision;

  /** Reads until the present state is told. */
  void readToSynced(Watch<Deployment> watch) {
    while (!(read(watch) instanceof Synced)) {}
  }

  /** Reads until this write is told. */
  void readToWrite(Watch<Deployment> watch, long number) {
    while (!last().equals("write " + number)) {
      read(watch);
    }
  }

  Event<Deployment> read(Watch<Deployment> watch) {
    Event<Deployment> event = watch.next();
    kinds.add(event.getClass().getSimpleName());
    boolean forward = event instanceof Reset || event.revision() >= revision;
    expect(forward, "revision " + event.revision() + " came after " + revision);
    revision = event.revision();
    if (event instanceof Updated<Deployment> updated) {
      boolean named = updated.name().equals(Lab.FEED);
      expect(named && updated.resource().getName().equals(Lab.FEED), "about " + updated.name());
      String reason = updated.resource().getTargetReason();
      if (!reason.equals(last())) {
        reasons.add(reason);
      }
    }
    expect(!(event instanceof Deleted), "nothing was deleted");
    return event;
  }

  /** Each write from the first to the last once, in order, after whatever was before them. */
  void expectWrites(long first, long last) {
    List<String> wanted =
        LongStream.rangeClosed(first, last).mapToObj(number -> "write " + number).toList();
    int from = Math.max(0, reasons.size() - wanted.size());
    List<String> got = reasons.subList(from, reasons.size());
    expect(got.equals(wanted), "got " + got + ", wanted " + wanted);
    expect(reasons.size() <= wanted.size() + 1, "repeats: " + reasons);
  }

  void expectResets(int count) {
    expect(Collections.frequency(kinds, "Reset") == count, kinds);
  }

  private String last() {
    return reasons.isEmpty() ? "" : reasons.get(reasons.size() - 1);
  }
}
