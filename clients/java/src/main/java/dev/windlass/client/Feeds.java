package dev.windlass.client;

import com.google.protobuf.Message;
import dev.windlass.client.Event.Deleted;
import dev.windlass.client.Event.Synced;
import dev.windlass.client.Event.Updated;
import dev.windlass.v1.Application;
import dev.windlass.v1.ApplicationServiceGrpc;
import dev.windlass.v1.Deployment;
import dev.windlass.v1.DeploymentServiceGrpc;
import dev.windlass.v1.InstanceServiceGrpc;
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

/** The watches of the API, and how their messages become events. */
final class Feeds {
  private Feeds() {}

  static Feed<WatchInstanceRequest, WatchInstanceResponse, Message> of(
      WatchInstanceRequest request) {
    return new Feed<>(
        InstanceServiceGrpc.getWatchInstanceMethod(),
        request.getStartRevision(),
        revision -> request.toBuilder().setStartRevision(revision).build(),
        Feed.silenceNanos(request.hasProgressInterval(), request.getProgressInterval()),
        WatchInstanceResponse::getRevision,
        Feeds::event);
  }

  static Feed<WatchApplicationsRequest, WatchApplicationsResponse, Application> of(
      WatchApplicationsRequest request) {
    return new Feed<>(
        ApplicationServiceGrpc.getWatchApplicationsMethod(),
        request.getStartRevision(),
        revision -> request.toBuilder().setStartRevision(revision).build(),
        Feed.silenceNanos(request.hasProgressInterval(), request.getProgressInterval()),
        WatchApplicationsResponse::getRevision,
        Feeds::event);
  }

  static Feed<WatchDeploymentsRequest, WatchDeploymentsResponse, Deployment> of(
      WatchDeploymentsRequest request) {
    return new Feed<>(
        DeploymentServiceGrpc.getWatchDeploymentsMethod(),
        request.getStartRevision(),
        revision -> request.toBuilder().setStartRevision(revision).build(),
        Feed.silenceNanos(request.hasProgressInterval(), request.getProgressInterval()),
        WatchDeploymentsResponse::getRevision,
        Feeds::event);
  }

  static Feed<WatchReplicasRequest, WatchReplicasResponse, Replica> of(
      WatchReplicasRequest request) {
    return new Feed<>(
        DeploymentServiceGrpc.getWatchReplicasMethod(),
        request.getStartRevision(),
        revision -> request.toBuilder().setStartRevision(revision).build(),
        Feed.silenceNanos(request.hasProgressInterval(), request.getProgressInterval()),
        WatchReplicasResponse::getRevision,
        Feeds::event);
  }

  static Feed<WatchScalingDecisionsRequest, WatchScalingDecisionsResponse, ScalingDecision> of(
      WatchScalingDecisionsRequest request) {
    return new Feed<>(
        DeploymentServiceGrpc.getWatchScalingDecisionsMethod(),
        request.getStartRevision(),
        revision -> request.toBuilder().setStartRevision(revision).build(),
        Feed.silenceNanos(request.hasProgressInterval(), request.getProgressInterval()),
        WatchScalingDecisionsResponse::getRevision,
        Feeds::event);
  }

  private static Event<Message> event(WatchInstanceResponse message) {
    long revision = message.getRevision();
    return switch (message.getEventCase()) {
      case INSTANCE -> new Updated<>(revision, "instance", message.getInstance());
      case APPLICATION ->
          new Updated<>(revision, message.getApplication().getName(), message.getApplication());
      case DEPLOYMENT ->
          new Updated<>(revision, message.getDeployment().getName(), message.getDeployment());
      case REPLICA -> new Updated<>(revision, message.getReplica().getName(), message.getReplica());
      case DELETED -> new Deleted<>(revision, message.getDeleted());
      case SYNCED -> new Synced<>(revision);
      case EVENT_NOT_SET -> null;
    };
  }

  private static Event<Application> event(WatchApplicationsResponse message) {
    long revision = message.getRevision();
    return switch (message.getEventCase()) {
      case UPDATED -> new Updated<>(revision, message.getUpdated().getName(), message.getUpdated());
      case DELETED -> new Deleted<>(revision, message.getDeleted());
      case SYNCED -> new Synced<>(revision);
      case EVENT_NOT_SET -> null;
    };
  }

  private static Event<Deployment> event(WatchDeploymentsResponse message) {
    long revision = message.getRevision();
    return switch (message.getEventCase()) {
      case UPDATED -> new Updated<>(revision, message.getUpdated().getName(), message.getUpdated());
      case DELETED -> new Deleted<>(revision, message.getDeleted());
      case SYNCED -> new Synced<>(revision);
      case EVENT_NOT_SET -> null;
    };
  }

  private static Event<Replica> event(WatchReplicasResponse message) {
    long revision = message.getRevision();
    return switch (message.getEventCase()) {
      case UPDATED -> new Updated<>(revision, message.getUpdated().getName(), message.getUpdated());
      case DELETED -> new Deleted<>(revision, message.getDeleted());
      case SYNCED -> new Synced<>(revision);
      case EVENT_NOT_SET -> null;
    };
  }

  private static Event<ScalingDecision> event(WatchScalingDecisionsResponse message) {
    long revision = message.getRevision();
    if (message.hasDecision()) {
      return new Updated<>(revision, message.getName(), message.getDecision());
    }
    if (!message.getDeleted().isEmpty()) {
      return new Deleted<>(revision, message.getDeleted());
    }
    return message.getSynced() ? new Synced<>(revision) : null;
  }
}
