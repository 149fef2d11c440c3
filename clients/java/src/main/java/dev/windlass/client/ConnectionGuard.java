package dev.windlass.client;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * Bounds how long a connection may take to be made, and how long calls fail because the last
 * attempt to make one did. gRPC itself waits for the server's first word for ever, and up to two
 * minutes between attempts.
 */
final class ConnectionGuard {
  /** Well below the default deadline of a call, so that a safe one gets a second attempt. */
  private static final long CONNECT_NANOS = TimeUnit.SECONDS.toNanos(4);

  private final ManagedChannel channel;
  private final ScheduledExecutorService scheduler;
  private ScheduledFuture<?> timer;
  private int failures;

  private ConnectionGuard(ManagedChannel channel, ScheduledExecutorService scheduler) {
    this.channel = channel;
    this.scheduler = scheduler;
  }

  /** Guards a channel until it is shut down. */
  static void guard(ManagedChannel channel, ScheduledExecutorService scheduler) {
    new ConnectionGuard(channel, scheduler).look();
  }

  private synchronized void look() {
    ConnectivityState state = channel.getState(false);
    if (timer != null) {
      timer.cancel(false);
      timer = null;
    }
    switch (state) {
      case CONNECTING -> restartAfter(CONNECT_NANOS, state);
      case TRANSIENT_FAILURE -> {
        failures += 1;
        restartAfter(Backoff.nanos(failures, ThreadLocalRandom.current().nextDouble()), state);
      }
      case READY -> failures = 0;
      case IDLE -> {}
      case SHUTDOWN -> {
        return;
      }
    }
    channel.notifyWhenStateChanged(state, this::look);
  }

  private void restartAfter(long nanos, ConnectivityState state) {
    try {
      timer = scheduler.schedule(() -> restart(state), nanos, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException closed) {
      // The client was closed meanwhile, and the channel is about to be.
      timer = null;
    }
  }

  /** Idle means to connect anew with the next call, or at once for the calls that wait. */
  private void restart(ConnectivityState state) {
    if (channel.getState(false) == state) {
      channel.enterIdle();
    }
  }
}
