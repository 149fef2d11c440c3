package dev.windlass.client;

import dev.windlass.v1.Application;
import java.util.Optional;

/** An application that was waited for failed to deploy, or was deleted. */
public final class ApplicationFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Application application;

  ApplicationFailedException(String message, Application application) {
    super(message);
    this.application = application;
  }

  /** The application as it is; empty where it was deleted. */
  public Optional<Application> application() {
    return Optional.ofNullable(application);
  }
}
