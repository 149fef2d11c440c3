package dev.windlass.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import dev.windlass.client.Event.Deleted;
import dev.windlass.client.Event.Synced;
import dev.windlass.client.Event.Updated;
import dev.windlass.v1.Application;
import dev.windlass.v1.Deployment;
import dev.windlass.v1.Instance;
import dev.windlass.v1.Replica;
import dev.windlass.v1.ScalingDecision;
import dev.windlass.v1.WatchApplicationsRequest;
import dev.windlass.v1.WatchApplicationsResponse;
import dev.windlass.v1.WatchDeploymentsRequest;
import dev.windlass.v1.WatchDeploymentsResponse;
import dev.windlass.v1.WatchInstanceRequest;
import dev.windlass.v1.WatchInstanceResponse;
import dev.windlass.v1.WatchReplicasRequest;
import dev.windlass.v1.WatchReplicasResponse;
import dev.windlass.v1.WatchScalingDecisionsRequest;
import dev.windlass.v1.WatchScalingDecisionsResponse;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class FeedsTest {
  /** Of the message that is none of the others: progress. */
  private static <A extends Message> void expectProgress(Feed<?, A, ?> feed, A message) {
    assertNull(feed.event().apply(message));
    assertEquals(7, feed.revision().applyAsLong(message));
  }

  @Test
  @DisplayName("the instance's feed tells of the instance and of all that is in it")
  void instance() {
    var feed = Feeds.of(WatchInstanceRequest.getDefaultInstance());
    var message = WatchInstanceResponse.newBuilder().setRevision(7).build();
    Application application = Application.newBuilder().setName("a").build();
    Deployment deployment = Deployment.newBuilder().setName("d").build();
    Replica replica = Replica.newBuilder().setName("r").build();
    Instance instance = Instance.newBuilder().setHttpAddress("here").build();
    expectProgress(feed, message);
    assertEquals(
        new Updated<>(7, "instance", instance),
        feed.event().apply(message.toBuilder().setInstance(instance).build()));
    assertEquals(
        new Updated<>(7, "a", application),
        feed.event().apply(message.toBuilder().setApplication(application).build()));
    assertEquals(
        new Updated<>(7, "d", deployment),
        feed.event().apply(message.toBuilder().setDeployment(deployment).build()));
    assertEquals(
        new Updated<>(7, "r", replica),
        feed.event().apply(message.toBuilder().setReplica(replica).build()));
    assertEquals(
        new Deleted<>(7, "a"), feed.event().apply(message.toBuilder().setDeleted("a").build()));
    assertEquals(new Synced<>(7), feed.event().apply(message.toBuilder().setSynced(true).build()));
  }

  @Test
  @DisplayName("so do those of applications, deployments and replicas of theirs")
  void others() {
    var applications = Feeds.of(WatchApplicationsRequest.getDefaultInstance());
    var application = WatchApplicationsResponse.newBuilder().setRevision(7);
    expectProgress(applications, application.build());
    assertEquals(
        new Updated<>(7, "a", Application.newBuilder().setName("a").build()),
        applications
            .event()
            .apply(application.setUpdated(Application.newBuilder().setName("a")).build()));
    assertEquals(
        new Deleted<>(7, "a"), applications.event().apply(application.setDeleted("a").build()));
    assertEquals(new Synced<>(7), applications.event().apply(application.setSynced(true).build()));

    var deployments = Feeds.of(WatchDeploymentsRequest.getDefaultInstance());
    var deployment = WatchDeploymentsResponse.newBuilder().setRevision(7);
    expectProgress(deployments, deployment.build());
    assertEquals(
        new Deleted<>(7, "d"), deployments.event().apply(deployment.setDeleted("d").build()));

    var replicas = Feeds.of(WatchReplicasRequest.getDefaultInstance());
    var replica = WatchReplicasResponse.newBuilder().setRevision(7);
    expectProgress(replicas, replica.build());
    assertEquals(
        new Updated<>(7, "r", Replica.newBuilder().setName("r").build()),
        replicas.event().apply(replica.setUpdated(Replica.newBuilder().setName("r")).build()));
    assertEquals(new Deleted<>(7, "r"), replicas.event().apply(replica.setDeleted("r").build()));
    assertEquals(new Synced<>(7), replicas.event().apply(replica.setSynced(true).build()));
  }

  @Test
  @DisplayName("a scaling decision has its deployment's name")
  void decisions() {
    var feed = Feeds.of(WatchScalingDecisionsRequest.getDefaultInstance());
    var message = WatchScalingDecisionsResponse.newBuilder().setRevision(7).build();
    ScalingDecision decision = ScalingDecision.newBuilder().setResult(3).build();
    expectProgress(feed, message);
    assertEquals(
        new Updated<>(7, "d", decision),
        feed.event().apply(message.toBuilder().setName("d").setDecision(decision).build()));
    assertEquals(
        new Deleted<>(7, "d"), feed.event().apply(message.toBuilder().setDeleted("d").build()));
    assertEquals(new Synced<>(7), feed.event().apply(message.toBuilder().setSynced(true).build()));
  }

  @Test
  @DisplayName("a request is resumed as it is, from another revision on")
  void resumed() {
    WatchReplicasRequest request =
        WatchReplicasRequest.newBuilder().setParent("p").setStartRevision(4).build();
    assertEquals(4, Feeds.of(request).startRevision());
    assertEquals(
        request.toBuilder().setStartRevision(9).build(), Feeds.of(request).resumed().apply(9));
  }

  @Test
  @DisplayName("a connection is dead after three times the silence that the request asks for")
  void silence() {
    WatchInstanceRequest request = WatchInstanceRequest.getDefaultInstance();
    assertEquals(60_000_000_000L, Feeds.of(request).silenceNanos());
    Duration half = Duration.newBuilder().setNanos(500_000_000).build();
    assertEquals(
        1_500_000_000L,
        Feeds.of(request.toBuilder().setProgressInterval(half).build()).silenceNanos());
  }
}
