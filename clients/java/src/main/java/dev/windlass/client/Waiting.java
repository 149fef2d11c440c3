package dev.windlass.client;

import dev.windlass.client.Event.Deleted;
import dev.windlass.client.Event.Reset;
import dev.windlass.client.Event.Synced;
import dev.windlass.client.Event.Updated;
import dev.windlass.v1.Application;
import java.time.Duration;
import java.util.Optional;

/** What a wait for one application knows. */
final class Waiting {
  private final String name;
  private Application application;
  private boolean synced;

  Waiting(String name) {
    this.name = name;
  }

  /**
   * Takes an event.
   *
   * @return the application once it runs as it was last written
   * @throws ApplicationFailedException where that will not come
   */
  Optional<Application> take(Event<Application> event) {
    if (event instanceof Reset) {
      application = null;
      synced = false;
    } else if (event instanceof Updated<Application> updated) {
      application = updated.resource();
    } else if (event instanceof Deleted) {
      application = null;
    } else if (event instanceof Synced) {
      synced = true;
    }
    return synced ? verdict() : Optional.empty();
  }

  private Optional<Application> verdict() {
    if (application == null) {
      throw new ApplicationFailedException(name + " is not there: it was deleted meanwhile", null);
    }
    // An older generation's outcome says nothing about what was written last.
    if (application.getObservedGeneration() < application.getGeneration()) {
      return Optional.empty();
    }
    if (application.getState() == Application.State.STATE_DEPLOY_FAILED) {
      String why =
          application.getMessage().isEmpty() ? "no reason given" : application.getMessage();
      throw new ApplicationFailedException(name + " failed to deploy: " + why, application);
    }
    boolean running =
        application.getState() == Application.State.STATE_RUNNING && !application.getReconciling();
    return running ? Optional.of(application) : Optional.empty();
  }

  /** What to say of a wait that took too long. */
  String timedOut(Duration timeout) {
    String after = " after " + timeout.toMillis() / 1000.0 + " s";
    if (application == null) {
      return "no news of " + name + after;
    }
    String why = application.getMessage().isEmpty() ? "" : " (" + application.getMessage() + ")";
    return name + " does not run" + after + ": " + application.getState() + why + "; it goes on";
  }
}
