package windlass

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	windlassv1 "windlass/client/gen/windlass/v1"
)

func describe(event Event[*windlassv1.Deployment]) string {
	return fmt.Sprintf("%s %s@%d resume %d", event.Kind, event.Name, event.Revision, event.ResumeRevision)
}

// firsts are the first events of a watch; the loop is left then.
func firsts(t *testing.T, client *Client, count int, request *windlassv1.WatchDeploymentsRequest) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var got []string
	for event, err := range client.WatchDeployments(ctx, request) {
		if err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		got = append(got, describe(event))
		if event.Kind == Updated && event.Resource.GetName() != event.Name {
			t.Errorf("%s is about %s", got[len(got)-1], event.Resource.GetName())
		}
		if len(got) == count {
			break
		}
	}
	return got
}

func wantEvents(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// hold keeps a stream open until its client leaves.
func hold(stream deploymentStream) error {
	<-stream.Context().Done()
	return stream.Context().Err()
}

func TestWatchGoesOnWhereItWasCut(t *testing.T) {
	s := &server{watch: func(attempt int, _ *windlassv1.WatchDeploymentsRequest, stream deploymentStream) error {
		switch attempt {
		case 1:
			err := send(stream, updatedMessage(1, "a"), syncedMessage(2), deletedMessage(3, "a"), updatedMessage(4, "b"))
			return errors.Join(err, status.Error(codes.Unavailable, "cut"))
		case 2:
			// An end without an error is a cut, too.
			return send(stream, progressMessage(3), updatedMessage(4, "b"), updatedMessage(4, "c"), progressMessage(4))
		default:
			return errors.Join(send(stream, progressMessage(4), updatedMessage(5, "b")), hold(stream))
		}
	}}
	client := s.start(t)
	request := &windlassv1.WatchDeploymentsRequest{Parent: "applications/a"}
	wantEvents(t, firsts(t, client, 7, request),
		"Reset @1 resume 0", "Updated a@1 resume 0", "Synced @2 resume 2", "Deleted a@3 resume 2", "Updated b@4 resume 3",
		"Updated c@4 resume 3", "Updated b@5 resume 4")
	asked := s.asked()
	if !slices.Equal(asked.starts, []int64{0, 3, 4}) || request.GetStartRevision() != 0 {
		t.Errorf("began at %v, the request has %d", asked.starts, request.GetStartRevision())
	}
	if want := []string{"Bearer a-token", "Bearer a-token", "Bearer a-token"}; !slices.Equal(asked.tokens, want) {
		t.Errorf("tokens %q", asked.tokens)
	}
}

func TestWatchBeginsAnewWhereHistoryIsGone(t *testing.T) {
	s := &server{watch: func(attempt int, request *windlassv1.WatchDeploymentsRequest, stream deploymentStream) error {
		if request.GetStartRevision() != 0 {
			return status.Error(codes.OutOfRange, "gone")
		}
		return errors.Join(send(stream, updatedMessage(90, "a"), syncedMessage(91)), hold(stream))
	}}
	got := firsts(t, s.start(t), 3, &windlassv1.WatchDeploymentsRequest{StartRevision: 7})
	wantEvents(t, got, "Reset @90 resume 0", "Updated a@90 resume 0", "Synced @91 resume 91")
	if starts := s.asked().starts; !slices.Equal(starts, []int64{7, 0}) {
		t.Errorf("began at %v", starts)
	}
}

func TestWatchGivesUpOnWhatTryingAgainCannotMend(t *testing.T) {
	for code := range final {
		t.Run(code.String(), func(t *testing.T) {
			s := &server{watch: func(int, *windlassv1.WatchDeploymentsRequest, deploymentStream) error {
				return status.Error(code, "no")
			}}
			for event, err := range s.start(t).WatchDeployments(t.Context(), nil) {
				if status.Code(err) != code {
					t.Errorf("got %v %v", event, err)
				}
			}
			if attempts := s.asked().attempts; attempts != 1 {
				t.Errorf("tried %d times", attempts)
			}
		})
	}
}

func TestWatchTriesAgainOnAnythingElse(t *testing.T) {
	failures := []codes.Code{
		codes.Unavailable, codes.Internal, codes.Unknown, codes.ResourceExhausted, codes.Canceled, codes.DeadlineExceeded,
	}
	s := &server{watch: func(attempt int, _ *windlassv1.WatchDeploymentsRequest, stream deploymentStream) error {
		if attempt <= len(failures) {
			// A message in between: the back-off begins anew.
			return errors.Join(send(stream, progressMessage(1)), status.Error(failures[attempt-1], "try again"))
		}
		return errors.Join(send(stream, syncedMessage(1)), hold(stream))
	}}
	wantEvents(t, firsts(t, s.start(t), 2, nil), "Reset @1 resume 0", "Synced @1 resume 1")
}

func TestWatchNoticesSilence(t *testing.T) {
	s := &server{watch: func(attempt int, request *windlassv1.WatchDeploymentsRequest, stream deploymentStream) error {
		if request.GetProgressInterval().AsDuration() != 100*time.Millisecond {
			return status.Error(codes.InvalidArgument, request.String())
		}
		if attempt == 1 {
			return errors.Join(send(stream, syncedMessage(1)), hold(stream))
		}
		return errors.Join(send(stream, progressMessage(1), updatedMessage(2, "a")), hold(stream))
	}}
	request := &windlassv1.WatchDeploymentsRequest{ProgressInterval: durationpb.New(100 * time.Millisecond)}
	wantEvents(t, firsts(t, s.start(t), 3, request), "Reset @1 resume 0", "Synced @1 resume 1", "Updated a@2 resume 1")
}

func TestWatchDoesNotTakeASlowReaderForSilence(t *testing.T) {
	s := &server{watch: func(attempt int, _ *windlassv1.WatchDeploymentsRequest, stream deploymentStream) error {
		return errors.Join(send(stream, syncedMessage(1), updatedMessage(2, "a")), hold(stream))
	}}
	request := &windlassv1.WatchDeploymentsRequest{ProgressInterval: durationpb.New(100 * time.Millisecond)}
	for event, err := range s.start(t).WatchDeployments(t.Context(), request) {
		if err != nil {
			t.Fatal(err)
		}
		if event.Kind == Updated {
			break
		}
		// Longer than the three intervals.
		time.Sleep(400 * time.Millisecond)
	}
	if attempts := s.asked().attempts; attempts != 1 {
		t.Errorf("connected %d times", attempts)
	}
}

func TestWatchEnds(t *testing.T) {
	cause := errors.New("enough")
	for _, c := range []struct {
		name string
		// end is called in the loop.
		end  func(client *Client, cancel context.CancelCauseFunc)
		want error
	}{
		{"when its context is cancelled", func(_ *Client, cancel context.CancelCauseFunc) { cancel(nil) }, context.Canceled},
		{"with the cause of that", func(_ *Client, cancel context.CancelCauseFunc) { cancel(cause) }, cause},
		{"when the client is closed", func(client *Client, _ context.CancelCauseFunc) { client.Close() }, ErrClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			left := make(chan struct{})
			s := &server{watch: func(_ int, _ *windlassv1.WatchDeploymentsRequest, stream deploymentStream) error {
				defer close(left)
				return errors.Join(send(stream, syncedMessage(1)), hold(stream))
			}}
			client := s.start(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var last error
			for event, err := range client.WatchDeployments(ctx, nil) {
				last = err
				if event.Kind == Synced {
					// While the loop waits for more.
					go c.end(client, cancel)
				}
			}
			if last != c.want {
				t.Errorf("got %v, want %v", last, c.want)
			}
			<-left
		})
	}
}

func TestWatchEndsWhileItWaitsToTryAgain(t *testing.T) {
	s := &server{watch: func(int, *windlassv1.WatchDeploymentsRequest, deploymentStream) error {
		return status.Error(codes.Unavailable, "not now")
	}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var logged strings.Builder
	client := s.start(t, WithLogger(slog.New(slog.NewTextHandler(&logged, nil))))
	for event, err := range client.WatchDeployments(ctx, nil) {
		// What stood in the way is told, too.
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "not now") {
			t.Errorf("got %v %v", event, err)
		}
	}
	// 0.1 s, 0.2 s, 0.4 s, 0.8 s, of each a half at least.
	attempts := s.asked().attempts
	if attempts < 2 || attempts > 5 {
		t.Errorf("tried %d times", attempts)
	}
	if told := strings.Count(logged.String(), "the watch was cut; trying again"); told < 1 || told > attempts {
		t.Errorf("logged %s", logged.String())
	}
}

func TestWatchLeavesNoGoroutines(t *testing.T) {
	s := &server{watch: func(attempt int, _ *windlassv1.WatchDeploymentsRequest, stream deploymentStream) error {
		if attempt%2 == 1 {
			return errors.Join(send(stream, syncedMessage(1)), status.Error(codes.Unavailable, "cut"))
		}
		return errors.Join(send(stream, progressMessage(1), updatedMessage(2, "a")), hold(stream))
	}}
	client := s.start(t)
	before := runtime.NumGoroutine()
	for range 3 {
		wantEvents(t, firsts(t, client, 3, nil), "Reset @1 resume 0", "Synced @1 resume 1", "Updated a@2 resume 1")
	}
	eventually(t, "an end of all goroutines", func() bool { return runtime.NumGoroutine() <= before })
}

func TestWatchMayBeLoopedOverTwiceAtOnce(t *testing.T) {
	s := &server{watch: func(attempt int, _ *windlassv1.WatchDeploymentsRequest, stream deploymentStream) error {
		return errors.Join(send(stream, syncedMessage(int64(attempt))), hold(stream))
	}}
	events := s.start(t).WatchDeployments(t.Context(), nil)
	for outer, err := range events {
		if err != nil || outer.Kind != Reset || outer.Revision != 1 {
			t.Fatal(outer, err)
		}
		for inner, err := range events {
			if err != nil || inner.Kind != Reset || inner.Revision != 2 {
				t.Fatal(inner, err)
			}
			break
		}
		break
	}
}

func TestBackoffGrowsFromATenthOfASecondToFive(t *testing.T) {
	for _, c := range []struct {
		failures    int
		least, most time.Duration
	}{
		{1, 50 * time.Millisecond, 100 * time.Millisecond},
		{2, 100 * time.Millisecond, 200 * time.Millisecond},
		{6, 1600 * time.Millisecond, 3200 * time.Millisecond},
		{7, 2500 * time.Millisecond, 5 * time.Second},
		{math.MaxInt, 2500 * time.Millisecond, 5 * time.Second},
	} {
		least, most := backoffAfter(c.failures, 0), backoffAfter(c.failures, 1)
		if least != c.least || most != c.most {
			t.Errorf("after %d: %s to %s, want %s to %s", c.failures, least, most, c.least, c.most)
		}
	}
}
