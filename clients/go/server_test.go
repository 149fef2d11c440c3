package windlass

import (
	"context"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	windlassv1 "windlass/client/gen/windlass/v1"
)

// deploymentStream is what a server sends a watch by.
type deploymentStream = grpc.ServerStreamingServer[windlassv1.WatchDeploymentsResponse]

// server is a real gRPC server whose watches and calls are functions.
type server struct {
	windlassv1.UnimplementedDeploymentServiceServer
	watch func(attempt int, request *windlassv1.WatchDeploymentsRequest, stream deploymentStream) error
	call  func(ctx context.Context, attempt int) error

	mutex sync.Mutex
	took  taken
}

// taken is what a server was asked.
type taken struct {
	attempts int
	tokens   []string
	// Where watches began.
	starts []int64
}

// asked is what the server was asked until now.
func (s *server) asked() taken {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.took
}

func (s *server) count(ctx context.Context) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.took.attempts++
	sent, _ := metadata.FromIncomingContext(ctx)
	s.took.tokens = append(s.took.tokens, sent.Get("authorization")...)
	return s.took.attempts
}

func (s *server) WatchDeployments(request *windlassv1.WatchDeploymentsRequest, stream deploymentStream) error {
	attempt := s.count(stream.Context())
	s.mutex.Lock()
	s.took.starts = append(s.took.starts, request.GetStartRevision())
	s.mutex.Unlock()
	return s.watch(attempt, request, stream)
}

func (s *server) GetDeployment(
	ctx context.Context, _ *windlassv1.GetDeploymentRequest,
) (*windlassv1.GetDeploymentResponse, error) {
	return &windlassv1.GetDeploymentResponse{}, s.call(ctx, s.count(ctx))
}

func (s *server) ScaleDeployment(
	ctx context.Context, _ *windlassv1.ScaleDeploymentRequest,
) (*windlassv1.ScaleDeploymentResponse, error) {
	return &windlassv1.ScaleDeploymentResponse{}, s.call(ctx, s.count(ctx))
}

// start serves until the test ends, and makes a client.
func (s *server) start(t *testing.T, given ...Option) *Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serving := grpc.NewServer()
	windlassv1.RegisterDeploymentServiceServer(serving, s)
	go serving.Serve(listener)
	t.Cleanup(serving.Stop)
	address := WithAddress("http://" + listener.Addr().String())
	client, err := New(append([]Option{address, WithToken("a-token")}, given...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func updatedMessage(revision int64, name string) *windlassv1.WatchDeploymentsResponse {
	return &windlassv1.WatchDeploymentsResponse{
		Revision: revision,
		Event:    &windlassv1.WatchDeploymentsResponse_Updated{Updated: &windlassv1.Deployment{Name: name}},
	}
}

func deletedMessage(revision int64, name string) *windlassv1.WatchDeploymentsResponse {
	return &windlassv1.WatchDeploymentsResponse{
		Revision: revision, Event: &windlassv1.WatchDeploymentsResponse_Deleted{Deleted: name},
	}
}

func syncedMessage(revision int64) *windlassv1.WatchDeploymentsResponse {
	return &windlassv1.WatchDeploymentsResponse{
		Revision: revision, Event: &windlassv1.WatchDeploymentsResponse_Synced{Synced: true},
	}
}

func progressMessage(revision int64) *windlassv1.WatchDeploymentsResponse {
	return &windlassv1.WatchDeploymentsResponse{Revision: revision}
}

func send(stream deploymentStream, messages ...*windlassv1.WatchDeploymentsResponse) error {
	for _, message := range messages {
		if err := stream.Send(message); err != nil {
			return err
		}
	}
	return nil
}

// eventually asks again for up to 5 s.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%s did not come true; goroutines:\n%s", what, stacks[:runtime.Stack(stacks, true)])
		}
	}
}
