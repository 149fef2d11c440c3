package dev.windlass.lab;

import static dev.windlass.lab.Lab.expect;
import static dev.windlass.lab.Lab.oneReplica;
import static dev.windlass.lab.Lab.post;

import com.google.rpc.BadRequest.FieldViolation;
import dev.windlass.client.Event.Synced;
import dev.windlass.client.Event.Updated;
import dev.windlass.client.ResourceNames;
import dev.windlass.client.Watch;
import dev.windlass.client.WindlassClient;
import dev.windlass.client.WindlassErrors;
import dev.windlass.v1.Application;
import dev.windlass.v1.CreateTokenRequest;
import dev.windlass.v1.Deployment;
import dev.windlass.v1.GetApplicationRequest;
import dev.windlass.v1.GetApplicationTokenRequest;
import dev.windlass.v1.GetInstanceRequest;
import dev.windlass.v1.Instance;
import dev.windlass.v1.ListApplicationsRequest;
import dev.windlass.v1.ListDeploymentsRequest;
import dev.windlass.v1.ListTokensRequest;
import dev.windlass.v1.Replica;
import dev.windlass.v1.Role;
import dev.windlass.v1.ScaleDeploymentRequest;
import dev.windlass.v1.ScaleDeploymentResponse;
import dev.windlass.v1.Token;
import dev.windlass.v1.WatchDeploymentsRequest;
import dev.windlass.v1.WatchInstanceRequest;
import dev.windlass.v1.WatchReplicasRequest;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The cases about calls and their errors. */
final class CallCases {
  static final String APPLICATION = "client-java";
  static final String NAME = ResourceNames.application(APPLICATION);
  private static final String ECHO = ResourceNames.deployment(APPLICATION, "Echo");

  private final WindlassClient client;

  CallCases(WindlassClient client) {
    this.client = client;
  }

  static StatusRuntimeException refused(Runnable call, Code code, String reason) {
    try {
      call.run();
    } catch (StatusRuntimeException error) {
      boolean right = error.getStatus().getCode() == code;
      expect(
          right && WindlassErrors.reasonOf(error).equals(reason),
          error + " with reason " + WindlassErrors.reasonOf(error));
      return error;
    }
    throw new AssertionError("was not refused with " + code + " " + reason);
  }

  static Application getFeed(WindlassClient client) {
    GetApplicationRequest request =
        GetApplicationRequest.newBuilder().setName("applications/feed").build();
    return client.applications().getApplication(request).getApplication();
  }

  private WindlassClient scaler() {
    GetApplicationTokenRequest request =
        GetApplicationTokenRequest.newBuilder().setName(NAME).build();
    String secret = client.tokens().getApplicationToken(request).getSecret();
    return WindlassClient.builder().token(secret).build();
  }

  void fromEnvironment() {
    GetInstanceRequest request = GetInstanceRequest.getDefaultInstance();
    Instance instance = client.instance().getInstance(request).getInstance();
    expect(instance.getState() == Instance.State.STATE_RUNNING, instance);
    String address = System.getenv("WINDLASS_ADDRESS");
    try (WindlassClient stranger = WindlassClient.builder().address(address).token("").build()) {
      refused(
          () -> stranger.instance().getInstance(request), Code.UNAUTHENTICATED, "UNAUTHENTICATED");
    }
  }

  void deploys() throws Exception {
    long revision =
        client
            .applications()
            .updateApplication(Lab.deploy(APPLICATION, oneReplica()))
            .getRevision();
    expect(revision > 0, "revision " + revision);
    Application running = client.waitUntilRunning(APPLICATION, Duration.ofSeconds(60));
    boolean runs = running.getState() == Application.State.STATE_RUNNING;
    expect(runs && running.getExternalScalerEnabled(), running);
  }

  void reads() {
    Application application =
        client
            .applications()
            .getApplication(GetApplicationRequest.newBuilder().setName(NAME).build())
            .getApplication();
    expect(application.getDeploymentsList().equals(List.of("Echo")), application);
    List<String> names =
        client
            .applications()
            .listApplications(ListApplicationsRequest.getDefaultInstance())
            .getApplicationsList()
            .stream()
            .map(Application::getName)
            .toList();
    expect(names.containsAll(List.of(NAME, "applications/feed", "applications/plain")), names);
    List<Deployment> deployments =
        client
            .deployments()
            .listDeployments(ListDeploymentsRequest.newBuilder().setParent(NAME).build())
            .getDeploymentsList();
    expect(deployments.size() == 1, deployments);
    expect(deployments.get(0).getTargetNumReplicas() == 1, deployments);
    List<Replica.State> states = new ArrayList<>();
    WatchReplicasRequest request = WatchReplicasRequest.newBuilder().setParent(ECHO).build();
    try (Watch<Replica> watch = client.watch(request)) {
      for (var event : watch) {
        if (event instanceof Updated<Replica> updated) {
          states.add(updated.resource().getState());
        } else if (event instanceof Synced) {
          break;
        }
      }
    }
    expect(states.equals(List.of(Replica.State.STATE_RUNNING)), states);
  }

  void scales() {
    ScaleDeploymentRequest request =
        ScaleDeploymentRequest.newBuilder()
            .setName(ECHO)
            .setTargetNumReplicas(2)
            .setReason("a test")
            .build();
    try (WindlassClient second = scaler()) {
      ScaleDeploymentResponse answer = second.deployments().scaleDeployment(request);
      expect(answer.getPreviousTargetNumReplicas() == 1, answer);
      expect(answer.getEffectiveTargetNumReplicas() == 2, answer);
      expect(answer.getDeployment().getTargetReason().equals("a test"), answer);
    }
  }

  void unauthenticated() {
    try (WindlassClient stranger = WindlassClient.builder().token("nobody").build()) {
      refused(
          () -> stranger.instance().getInstance(GetInstanceRequest.getDefaultInstance()),
          Code.UNAUTHENTICATED,
          "UNAUTHENTICATED");
      // A watch gives up at once.
      Watch<?> watch = stranger.watch(WatchInstanceRequest.getDefaultInstance());
      refused(watch::next, Code.UNAUTHENTICATED, "UNAUTHENTICATED");
      expect(!watch.hasNext(), "goes on after it gave up");
    }
  }

  void permissionDenied() {
    try (WindlassClient second = scaler()) {
      refused(
          () -> second.applications().updateApplication(Lab.deploy(APPLICATION, oneReplica())),
          Code.PERMISSION_DENIED,
          "PERMISSION_DENIED");
    }
  }

  void notFound() {
    GetApplicationRequest request =
        GetApplicationRequest.newBuilder().setName("applications/nope").build();
    StatusRuntimeException error =
        refused(() -> client.applications().getApplication(request), Code.NOT_FOUND, "NOT_FOUND");
    expect(error.getMessage().contains("nope"), error);
  }

  void invalidConfig() {
    var request =
        Lab.deploy(
            APPLICATION, oneReplica().setMaxOngoingRequests(0).setGracefulShutdownTimeoutS(-1));
    StatusRuntimeException error =
        refused(
            () -> client.applications().updateApplication(request),
            Code.INVALID_ARGUMENT,
            "INVALID_CONFIG");
    List<FieldViolation> violations = WindlassErrors.violationsOf(error);
    List<String> fields =
        violations.stream().map(each -> each.getField().replaceAll(".*\\.", "")).sorted().toList();
    expect(
        fields.equals(List.of("graceful_shutdown_timeout_s", "max_ongoing_requests")), violations);
    expect(violations.stream().noneMatch(each -> each.getDescription().isEmpty()), violations);
  }

  void scalerDisabled() {
    ScaleDeploymentRequest request =
        ScaleDeploymentRequest.newBuilder().setName(Lab.STILL).setTargetNumReplicas(2).build();
    refused(
        () -> client.deployments().scaleDeployment(request),
        Code.FAILED_PRECONDITION,
        "EXTERNAL_SCALER_DISABLED");
  }

  void staleEtag() {
    ScaleDeploymentRequest request =
        ScaleDeploymentRequest.newBuilder()
            .setName(Lab.FEED)
            .setTargetNumReplicas(2)
            .setEtag("nope")
            .build();
    refused(() -> client.deployments().scaleDeployment(request), Code.ABORTED, "STALE_ETAG");
  }

  void historyCompacted() throws Exception {
    post("/compact");
    WatchDeploymentsRequest request =
        WatchDeploymentsRequest.newBuilder()
            .setParent("applications/feed")
            .setStartRevision(1)
            .build();
    var stream = client.deployments().watchDeployments(request);
    refused(stream::hasNext, Code.OUT_OF_RANGE, "HISTORY_COMPACTED");
  }

  void deadline() throws Exception {
    post("/admit?how=hang");
    post("/cut");
    long began = System.nanoTime();
    GetApplicationRequest request =
        GetApplicationRequest.newBuilder().setName("applications/feed").build();
    refused(
        () ->
            client
                .applications()
                .withDeadlineAfter(500, TimeUnit.MILLISECONDS)
                .getApplication(request),
        Code.DEADLINE_EXCEEDED,
        "");
    expect(System.nanoTime() - began < 5e9, "took too long");
    post("/admit?how=forward");
    getFeed(client);
  }

  void safeAgain() throws Exception {
    getFeed(client);
    post("/cut");
    post("/fail-next?count=1");
    getFeed(client);
  }

  void writeOnce() throws Exception {
    ListTokensRequest list = ListTokensRequest.getDefaultInstance();
    List<Token> before = client.tokens().listTokens(list).getTokensList();
    post("/admit?how=refuse");
    post("/cut");
    CreateTokenRequest request = CreateTokenRequest.newBuilder().setRole(Role.ROLE_VIEWER).build();
    refused(() -> client.tokens().createToken(request), Code.UNAVAILABLE, "");
    post("/admit?how=forward");
    List<Token> after = client.tokens().listTokens(list).getTokensList();
    expect(after.equals(before), after);
  }
}
