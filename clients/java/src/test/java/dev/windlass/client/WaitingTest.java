package dev.windlass.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.windlass.client.Event.Deleted;
import dev.windlass.client.Event.Reset;
import dev.windlass.client.Event.Synced;
import dev.windlass.client.Event.Updated;
import dev.windlass.v1.Application;
import dev.windlass.v1.Application.State;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class WaitingTest {
  private static final String NAME = "applications/a";

  private final Waiting waiting = new Waiting(NAME);

  private static Application application(State state, long observed) {
    return Application.newBuilder()
        .setName(NAME)
        .setState(state)
        .setMessage("because")
        .setGeneration(2)
        .setObservedGeneration(observed)
        .build();
  }

  private Optional<Application> take(Application application) {
    return waiting.take(new Updated<>(3, NAME, application));
  }

  @BeforeEach
  void begin() {
    waiting.take(new Reset<>(1));
  }

  @Test
  @DisplayName("it runs once the last generation runs and nothing is left to do")
  void runs() {
    Application running = application(State.STATE_RUNNING, 2);
    assertEquals(Optional.empty(), take(application(State.STATE_RUNNING, 1)));
    assertEquals(Optional.empty(), waiting.take(new Synced<>(1)));
    assertEquals(Optional.empty(), take(application(State.STATE_DEPLOY_FAILED, 1)));
    assertEquals(Optional.empty(), take(application(State.STATE_DEPLOYING, 2)));
    assertEquals(Optional.empty(), take(running.toBuilder().setReconciling(true).build()));
    assertEquals(Optional.of(running), take(running));
  }

  @Test
  @DisplayName("it fails where the last generation failed, with the reason and the application")
  void fails() {
    waiting.take(new Updated<>(1, NAME, application(State.STATE_DEPLOYING, 2)));
    waiting.take(new Synced<>(1));
    Application failed = application(State.STATE_DEPLOY_FAILED, 2);
    var error = assertThrows(ApplicationFailedException.class, () -> take(failed));
    assertEquals("applications/a failed to deploy: because", error.getMessage());
    assertEquals(Optional.of(failed), error.application());
  }

  @Test
  @DisplayName("it fails where the application is not there, or is deleted")
  void deleted() {
    var error = assertThrows(ApplicationFailedException.class, () -> waiting.take(new Synced<>(1)));
    assertEquals(Optional.empty(), error.application());
    Waiting other = new Waiting(NAME);
    other.take(new Updated<>(1, NAME, application(State.STATE_DEPLOYING, 2)));
    other.take(new Synced<>(1));
    assertThrows(ApplicationFailedException.class, () -> other.take(new Deleted<>(2, NAME)));
  }

  @Test
  @DisplayName("a wait that took too long says where it stands")
  void timedOut() {
    assertEquals(
        "no news of applications/a after 1.5 s", waiting.timedOut(Duration.ofMillis(1500)));
    take(application(State.STATE_DEPLOYING, 2));
    assertEquals(
        "applications/a does not run after 2.0 s: STATE_DEPLOYING (because); it goes on",
        waiting.timedOut(Duration.ofSeconds(2)));
  }
}
