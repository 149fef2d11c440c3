package dev.windlass.client;

import dev.windlass.v1.Deployment;
import dev.windlass.v1.DeploymentServiceGrpc.DeploymentServiceImplBase;
import dev.windlass.v1.GetDeploymentRequest;
import dev.windlass.v1.GetDeploymentResponse;
import dev.windlass.v1.ScaleDeploymentRequest;
import dev.windlass.v1.ScaleDeploymentResponse;
import dev.windlass.v1.WatchDeploymentsRequest;
import dev.windlass.v1.WatchDeploymentsResponse;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;

/** A server whose watches do one thing after the other, and whose calls fail as often as told. */
final class ScriptedServer extends DeploymentServiceImplBase implements AutoCloseable {
  /** What one attempt of a watch gets. */
  interface Attempt {
    void run(StreamObserver<WatchDeploymentsResponse> watcher);
  }

  final List<WatchDeploymentsRequest> watched = new CopyOnWriteArrayList<>();
  final CountDownLatch cancelled = new CountDownLatch(1);
  final BlockingQueue<Status> failures = new LinkedBlockingQueue<>();
  final List<String> called = new CopyOnWriteArrayList<>();
  private final BlockingQueue<Attempt> attempts = new LinkedBlockingQueue<>();
  private final Server server;

  ScriptedServer(Attempt... attempts) throws IOException {
    this(InsecureServerCredentials.create(), attempts);
  }

  ScriptedServer(ServerCredentials credentials, Attempt... attempts) throws IOException {
    this.attempts.addAll(List.of(attempts));
    server = Grpc.newServerBuilderForPort(0, credentials).addService(this).build().start();
  }

  int port() {
    return server.getPort();
  }

  WindlassClient.Builder client() {
    return WindlassClient.builder().address("http://127.0.0.1:" + port()).token("t");
  }

  static WatchDeploymentsResponse updated(long revision, String name) {
    return WatchDeploymentsResponse.newBuilder()
        .setRevision(revision)
        .setUpdated(Deployment.newBuilder().setName(name))
        .build();
  }

  static WatchDeploymentsResponse synced(long revision) {
    return WatchDeploymentsResponse.newBuilder().setRevision(revision).setSynced(true).build();
  }

  @Override
  public void watchDeployments(
      WatchDeploymentsRequest request, StreamObserver<WatchDeploymentsResponse> watcher) {
    watched.add(request);
    ((ServerCallStreamObserver<WatchDeploymentsResponse>) watcher)
        .setOnCancelHandler(cancelled::countDown);
    Attempt attempt = attempts.poll();
    if (attempt != null) {
      attempt.run(watcher);
    }
  }

  @Override
  public void getDeployment(
      GetDeploymentRequest request, StreamObserver<GetDeploymentResponse> caller) {
    answer("get", caller, GetDeploymentResponse.getDefaultInstance());
  }

  @Override
  public void scaleDeployment(
      ScaleDeploymentRequest request, StreamObserver<ScaleDeploymentResponse> caller) {
    answer("scale", caller, ScaleDeploymentResponse.getDefaultInstance());
  }

  private <A> void answer(String name, StreamObserver<A> caller, A answer) {
    called.add(name);
    Status failure = failures.poll();
    if (failure == null) {
      caller.onNext(answer);
      caller.onCompleted();
    } else if (!failure.isOk()) {
      caller.onError(failure.asRuntimeException());
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
  }
}
