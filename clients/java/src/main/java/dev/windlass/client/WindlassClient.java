package dev.windlass.client;

import com.google.protobuf.Message;
import dev.windlass.client.Attempt.Connection;
import dev.windlass.v1.Application;
import dev.windlass.v1.ApplicationServiceGrpc;
import dev.windlass.v1.ApplicationServiceGrpc.ApplicationServiceBlockingStub;
import dev.windlass.v1.Deployment;
import dev.windlass.v1.DeploymentServiceGrpc;
import dev.windlass.v1.DeploymentServiceGrpc.DeploymentServiceBlockingStub;
import dev.windlass.v1.InstanceServiceGrpc;
import dev.windlass.v1.InstanceServiceGrpc.InstanceServiceBlockingStub;
import dev.windlass.v1.Replica;
import dev.windlass.v1.ScalingDecision;
import dev.windlass.v1.TokenServiceGrpc;
import dev.windlass.v1.TokenServiceGrpc.TokenServiceBlockingStub;
import dev.windlass.v1.WatchApplicationsRequest;
import dev.windlass.v1.WatchDeploymentsRequest;
import dev.windlass.v1.WatchInstanceRequest;
import dev.windlass.v1.WatchReplicasRequest;
import dev.windlass.v1.WatchScalingDecisionsRequest;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeoutException;

/**
 * A connection to a Windlass. Close it. Threads may share it; nothing is sent before the first
 * call.
 *
 * <p>Failed calls throw {@link io.grpc.StatusRuntimeException}: {@link WindlassErrors} reads what
 * Windlass says in it. Calls without side effects are tried again while the server is not
 * available.
 */
public final class WindlassClient implements AutoCloseable {
  private final Connections connections;
  private final CallDefaults defaults;
  private final ManagedChannel shared;
  private final Channel channel;
  private final ScheduledThreadPoolExecutor scheduler;
  private final Set<Watch<?>> watches = ConcurrentHashMap.newKeySet();

  private WindlassClient(Builder builder, Map<String, String> environment) {
    Target target = Target.find(builder.address, builder.token, environment);
    connections = new Connections(target, builder.rootCertificates);
    defaults = new CallDefaults(target.token(), builder.timeout);
    scheduler = new ScheduledThreadPoolExecutor(1, WindlassClient::timerThread);
    scheduler.setRemoveOnCancelPolicy(true);
    shared = connections.connect();
    channel = ClientInterceptors.intercept(shared, defaults);
    ConnectionGuard.guard(shared, scheduler);
  }

  /** A client made from the environment, as {@link Builder} says. */
  public static WindlassClient create() {
    return builder().build();
  }

  /** Begins a client made from explicit values. */
  public static Builder builder() {
    return new Builder();
  }

  /** Reads, writes, deletes and rolls back applications. */
  public ApplicationServiceBlockingStub applications() {
    return ApplicationServiceGrpc.newBlockingStub(channel);
  }

  /** Reads and scales deployments. */
  public DeploymentServiceBlockingStub deployments() {
    return DeploymentServiceGrpc.newBlockingStub(channel);
  }

  /** The instance as a whole. */
  public InstanceServiceBlockingStub instance() {
    return InstanceServiceGrpc.newBlockingStub(channel);
  }

  /** Bearer tokens. */
  public TokenServiceBlockingStub tokens() {
    return TokenServiceGrpc.newBlockingStub(channel);
  }

  /** For stubs of another kind, such as {@code ApplicationServiceGrpc.newFutureStub(channel())}. */
  public Channel channel() {
    return channel;
  }

  /** Watches the instance, applications, deployments and replicas on one feed. */
  public Watch<Message> watch(WatchInstanceRequest request) {
    return watch(Feeds.of(request));
  }

  /** Watches applications. */
  public Watch<Application> watch(WatchApplicationsRequest request) {
    return watch(Feeds.of(request));
  }

  /** Watches deployments. */
  public Watch<Deployment> watch(WatchDeploymentsRequest request) {
    return watch(Feeds.of(request));
  }

  /** Watches replicas. */
  public Watch<Replica> watch(WatchReplicasRequest request) {
    return watch(Feeds.of(request));
  }

  /** Watches what the autoscaler decides. */
  public Watch<ScalingDecision> watch(WatchScalingDecisionsRequest request) {
    return watch(Feeds.of(request));
  }

  /**
   * Waits until an application runs as it was last written.
   *
   * @param application its name as its config has it
   * @return the application
   * @throws ApplicationFailedException where it failed to deploy or was deleted
   * @throws TimeoutException where it takes longer; it goes on then
   * @throws io.grpc.StatusRuntimeException as {@link Watch#hasNext} does; CANCELLED where the
   *     client is closed
   */
  public Application waitUntilRunning(String application, Duration timeout)
      throws TimeoutException {
    Waiting waiting = new Waiting(ResourceNames.application(application));
    WatchApplicationsRequest request =
        WatchApplicationsRequest.newBuilder()
            .addNames(ResourceNames.application(application))
            .build();
    long begin = System.nanoTime();
    try (Watch<Application> watch = watch(request)) {
      while (true) {
        Duration left = timeout.minusNanos(System.nanoTime() - begin);
        Optional<Event<Application>> event = watch.poll(left);
        if (event.isPresent()) {
          Optional<Application> running = waiting.take(event.get());
          if (running.isPresent()) {
            return running.get();
          }
        } else if (watch.isClosed()) {
          throw io.grpc.Status.CANCELLED
              .withDescription("the client was closed while it waited")
              .asRuntimeException();
        } else {
          throw new TimeoutException(waiting.timedOut(timeout));
        }
      }
    }
  }

  /** Ends every call and watch. */
  @Override
  public void close() {
    scheduler.shutdownNow();
    watches.forEach(Watch::close);
    shared.shutdownNow();
  }

  private <Q, A, T> Watch<T> watch(Feed<Q, A, T> feed) {
    Watch<T> watch = new Watch<>(new FeedReader<>(feed, this::connect), watches::remove);
    watches.add(watch);
    // Who closes the client meanwhile may have missed this one.
    if (scheduler.isShutdown()) {
      watch.close();
    }
    return watch;
  }

  private Connection connect() {
    ManagedChannel own = connections.connect();
    return new Connection(ClientInterceptors.intercept(own, defaults), own::shutdownNow);
  }

  private static Thread timerThread(Runnable work) {
    Thread thread = new Thread(work, "windlass-client");
    thread.setDaemon(true);
    return thread;
  }

  /** How a client is made: what is not given is found in the environment. */
  public static final class Builder {
    private String address;
    private String token;
    private Duration timeout = Duration.ofSeconds(10);
    private Path rootCertificates;

    private Builder() {}

    /**
     * {@code http://host:port}, or {@code https://host:port} for TLS.
     *
     * <p>Default: {@code WINDLASS_ADDRESS}, else {@code http://127.0.0.1:8265}.
     */
    public Builder address(String address) {
      this.address = address;
      return this;
    }

    /**
     * The bearer token of every call; empty is none.
     *
     * <p>Default: {@code WINDLASS_TOKEN}, else on a loopback address the admin's token in the state
     * dir.
     */
    public Builder token(String token) {
      this.token = token;
      return this;
    }

    /** Deadline of the calls that have none of their own; watches have none. Default: 10 s. */
    public Builder timeout(Duration timeout) {
      if (timeout.isNegative() || timeout.isZero()) {
        throw new IllegalArgumentException("timeout must be > 0, got " + timeout);
      }
      this.timeout = timeout;
      return this;
    }

    /** A file of PEM certificates to trust instead of the machine's, for https. */
    public Builder rootCertificates(Path rootCertificates) {
      this.rootCertificates = rootCertificates;
      return this;
    }

    /**
     * Makes the client.
     *
     * @throws IllegalArgumentException where a value is no address or token
     * @throws java.io.UncheckedIOException where a file cannot be read
     */
    public WindlassClient build() {
      return new WindlassClient(this, System.getenv());
    }
  }
}
