package dev.windlass.client;

import static dev.windlass.client.ScriptedServer.synced;
import static dev.windlass.client.ScriptedServer.updated;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.windlass.client.Event.Updated;
import dev.windlass.v1.Deployment;
import dev.windlass.v1.WatchDeploymentsRequest;
import dev.windlass.v1.WatchDeploymentsResponse;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class WatchTest {
  private ScriptedServer server;
  private WindlassClient client;
  private Watch<Deployment> watch;

  private void begin(ScriptedServer.Attempt... attempts) throws IOException {
    server = new ScriptedServer(attempts);
    client = server.client().build();
    watch = client.watch(request(Duration.ofMillis(100)));
  }

  @AfterEach
  void end() {
    client.close();
    server.close();
  }

  private static WatchDeploymentsRequest request(Duration interval) {
    return WatchDeploymentsRequest.newBuilder()
        .setParent("applications/a")
        .setProgressInterval(com.google.protobuf.Duration.newBuilder().setNanos(interval.getNano()))
        .build();
  }

  private static void send(
      StreamObserver<WatchDeploymentsResponse> watcher, WatchDeploymentsResponse... messages) {
    for (WatchDeploymentsResponse message : messages) {
      watcher.onNext(message);
    }
  }

  private List<String> read(int count) {
    List<String> events = new ArrayList<>();
    for (int read = 0; read < count; read++) {
      Event<Deployment> event = watch.next();
      String name = event instanceof Updated<Deployment> updated ? " " + updated.name() : "";
      events.add(event.getClass().getSimpleName() + " " + event.revision() + name);
    }
    return events;
  }

  private List<Long> startRevisions() {
    return server.watched.stream().map(WatchDeploymentsRequest::getStartRevision).toList();
  }

  @Test
  @DisplayName("goes on after a cut from the last complete revision, without a repeat")
  void resumes() throws IOException {
    begin(
        watcher -> {
          send(watcher, updated(5, "a"), synced(5), updated(6, "a"), updated(7, "a"));
          watcher.onError(Status.UNAVAILABLE.asRuntimeException());
        },
        watcher -> {
          send(watcher, updated(7, "a"), updated(7, "b"));
          watcher.onCompleted();
        },
        watcher -> send(watcher, updated(8, "c")));
    assertEquals(
        List.of("Reset 5", "Updated 5 a", "Synced 5", "Updated 6 a", "Updated 7 a"), read(5));
    assertEquals(6, watch.resumeRevision());
    assertEquals(List.of("Updated 7 b", "Updated 8 c"), read(2));
    assertEquals(List.of(0L, 6L, 6L), startRevisions());
    assertEquals(request(Duration.ofMillis(100)), server.watched.get(0));
  }

  @Test
  @DisplayName("begins anew where the history is gone")
  void compacted() throws IOException {
    begin(
        watcher -> {
          send(watcher, synced(5));
          watcher.onError(Status.INTERNAL.asRuntimeException());
        },
        watcher -> watcher.onError(Status.OUT_OF_RANGE.asRuntimeException()),
        watcher -> send(watcher, updated(9, "b"), synced(9)));
    assertEquals(List.of("Reset 5", "Synced 5", "Reset 9", "Updated 9 b", "Synced 9"), read(5));
    assertEquals(List.of(0L, 5L, 0L), startRevisions());
  }

  @Test
  @DisplayName("connects again where the server falls silent")
  void silent() throws IOException {
    begin(watcher -> send(watcher, synced(5)), watcher -> send(watcher, updated(6, "a")));
    assertEquals(List.of("Reset 5", "Synced 5", "Updated 6 a"), read(3));
    assertEquals(List.of(0L, 5L), startRevisions());
  }

  @Test
  @DisplayName("gives up at once on what trying again cannot mend")
  void givesUp() throws IOException {
    begin(watcher -> watcher.onError(Status.PERMISSION_DENIED.asRuntimeException()));
    StatusRuntimeException error =
        assertThrows(StatusRuntimeException.class, () -> watch.hasNext());
    assertEquals(Code.PERMISSION_DENIED, error.getStatus().getCode());
    assertFalse(watch.hasNext());
    assertThrows(NoSuchElementException.class, () -> watch.next());
    assertEquals(1, server.watched.size());
  }

  @Test
  @DisplayName("a poll ends in time without an event, and the watch goes on")
  void polls() throws IOException {
    begin(watcher -> send(watcher, synced(5)));
    watch = client.watch(request(Duration.ZERO).toBuilder().clearProgressInterval().build());
    assertEquals(List.of("Reset 5", "Synced 5"), read(2));
    assertEquals(Optional.empty(), watch.poll(Duration.ofMillis(50)));
    assertFalse(watch.isClosed());
    assertEquals(Optional.empty(), watch.poll(Duration.ofSeconds(-1)));
  }

  @Test
  @DisplayName("closing from another thread ends the loop of its reader, and the server's stream")
  void closes() throws Exception {
    begin(watcher -> send(watcher, synced(5)));
    watch = client.watch(request(Duration.ZERO).toBuilder().clearProgressInterval().build());
    assertEquals(List.of("Reset 5", "Synced 5"), read(2));
    CompletableFuture<Boolean> reading = CompletableFuture.supplyAsync(watch::hasNext);
    assertThrows(
        java.util.concurrent.TimeoutException.class, () -> reading.get(50, TimeUnit.MILLISECONDS));
    watch.close();
    assertFalse(reading.get(5, TimeUnit.SECONDS));
    assertTrue(server.cancelled.await(5, TimeUnit.SECONDS));
    watch.close();
  }

  @Test
  @DisplayName("closing ends the pause between two attempts")
  void closesInPause() throws Exception {
    begin();
    server.close();
    CompletableFuture<Boolean> reading = CompletableFuture.supplyAsync(watch::hasNext);
    assertThrows(
        java.util.concurrent.TimeoutException.class, () -> reading.get(300, TimeUnit.MILLISECONDS));
    client.close();
    assertFalse(reading.get(2, TimeUnit.SECONDS));
    assertTrue(client.watch(WatchDeploymentsRequest.getDefaultInstance()).isClosed());
  }

  @Test
  @DisplayName("a thread that is interrupted stops waiting, and stays interrupted")
  void interrupted() throws IOException {
    begin();
    Thread.currentThread().interrupt();
    StatusRuntimeException error = assertThrows(StatusRuntimeException.class, () -> watch.next());
    assertTrue(Thread.interrupted());
    assertEquals(Code.CANCELLED, error.getStatus().getCode());
  }
}
