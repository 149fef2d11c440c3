package windlass

import (
	"crypto/tls"
	"log/slog"
	"time"

	"google.golang.org/grpc"
)

// DefaultTimeout is the deadline of a call whose context has none.
const DefaultTimeout = 10 * time.Second

// Option changes what [New] makes.
type Option func(*options)

type options struct {
	address *string
	token   *string
	timeout time.Duration
	tls     *tls.Config
	logger  *slog.Logger
	dial    []grpc.DialOption
}

func newOptions(given []Option) options {
	made := options{timeout: DefaultTimeout, logger: slog.New(slog.DiscardHandler)}
	for _, option := range given {
		option(&made)
	}
	return made
}

// WithAddress calls http://host:port, or https://host:port by TLS. Default: $WINDLASS_ADDRESS, else [DefaultAddress].
func WithAddress(address string) Option {
	return func(o *options) { o.address = &address }
}

// WithToken sends this bearer token, or none where it is empty. Default: $WINDLASS_TOKEN, else, on a loopback address,
// the admin's token in the state dir of this machine's Windlass.
func WithToken(token string) Option {
	return func(o *options) { o.token = &token }
}

// WithTimeout gives calls whose context has no deadline this one; 0 gives them none. Default: [DefaultTimeout].
// Watches have no deadline but their context's.
func WithTimeout(timeout time.Duration) Option {
	return func(o *options) { o.timeout = timeout }
}

// WithTLSConfig sets how https:// is spoken: a CA of one's own, a certificate to show.
func WithTLSConfig(config *tls.Config) Option {
	return func(o *options) { o.tls = config }
}

// WithLogger tells it of each cut and each new attempt of a watch, at level Info. Default: nothing is logged.
func WithLogger(logger *slog.Logger) Option {
	return func(o *options) { o.logger = logger }
}

// WithDialOptions adds options to each connection, after the client's own: interceptors, a stats handler, a dialer.
func WithDialOptions(dial ...grpc.DialOption) Option {
	return func(o *options) { o.dial = append(o.dial, dial...) }
}
