package dev.windlass.lab;

import static dev.windlass.lab.Lab.expect;
import static dev.windlass.lab.Lab.post;
import static dev.windlass.lab.Lab.until;

import com.google.protobuf.Duration;
import dev.windlass.client.Event;
import dev.windlass.client.Event.Reset;
import dev.windlass.client.Event.Synced;
import dev.windlass.client.Event.Updated;
import dev.windlass.client.Watch;
import dev.windlass.client.WindlassClient;
import dev.windlass.v1.Application;
import dev.windlass.v1.DeleteApplicationRequest;
import dev.windlass.v1.Deployment;
import dev.windlass.v1.GetApplicationRequest;
import dev.windlass.v1.WatchApplicationsRequest;
import dev.windlass.v1.WatchDeploymentsRequest;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** The cases about watches. */
final class WatchCases {
  private final WindlassClient client;

  WatchCases(WindlassClient client) {
    this.client = client;
  }

  private static WatchDeploymentsRequest.Builder feed() {
    return WatchDeploymentsRequest.newBuilder().setParent("applications/feed");
  }

  void watches() throws Exception {
    Story story = new Story();
    try (Watch<Deployment> watch = client.watch(feed().build())) {
      story.readToSynced(watch);
      expect(story.kinds.equals(List.of("Reset", "Updated", "Synced")), story.kinds);
      String written = Lab.answer("POST", "/write?count=3");
      story.readToWrite(watch, Lab.numberOf(written, "last"));
      story.expectWrites(Lab.numberOf(written, "first"), Lab.numberOf(written, "last"));
    }
  }

  void overCuts() throws Exception {
    Story story = new Story();
    ExecutorService others = Executors.newFixedThreadPool(2);
    try (Watch<Deployment> watch = client.watch(feed().build())) {
      story.readToSynced(watch);
      Future<String> writing =
          others.submit(() -> Lab.answer("POST", "/write?count=60&pause_ms=20"));
      Future<?> cutting = others.submit(WatchCases::cutThreeTimes);
      while (story.reasons.size() <= 60) {
        story.read(watch);
      }
      String written = writing.get();
      cutting.get();
      story.expectWrites(Lab.numberOf(written, "first"), Lab.numberOf(written, "last"));
      story.expectResets(1);
    } finally {
      others.shutdown();
    }
  }

  private static Void cutThreeTimes() throws Exception {
    for (int cuts = 0; cuts < 3; cuts++) {
      Thread.sleep(400);
      expect(post("/cut", "connections") > 0, "nothing was cut");
    }
    return null;
  }

  void beginsAnew() throws Exception {
    Story story = new Story();
    try (Watch<Deployment> watch = client.watch(feed().build())) {
      story.readToSynced(watch);
      post("/admit?how=refuse");
      post("/cut");
      post("/compact");
      post("/admit?how=forward");
      story.kinds.clear();
      story.readToSynced(watch);
      expect(story.kinds.equals(List.of("Reset", "Updated", "Synced")), story.kinds);
      long number = post("/write?count=1", "last");
      Event<Deployment> event = story.read(watch);
      expect(event instanceof Updated && story.reasons.contains("write " + number), event);
    }
  }

  void halfOpen() throws Exception {
    Story story = new Story();
    Duration interval = Duration.newBuilder().setNanos(300_000_000).build();
    try (Watch<Deployment> watch = client.watch(feed().setProgressInterval(interval).build())) {
      story.readToSynced(watch);
      post("/freeze");
      long began = System.nanoTime();
      story.readToWrite(watch, post("/write?count=1", "last"));
      expect(System.nanoTime() - began < 10e9, "took too long");
      story.expectResets(1);
    }
    // The connection of the other calls was frozen too, and is left as well.
    until(this::answers, java.time.Duration.ofSeconds(20), "still waits for a dead connection");
  }

  private boolean answers() {
    GetApplicationRequest request =
        GetApplicationRequest.newBuilder().setName("applications/feed").build();
    try {
      client.applications().withDeadlineAfter(500, TimeUnit.MILLISECONDS).getApplication(request);
      return true;
    } catch (StatusRuntimeException error) {
      expect(error.getStatus().getCode() == Code.DEADLINE_EXCEEDED, error);
      return false;
    }
  }

  void leaves() throws Exception {
    long before = Lab.watchers();
    long threads = ownThreads();
    try (Watch<Deployment> watch = client.watch(feed().build())) {
      expect(watch.next() instanceof Reset, "no reset");
      expect(Lab.watchers() == before + 1, "is not watched");
      Thread closer =
          new Thread(
              () -> {
                try {
                  Thread.sleep(200);
                } catch (InterruptedException stop) {
                  return;
                }
                watch.close();
              });
      // From another thread, while this one reads.
      closer.start();
      while (watch.hasNext()) {
        watch.next();
      }
      closer.join();
    }
    java.time.Duration limit = java.time.Duration.ofSeconds(5);
    until(() -> Lab.watchers() <= before, limit, "still watched");
    until(() -> ownThreads() <= threads, limit, "threads are left");
  }

  /** Without gRPC's pools, which grow with the machine; the program looks after them in the end. */
  private static long ownThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> !thread.getName().startsWith("grpc-"))
        .count();
  }

  void deletes() {
    DeleteApplicationRequest delete =
        DeleteApplicationRequest.newBuilder().setName(CallCases.NAME).build();
    client.applications().deleteApplication(delete);
    WatchApplicationsRequest request =
        WatchApplicationsRequest.newBuilder().addNames(CallCases.NAME).build();
    try (Watch<Application> watch = client.watch(request)) {
      boolean there = true;
      boolean synced = false;
      while (there || !synced) {
        Event<Application> event = watch.next();
        synced = synced || event instanceof Synced;
        there = event instanceof Synced ? there : event instanceof Updated;
      }
    }
    GetApplicationRequest get = GetApplicationRequest.newBuilder().setName(CallCases.NAME).build();
    CallCases.refused(() -> client.applications().getApplication(get), Code.NOT_FOUND, "NOT_FOUND");
  }
}
