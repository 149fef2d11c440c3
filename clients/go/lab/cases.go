package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	windlass "windlass/client"
	windlassv1 "windlass/client/gen/windlass/v1"
)

var ctx = context.Background()

var cases = []struct {
	name string
	run  func(*windlass.Client) error
}{
	{"takes address and token from the environment", fromEnvironment},
	{"deploys an application and waits until it runs", deploys},
	{"reads applications, deployments and replicas", reads},
	{"scales with the scaler token of the application", scales},
	{"tells UNAUTHENTICATED of an unknown token", unauthenticated},
	{"tells PERMISSION_DENIED of a scaler that deploys", permissionDenied},
	{"tells NOT_FOUND of an application that is not there", notFound},
	{"tells INVALID_CONFIG with each violation", invalidConfig},
	{"tells EXTERNAL_SCALER_DISABLED", scalerDisabled},
	{"tells STALE_ETAG", staleEtag},
	{"tells HISTORY_COMPACTED of a watch from long ago", historyCompacted},
	{"ends a call at its deadline", deadline},
	{"tries a safe call again", safeAgain},
	{"does not try a write again", writeOnce},
	{"watches what is, synced, then each change", watches},
	{"watches on over cuts without a gap or a repeat", overCuts},
	{"begins anew with the present state where history is gone", beginsAnew},
	{"notices a half-open connection", halfOpen},
	{"leaves a watch cleanly", leaves},
	{"deletes the application", deletes},
}

func fromEnvironment(client *windlass.Client) error {
	answer, err := client.Instance.GetInstance(ctx, &windlassv1.GetInstanceRequest{})
	if err != nil {
		return err
	}
	state := answer.GetInstance().GetState()
	if state != windlassv1.Instance_STATE_RUNNING {
		return errors.New(state.String())
	}
	stranger, err := windlass.New(windlass.WithAddress(os.Getenv("WINDLASS_ADDRESS")), windlass.WithToken(""))
	if err != nil {
		return err
	}
	defer stranger.Close()
	_, err = stranger.Instance.GetInstance(ctx, &windlassv1.GetInstanceRequest{})
	return refused(err, codes.Unauthenticated, "UNAUTHENTICATED")
}

func deploys(client *windlass.Client) error {
	answer, err := client.Applications.UpdateApplication(ctx, update())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	running, err := client.WaitUntilRunning(ctx, application)
	if err != nil {
		return err
	}
	runs := running.GetState() == windlassv1.Application_STATE_RUNNING && running.GetExternalScalerEnabled()
	return expect(answer.GetRevision() > 0 && runs, "%v %v", answer, running)
}

func reads(client *windlass.Client) error {
	got, err := client.Applications.GetApplication(ctx, &windlassv1.GetApplicationRequest{Name: name})
	if err != nil {
		return err
	}
	listed, err := client.Applications.ListApplications(ctx, &windlassv1.ListApplicationsRequest{})
	if err != nil {
		return err
	}
	var names []string
	for _, each := range listed.GetApplications() {
		names = append(names, each.GetName())
	}
	all := slices.Equal(names, []string{name, "applications/feed", "applications/plain"})
	if !slices.Equal(got.GetApplication().GetDeployments(), []string{"Echo"}) || !all {
		return expect(false, "%v %v", got, names)
	}
	deployments, err := client.Deployments.ListDeployments(ctx, &windlassv1.ListDeploymentsRequest{Parent: name})
	if err != nil {
		return err
	}
	if found := deployments.GetDeployments(); len(found) != 1 || found[0].GetTargetNumReplicas() != 1 {
		return expect(false, "%v", found)
	}
	var states []windlassv1.Replica_State
	for event, err := range client.WatchReplicas(ctx, &windlassv1.WatchReplicasRequest{Parent: echoName}) {
		if err != nil {
			return err
		}
		if event.Kind == windlass.Updated {
			states = append(states, event.Resource.GetState())
		}
		if event.Kind == windlass.Synced {
			break
		}
	}
	return expect(slices.Equal(states, []windlassv1.Replica_State{windlassv1.Replica_STATE_RUNNING}), "%v", states)
}

// scaler is a client with the scaler token of the application.
func scaler(client *windlass.Client) (*windlass.Client, error) {
	token, err := client.Tokens.GetApplicationToken(ctx, &windlassv1.GetApplicationTokenRequest{Name: name})
	if err != nil {
		return nil, err
	}
	return windlass.New(windlass.WithToken(token.GetSecret()))
}

func scales(client *windlass.Client) error {
	second, err := scaler(client)
	if err != nil {
		return err
	}
	defer second.Close()
	answer, err := second.Deployments.ScaleDeployment(ctx, &windlassv1.ScaleDeploymentRequest{
		Name: echoName, TargetNumReplicas: proto.Uint32(2), Reason: "a test",
	})
	if err != nil {
		return err
	}
	targets := answer.GetPreviousTargetNumReplicas() == 1 && answer.GetEffectiveTargetNumReplicas() == 2
	return expect(targets && answer.GetDeployment().GetTargetReason() == "a test", "%v", answer)
}

func unauthenticated(*windlass.Client) error {
	stranger, err := windlass.New(windlass.WithToken("nobody"))
	if err != nil {
		return err
	}
	defer stranger.Close()
	_, err = stranger.Instance.GetInstance(ctx, &windlassv1.GetInstanceRequest{})
	if err := refused(err, codes.Unauthenticated, "UNAUTHENTICATED"); err != nil {
		return err
	}
	// A watch gives up at once.
	for event, err := range stranger.WatchInstance(ctx, &windlassv1.WatchInstanceRequest{}) {
		if err == nil {
			return expect(false, "was told %v", event)
		}
		return refused(err, codes.Unauthenticated, "UNAUTHENTICATED")
	}
	return errors.New("the watch ended without an error")
}

func permissionDenied(client *windlass.Client) error {
	second, err := scaler(client)
	if err != nil {
		return err
	}
	defer second.Close()
	_, err = second.Applications.UpdateApplication(ctx, update())
	return refused(err, codes.PermissionDenied, "PERMISSION_DENIED")
}

func notFound(client *windlass.Client) error {
	_, err := client.Applications.GetApplication(ctx, &windlassv1.GetApplicationRequest{Name: "applications/nope"})
	if err := refused(err, codes.NotFound, "NOT_FOUND"); err != nil {
		return err
	}
	return expect(strings.Contains(err.Error(), "nope"), "%v", err)
}

func invalidConfig(client *windlass.Client) error {
	request := update()
	echo := request.GetConfig().GetDeployments()[0]
	echo.MaxOngoingRequests = proto.Uint32(0)
	echo.GracefulShutdownTimeoutS = proto.Float64(-1)
	_, err := client.Applications.UpdateApplication(ctx, request)
	if err := refused(err, codes.InvalidArgument, "INVALID_CONFIG"); err != nil {
		return err
	}
	var fields []string
	for _, each := range windlass.ViolationsOf(err) {
		fields = append(fields, each.Field[strings.LastIndex(each.Field, ".")+1:])
		if each.Description == "" {
			return expect(false, "%s says nothing", each.Field)
		}
	}
	slices.Sort(fields)
	return expect(slices.Equal(fields, []string{"graceful_shutdown_timeout_s", "max_ongoing_requests"}), "%q", fields)
}

func scalerDisabled(client *windlass.Client) error {
	request := &windlassv1.ScaleDeploymentRequest{Name: stillName, TargetNumReplicas: proto.Uint32(2)}
	_, err := client.Deployments.ScaleDeployment(ctx, request)
	return refused(err, codes.FailedPrecondition, "EXTERNAL_SCALER_DISABLED")
}

func staleEtag(client *windlass.Client) error {
	request := &windlassv1.ScaleDeploymentRequest{Name: feedName, TargetNumReplicas: proto.Uint32(2), Etag: "nope"}
	_, err := client.Deployments.ScaleDeployment(ctx, request)
	return refused(err, codes.Aborted, "STALE_ETAG")
}

func historyCompacted(client *windlass.Client) error {
	if err := post("/compact"); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request := &windlassv1.WatchDeploymentsRequest{Parent: "applications/feed", StartRevision: 1}
	stream, err := client.Deployments.WatchDeployments(ctx, request)
	if err == nil {
		_, err = stream.Recv()
	}
	return refused(err, codes.OutOfRange, "HISTORY_COMPACTED")
}

func getFeed(ctx context.Context, client *windlass.Client) error {
	_, err := client.Applications.GetApplication(ctx, &windlassv1.GetApplicationRequest{Name: "applications/feed"})
	return err
}

func deadline(client *windlass.Client) error {
	if err := post("/admit?how=hang", "/cut"); err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	began := time.Now()
	late := refused(getFeed(short, client), codes.DeadlineExceeded, "")
	took := time.Since(began)
	if err := post("/admit?how=forward"); err != nil {
		return err
	}
	if late != nil {
		return late
	}
	if took > 5*time.Second {
		return expect(false, "it took %s", took)
	}
	return getFeed(ctx, client)
}

func safeAgain(client *windlass.Client) error {
	if err := getFeed(ctx, client); err != nil {
		return err
	}
	if err := post("/cut", "/fail-next?count=1"); err != nil {
		return err
	}
	return getFeed(ctx, client)
}

func writeOnce(client *windlass.Client) error {
	before, err := client.Tokens.ListTokens(ctx, &windlassv1.ListTokensRequest{})
	if err != nil {
		return err
	}
	if err := post("/admit?how=refuse", "/cut"); err != nil {
		return err
	}
	_, err = client.Tokens.CreateToken(ctx, &windlassv1.CreateTokenRequest{Role: windlassv1.Role_ROLE_VIEWER})
	gone := refused(err, codes.Unavailable, "")
	if err := post("/admit?how=forward"); err != nil {
		return err
	}
	if gone != nil {
		return gone
	}
	after, err := client.Tokens.ListTokens(ctx, &windlassv1.ListTokensRequest{})
	if err != nil {
		return err
	}
	return expect(proto.Equal(before, after), "before %v, after %v", before, after)
}

func watches(client *windlass.Client) error {
	var told story
	events := watchFeed(ctx, client)
	defer events.stop()
	if err := events.until(&told, isSynced); err != nil {
		return err
	}
	if !slices.Equal(told.kinds, present) {
		return expect(false, "%v", told.kinds)
	}
	written, err := ask(http.MethodPost, "/write?count=3")
	if err != nil {
		return err
	}
	if err := events.until(&told, func(event) bool { return told.has(written.Last) }); err != nil {
		return err
	}
	return told.expectWrites(written.First, written.Last)
}

func overCuts(client *windlass.Client) error {
	var told story
	var written answer
	var writeErr, cutErr error
	var both sync.WaitGroup
	events := watchFeed(ctx, client)
	defer events.stop()
	if err := events.until(&told, isSynced); err != nil {
		return err
	}
	both.Add(2)
	go func() {
		defer both.Done()
		written, writeErr = ask(http.MethodPost, "/write?count=60&pause_ms=20")
	}()
	go func() {
		defer both.Done()
		for range 3 {
			time.Sleep(400 * time.Millisecond)
			cutErr = errors.Join(cutErr, post("/cut"))
		}
	}()
	err := events.until(&told, func(event) bool { return len(told.reasons) > 60 })
	both.Wait()
	if err := errors.Join(err, writeErr, cutErr, told.expectWrites(written.First, written.Last)); err != nil {
		return err
	}
	return expect(told.resets() == 1, "%v", told.kinds)
}

func beginsAnew(client *windlass.Client) error {
	var told, anew, after story
	events := watchFeed(ctx, client)
	defer events.stop()
	if err := events.until(&told, isSynced); err != nil {
		return err
	}
	if err := post("/admit?how=refuse", "/cut", "/compact", "/admit?how=forward"); err != nil {
		return err
	}
	if err := events.until(&anew, isSynced); err != nil {
		return err
	}
	if !slices.Equal(anew.kinds, present) {
		return expect(false, "%v", anew.kinds)
	}
	written, err := ask(http.MethodPost, "/write?count=1")
	if err != nil {
		return err
	}
	if err := events.until(&after, func(event) bool { return true }); err != nil {
		return err
	}
	return expect(after.has(written.Last), "%v", after)
}

func halfOpen(client *windlass.Client) error {
	var told story
	events := read(client.WatchDeployments(ctx, &windlassv1.WatchDeploymentsRequest{
		Parent: "applications/feed", ProgressInterval: durationpb.New(300 * time.Millisecond),
	}))
	defer events.stop()
	if err := events.until(&told, isSynced); err != nil {
		return err
	}
	if err := post("/freeze"); err != nil {
		return err
	}
	began := time.Now()
	written, err := ask(http.MethodPost, "/write?count=1")
	if err != nil {
		return err
	}
	if err := events.until(&told, func(event) bool { return told.has(written.Last) }); err != nil {
		return err
	}
	if took := time.Since(began); took > 10*time.Second {
		return expect(false, "it took %s", took)
	}
	if err := expect(told.resets() == 1, "%v", told.kinds); err != nil {
		return err
	}
	// The connection of the other calls was frozen too.
	return post("/cut")
}

func leaves(client *windlass.Client) error {
	// Those of the cases before may have ended just now.
	if err := until(nobodyWatches, "watches of other cases are left"); err != nil {
		return err
	}
	goroutines := runtime.NumGoroutine()
	leaving, cancel := context.WithCancel(ctx)
	defer cancel()
	request := &windlassv1.WatchDeploymentsRequest{Parent: "applications/feed"}
	for event, err := range client.WatchDeployments(leaving, request) {
		if errors.Is(err, context.Canceled) {
			break
		}
		if err != nil {
			return err
		}
		if event.Kind == windlass.Synced {
			now, err := ask(http.MethodGet, "/state")
			if err != nil {
				return err
			}
			if now.Watchers != 1 {
				return expect(false, "%d watch", now.Watchers)
			}
			// While the loop waits for more.
			time.AfterFunc(200*time.Millisecond, cancel)
		}
	}
	// By leaving the loop.
	for _, err := range client.WatchDeployments(ctx, request) {
		if err != nil {
			return err
		}
		break
	}
	if err := until(nobodyWatches, "still watched"); err != nil {
		return err
	}
	return until(func() (bool, error) { return runtime.NumGoroutine() <= goroutines, nil }, "goroutines are left")
}

func nobodyWatches() (bool, error) {
	now, err := ask(http.MethodGet, "/state")
	return now.Watchers == 0, err
}

func deletes(client *windlass.Client) error {
	_, err := client.Applications.DeleteApplication(ctx, &windlassv1.DeleteApplicationRequest{Name: name})
	if err != nil {
		return err
	}
	there, synced := true, false
	for event, err := range client.WatchApplications(ctx, &windlassv1.WatchApplicationsRequest{Names: []string{name}}) {
		if err != nil {
			return err
		}
		switch event.Kind {
		case windlass.Synced:
			synced = true
		default:
			there = event.Kind == windlass.Updated
		}
		if synced && !there {
			break
		}
	}
	_, err = client.Applications.GetApplication(ctx, &windlassv1.GetApplicationRequest{Name: name})
	return refused(err, codes.NotFound, "NOT_FOUND")
}
