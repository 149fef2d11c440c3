package windlass

import (
	"context"
	"errors"
	"os"
	"sync"

	"google.golang.org/grpc"

	windlassv1 "windlass/client/gen/windlass/v1"
)

// ErrClosed is what a watch ends with when its client is closed.
var ErrClosed = errors.New("the client is closed")

// Client is a connection to a Windlass; goroutines may share it. Close it when it is no longer needed.
//
// Calls without side effects are tried again while the server is not available, within their deadline; others never.
type Client struct {
	// Applications reads, writes, deletes and rolls back applications.
	Applications windlassv1.ApplicationServiceClient
	// Deployments reads and scales deployments.
	Deployments windlassv1.DeploymentServiceClient
	// Instance is the instance as a whole.
	Instance windlassv1.InstanceServiceClient
	// Tokens are bearer tokens.
	Tokens windlassv1.TokenServiceClient

	options options
	connect func() (*grpc.ClientConn, error)
	// Done once the client is closed.
	open  context.Context
	close func() error
}

// New makes a client from the environment and what options say against it. Nothing is sent before the first call.
func New(given ...Option) (*Client, error) {
	o := newOptions(given)
	at, err := findTarget(o.address, o.token, os.Getenv)
	if err != nil {
		return nil, err
	}
	dialing, err := dialOptions(at, o)
	if err != nil {
		return nil, err
	}
	connect := func() (*grpc.ClientConn, error) { return dial(at, dialing) }
	conn, err := connect()
	if err != nil {
		return nil, err
	}
	open, end := context.WithCancelCause(context.Background())
	return &Client{
		Applications: windlassv1.NewApplicationServiceClient(conn),
		Deployments:  windlassv1.NewDeploymentServiceClient(conn),
		Instance:     windlassv1.NewInstanceServiceClient(conn),
		Tokens:       windlassv1.NewTokenServiceClient(conn),
		options:      o,
		connect:      connect,
		open:         open,
		close: sync.OnceValue(func() error {
			end(ErrClosed)
			return conn.Close()
		}),
	}, nil
}

// Close ends every call and watch. It may be called more than once.
func (c *Client) Close() error {
	return c.close()
}
