package windlass

import (
	"context"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	windlassv1 "windlass/client/gen/windlass/v1"
)

// WatchApplications tells the applications that the request names, and each change of them.
//
// It and the other watches connect again when the connection is cut or silent, waiting from 0.1 s to 5 s between
// attempts, without a gap or a repeat; a connection is silent after three times the request's progress_interval.
// Where the history to go on from is gone, Reset is told and the present state. A request with a start_revision
// begins with the changes after it, without Reset and Synced.
//
// The loop over it ends by break, or with an error: what trying again cannot mend (an unknown token, a missing
// permission, a request that breaks a rule), the cause of the context's end, or [ErrClosed]. It holds a connection
// until then, and no goroutine of its own. Each loop over the same sequence is a watch of its own.
func (c *Client) WatchApplications(
	ctx context.Context, request *windlassv1.WatchApplicationsRequest,
) iter.Seq2[Event[*windlassv1.Application], error] {
	open := func(conn *grpc.ClientConn) opening[*windlassv1.WatchApplicationsRequest, windlassv1.WatchApplicationsResponse] {
		return windlassv1.NewApplicationServiceClient(conn).WatchApplications
	}
	return watch(ctx, c, newFeed(request, open, readApplication))
}

// WatchDeployments tells the deployments of an application, or of all; else as [Client.WatchApplications].
func (c *Client) WatchDeployments(
	ctx context.Context, request *windlassv1.WatchDeploymentsRequest,
) iter.Seq2[Event[*windlassv1.Deployment], error] {
	open := func(conn *grpc.ClientConn) opening[*windlassv1.WatchDeploymentsRequest, windlassv1.WatchDeploymentsResponse] {
		return windlassv1.NewDeploymentServiceClient(conn).WatchDeployments
	}
	return watch(ctx, c, newFeed(request, open, readDeployment))
}

// WatchReplicas tells the replicas of a deployment, of an application, or all; else as [Client.WatchApplications].
func (c *Client) WatchReplicas(
	ctx context.Context, request *windlassv1.WatchReplicasRequest,
) iter.Seq2[Event[*windlassv1.Replica], error] {
	open := func(conn *grpc.ClientConn) opening[*windlassv1.WatchReplicasRequest, windlassv1.WatchReplicasResponse] {
		return windlassv1.NewDeploymentServiceClient(conn).WatchReplicas
	}
	return watch(ctx, c, newFeed(request, open, readReplica))
}

// WatchScalingDecisions tells what is decided about the deployments in scope: Name is the deployment's, Resource the
// decision, and Deleted says that nothing decides on it any more. Else as [Client.WatchApplications].
func (c *Client) WatchScalingDecisions(
	ctx context.Context, request *windlassv1.WatchScalingDecisionsRequest,
) iter.Seq2[Event[*windlassv1.ScalingDecision], error] {
	open := func(conn *grpc.ClientConn) opening[*windlassv1.WatchScalingDecisionsRequest, windlassv1.WatchScalingDecisionsResponse] {
		return windlassv1.NewDeploymentServiceClient(conn).WatchScalingDecisions
	}
	return watch(ctx, c, newFeed(request, open, readDecision))
}

// WatchInstance tells everything on one ordered feed; else as [Client.WatchApplications]. Resources are an
// *windlassv1.Instance, *windlassv1.Application, *windlassv1.Deployment or *windlassv1.Replica.
func (c *Client) WatchInstance(
	ctx context.Context, request *windlassv1.WatchInstanceRequest,
) iter.Seq2[Event[proto.Message], error] {
	open := func(conn *grpc.ClientConn) opening[*windlassv1.WatchInstanceRequest, windlassv1.WatchInstanceResponse] {
		return windlassv1.NewInstanceServiceClient(conn).WatchInstance
	}
	return watch(ctx, c, newFeed(request, open, readInstance))
}

func readInstance(message *windlassv1.WatchInstanceResponse) item[proto.Message] {
	told := item[proto.Message]{revision: message.GetRevision(), kind: Updated}
	switch event := message.GetEvent().(type) {
	case *windlassv1.WatchInstanceResponse_Instance:
		told.name, told.resource = "instance", event.Instance
	case *windlassv1.WatchInstanceResponse_Application:
		told.name, told.resource = event.Application.GetName(), event.Application
	case *windlassv1.WatchInstanceResponse_Deployment:
		told.name, told.resource = event.Deployment.GetName(), event.Deployment
	case *windlassv1.WatchInstanceResponse_Replica:
		told.name, told.resource = event.Replica.GetName(), event.Replica
	case *windlassv1.WatchInstanceResponse_Deleted:
		told.kind, told.name = Deleted, event.Deleted
	case *windlassv1.WatchInstanceResponse_Synced:
		told.kind = Synced
	default:
		told.kind = progress
	}
	return told
}

func readApplication(message *windlassv1.WatchApplicationsResponse) item[*windlassv1.Application] {
	return itemOf(message, message.GetUpdated(), message.GetDeleted(), message.GetSynced())
}

func readDeployment(message *windlassv1.WatchDeploymentsResponse) item[*windlassv1.Deployment] {
	return itemOf(message, message.GetUpdated(), message.GetDeleted(), message.GetSynced())
}

func readReplica(message *windlassv1.WatchReplicasResponse) item[*windlassv1.Replica] {
	return itemOf(message, message.GetUpdated(), message.GetDeleted(), message.GetSynced())
}

func readDecision(message *windlassv1.WatchScalingDecisionsResponse) item[*windlassv1.ScalingDecision] {
	told := item[*windlassv1.ScalingDecision]{revision: message.GetRevision()}
	switch {
	case message.GetDecision() != nil:
		told.kind, told.name, told.resource = Updated, message.GetName(), message.GetDecision()
	case message.GetDeleted() != "":
		told.kind, told.name = Deleted, message.GetDeleted()
	case message.GetSynced():
		told.kind = Synced
	}
	return told
}

// itemOf is for messages that are about one kind of resource.
func itemOf[T interface {
	comparable
	GetName() string
}](message interface{ GetRevision() int64 }, updated T, deleted string, synced bool) item[T] {
	var none T
	told := item[T]{revision: message.GetRevision()}
	switch {
	case updated != none:
		told.kind, told.name, told.resource = Updated, updated.GetName(), updated
	case deleted != "":
		told.kind, told.name = Deleted, deleted
	case synced:
		told.kind = Synced
	}
	return told
}
