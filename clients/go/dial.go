package windlass

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"math"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	windlassv1 "windlass/client/gen/windlass/v1"
)

// connectTimeout is how long making a connection may take: well below the default deadline of a call.
const connectTimeout = 4 * time.Second

// dialOptions says how to connect; nothing is sent before the first call.
func dialOptions(at target, o options) ([]grpc.DialOption, error) {
	transport := insecure.NewCredentials()
	if at.secure {
		config := o.tls
		if config == nil {
			config = &tls.Config{}
		}
		transport = credentials.NewTLS(config)
	} else if o.tls != nil {
		return nil, errors.New("WithTLSConfig is for https:// addresses only")
	}
	made := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent("windlass-client-go/" + Version),
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultServiceConfig(serviceConfig()),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: backoffFirst, Multiplier: 2, Jitter: 0.2, MaxDelay: backoffMost},
			MinConnectTimeout: connectTimeout,
		}),
		// What the server lets in and sends is bounded by the server.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)),
	}
	if at.token != "" {
		made = append(made, grpc.WithPerRPCCredentials(bearer(at.token)))
	}
	if isLoopback(at.host) {
		made = append(made, grpc.WithNoProxy())
	}
	if o.timeout > 0 {
		made = append(made, grpc.WithChainUnaryInterceptor(deadline(o.timeout)))
	}
	return append(made, o.dial...), nil
}

func dial(at target, made []grpc.DialOption) (*grpc.ClientConn, error) {
	return grpc.NewClient("dns:///"+at.authority(), made...)
}

// deadline gives calls one whose context has none. Attempts of the same call share it.
func deadline(timeout time.Duration) grpc.UnaryClientInterceptor {
	return func(
		ctx context.Context, method string, request, answer any, conn *grpc.ClientConn,
		invoke grpc.UnaryInvoker, call ...grpc.CallOption,
	) error {
		if _, has := ctx.Deadline(); !has {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, timeout)
			defer cancel()
		}
		return invoke(ctx, method, request, answer, conn, call...)
	}
}

// bearer is a token that goes with each call.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity leaves it to the address.
func (b bearer) RequireTransportSecurity() bool { return false }

// serviceConfig tries safe calls again on UNAVAILABLE, for about 4 s in all and never beyond their deadline; gRPC adds
// jitter.
func serviceConfig() string {
	policy := map[string]any{
		"maxAttempts":          5,
		"initialBackoff":       "0.1s",
		"maxBackoff":           "3s",
		"backoffMultiplier":    3,
		"retryableStatusCodes": []string{"UNAVAILABLE"},
	}
	config := map[string]any{"methodConfig": []any{map[string]any{"name": safeMethods(), "retryPolicy": policy}}}
	text, err := json.Marshal(config)
	if err != nil {
		panic(err)
	}
	return string(text)
}

type methodName struct {
	Service string `json:"service"`
	Method  string `json:"method"`
}

// safeMethods are those that the protos declare to have no side effects.
func safeMethods() []methodName {
	var found []methodName
	for _, file := range []protoreflect.FileDescriptor{
		windlassv1.File_windlass_v1_application_service_proto,
		windlassv1.File_windlass_v1_deployment_service_proto,
		windlassv1.File_windlass_v1_instance_service_proto,
		windlassv1.File_windlass_v1_token_service_proto,
	} {
		for s := range file.Services().Len() {
			service := file.Services().Get(s)
			for m := range service.Methods().Len() {
				method := service.Methods().Get(m)
				declared, ok := method.Options().(*descriptorpb.MethodOptions)
				if ok && declared.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS {
					found = append(found, methodName{string(service.FullName()), string(method.Name())})
				}
			}
		}
	}
	return found
}
