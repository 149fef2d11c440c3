package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"os"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	windlass "windlass/client"
	configv1 "windlass/client/gen/windlass/config/v1"
	windlassv1 "windlass/client/gen/windlass/v1"
)

// What the lab answers, as far as cases look at it.
type answer struct {
	First, Last, Watchers int
}

// ask asks the lab for trouble.
func ask(method, path string) (answer, error) {
	var got answer
	request, err := http.NewRequest(method, os.Getenv("WINDLASS_LAB")+path, nil)
	if err != nil {
		return got, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return got, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return got, fmt.Errorf("the lab answers %s %s with %s", method, path, response.Status)
	}
	return got, json.NewDecoder(response.Body).Decode(&got)
}

// post asks for several things in order.
func post(paths ...string) error {
	for _, path := range paths {
		if _, err := ask(http.MethodPost, path); err != nil {
			return err
		}
	}
	return nil
}

func update() *windlassv1.UpdateApplicationRequest {
	return &windlassv1.UpdateApplicationRequest{
		Name: name,
		Config: &configv1.ApplicationConfig{
			ImportPath:            "./app.ts:app",
			RoutePrefix:           proto.String("/client-go"),
			ExternalScalerEnabled: proto.Bool(true),
			Deployments: []*configv1.DeploymentConfig{
				{Name: "Echo", NumReplicas: structpb.NewNumberValue(1)},
			},
		},
		AllowMissing: true,
		BaseDir:      os.Getenv("WINDLASS_LAB_DIR"),
	}
}

func expect(what bool, format string, args ...any) error {
	if what {
		return nil
	}
	return fmt.Errorf(format, args...)
}

func refused(err error, code codes.Code, reason string) error {
	got := status.Code(err)
	return expect(got == code && windlass.ReasonOf(err) == reason, "got %s %q: %v", got, windlass.ReasonOf(err), err)
}

// until asks again for up to 5 s.
func until(done func() (bool, error), why string) error {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if ok, err := done(); ok || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New(why)
		}
	}
}

// story is what a watch of feed's deployments told.
type story struct {
	reasons  []string
	kinds    []windlass.Kind
	revision int64
}

func (s *story) take(event event) error {
	s.kinds = append(s.kinds, event.Kind)
	if event.Kind != windlass.Reset && event.Revision < s.revision {
		return fmt.Errorf("revision %d came after %d", event.Revision, s.revision)
	}
	s.revision = event.Revision
	switch event.Kind {
	case windlass.Updated:
		if event.Name != feedName || event.Resource.GetName() != feedName {
			return fmt.Errorf("an event about %s", event.Name)
		}
		reason := event.Resource.GetTargetReason()
		if len(s.reasons) == 0 || s.reasons[len(s.reasons)-1] != reason {
			s.reasons = append(s.reasons, reason)
		}
	case windlass.Deleted:
		return errors.New("nothing was deleted")
	}
	return nil
}

func (s *story) has(write int) bool {
	return len(s.reasons) > 0 && s.reasons[len(s.reasons)-1] == fmt.Sprintf("write %d", write)
}

func (s *story) resets() int {
	return len(slices.DeleteFunc(slices.Clone(s.kinds), func(kind windlass.Kind) bool { return kind != windlass.Reset }))
}

// expectWrites wants each write once, in order, after whatever was before them.
func (s *story) expectWrites(first, last int) error {
	var wanted []string
	for write := first; write <= last; write++ {
		wanted = append(wanted, fmt.Sprintf("write %d", write))
	}
	got := s.reasons[max(0, len(s.reasons)-len(wanted)):]
	if !slices.Equal(got, wanted) {
		return fmt.Errorf("got %q, wanted %q", got, wanted)
	}
	return expect(len(s.reasons) <= len(wanted)+1, "repeats: %q", s.reasons)
}

// present is what every watch of feed's deployments begins with.
var present = []windlass.Kind{windlass.Reset, windlass.Updated, windlass.Synced}

type event = windlass.Event[*windlassv1.Deployment]

// reader reads a watch event by event.
type reader struct {
	next func() (event, error, bool)
	stop func()
}

func read(events iter.Seq2[event, error]) reader {
	next, stop := iter.Pull2(events)
	return reader{next, stop}
}

// until reads on until an event that is looked for.
func (r reader) until(told *story, found func(event) bool) error {
	for {
		event, err, ok := r.next()
		if err != nil {
			return err
		}
		if !ok {
			return errors.New("the watch ended")
		}
		if err := told.take(event); err != nil {
			return err
		}
		if found(event) {
			return nil
		}
	}
}

func isSynced(told event) bool { return told.Kind == windlass.Synced }

func watchFeed(ctx context.Context, client *windlass.Client) reader {
	return read(client.WatchDeployments(ctx, &windlassv1.WatchDeploymentsRequest{Parent: "applications/feed"}))
}

// closeIdle ends the connections to the lab.
func closeIdle() { http.DefaultClient.CloseIdleConnections() }
