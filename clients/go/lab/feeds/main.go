// Prints what every watch of the API tells first, and what Connect answers over HTTP/1.1.
package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	windlass "windlass/client"
	windlassv1 "windlass/client/gen/windlass/v1"
	"windlass/client/gen/windlass/v1/windlassv1connect"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client, err := windlass.New()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	err = errors.Join(
		show("instance", client.WatchInstance(ctx, &windlassv1.WatchInstanceRequest{})),
		show("applications", client.WatchApplications(ctx, nil)),
		show("deployments", client.WatchDeployments(ctx, &windlassv1.WatchDeploymentsRequest{Parent: "applications/-"})),
		show("replicas", client.WatchReplicas(ctx, &windlassv1.WatchReplicasRequest{
			Parent: "applications/-/deployments/-",
		})),
		show("decisions", client.WatchScalingDecisions(ctx, &windlassv1.WatchScalingDecisionsRequest{
			Name: "applications/-",
		})),
		overHTTP(ctx),
	)
	if err != nil {
		log.Fatal(err)
	}
}

func show[T any](watch string, events iter.Seq2[windlass.Event[T], error]) error {
	updated, synced := false, false
	for event, err := range events {
		if err != nil {
			return fmt.Errorf("%s: %w", watch, err)
		}
		fmt.Println(watch, event.Kind, event.Name)
		updated = updated || event.Kind == windlass.Updated
		synced = synced || event.Kind == windlass.Synced
		// A first decision may be yet to come when the watch begins.
		if updated && synced {
			break
		}
	}
	return nil
}

func overHTTP(ctx context.Context) error {
	client, url, err := windlass.NewHTTPClient()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	deployments := windlassv1connect.NewDeploymentServiceClient(client, url)
	_, err = deployments.ScaleDeployment(ctx, connect.NewRequest(&windlassv1.ScaleDeploymentRequest{
		Name: windlass.DeploymentName("nope", "Echo"), TargetNumReplicas: proto.Uint32(1),
	}))
	fmt.Println("http refused", windlass.ReasonOf(err), connect.CodeOf(err))
	watch, err := windlassv1connect.NewApplicationServiceClient(client, url).
		WatchApplications(ctx, connect.NewRequest(&windlassv1.WatchApplicationsRequest{}))
	if err != nil {
		return err
	}
	defer watch.Close()
	for watch.Receive() {
		if watch.Msg().GetSynced() {
			fmt.Println("http Synced")
			return nil
		}
		fmt.Println("http", watch.Msg().GetUpdated().GetName())
	}
	return watch.Err()
}
