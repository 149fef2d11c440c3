package windlass

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	windlassv1 "windlass/client/gen/windlass/v1"
	"windlass/client/gen/windlass/v1/windlassv1connect"
)

func TestSafeCallsAreTriedAgainAndWritesAreNot(t *testing.T) {
	get := func(client *Client) error {
		_, err := client.Deployments.GetDeployment(context.Background(), &windlassv1.GetDeploymentRequest{})
		return err
	}
	scale := func(client *Client) error {
		request := &windlassv1.ScaleDeploymentRequest{TargetNumReplicas: proto.Uint32(1)}
		_, err := client.Deployments.ScaleDeployment(context.Background(), request)
		return err
	}
	for _, c := range []struct {
		name     string
		call     func(*Client) error
		failure  codes.Code
		failures int
		want     codes.Code
		attempts int
	}{
		{"a read that fails twice", get, codes.Unavailable, 2, codes.OK, 3},
		{"a read that is refused", get, codes.PermissionDenied, 1, codes.PermissionDenied, 1},
		{"a write", scale, codes.Unavailable, 1, codes.Unavailable, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &server{call: func(_ context.Context, attempt int) error {
				if attempt <= c.failures {
					return status.Error(c.failure, "not now")
				}
				return nil
			}}
			got := status.Code(c.call(s.start(t)))
			if attempts := s.asked().attempts; got != c.want || attempts != c.attempts {
				t.Errorf("got %s after %d attempts, want %s after %d", got, attempts, c.want, c.attempts)
			}
		})
	}
}

func TestCallsHaveADeadline(t *testing.T) {
	long, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for _, c := range []struct {
		name  string
		given []Option
		ctx   context.Context
		least time.Duration
		most  time.Duration
	}{
		{"of 10 s", nil, t.Context(), 8 * time.Second, 10 * time.Second},
		{"that is set", []Option{WithTimeout(time.Minute)}, t.Context(), 50 * time.Second, time.Minute},
		{"of their context", nil, long, 59 * time.Minute, time.Hour},
		{"unless it is 0", []Option{WithTimeout(0)}, t.Context(), 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			told := make(chan time.Duration, 1)
			s := &server{call: func(ctx context.Context, _ int) error {
				deadline, has := ctx.Deadline()
				if !has {
					deadline = time.Now()
				}
				told <- time.Until(deadline).Round(time.Second)
				return nil
			}}
			client := s.start(t, c.given...)
			_, err := client.Deployments.GetDeployment(c.ctx, &windlassv1.GetDeploymentRequest{})
			if err != nil {
				t.Fatal(err)
			}
			if left := <-told; left < c.least || left > c.most {
				t.Errorf("%s are left, want %s to %s", left, c.least, c.most)
			}
		})
	}
}

func TestSafeMethodsAreThoseTheProtosSay(t *testing.T) {
	safe := safeMethods()
	for method, want := range map[methodName]bool{
		{"windlass.v1.InstanceService", "GetInstance"}:          true,
		{"windlass.v1.ApplicationService", "ListApplications"}:  true,
		{"windlass.v1.DeploymentService", "GetRecordedLoad"}:    true,
		{"windlass.v1.TokenService", "ListTokens"}:              true,
		{"windlass.v1.TokenService", "CreateToken"}:             false,
		{"windlass.v1.DeploymentService", "ScaleDeployment"}:    false,
		{"windlass.v1.ApplicationService", "WatchApplications"}: false,
	} {
		if slices.Contains(safe, method) != want {
			t.Errorf("%v: want %v", method, want)
		}
	}
}

func TestTLSConfigIsForHTTPSOnly(t *testing.T) {
	given := []Option{WithAddress("http://127.0.0.1:1"), WithToken(""), WithTLSConfig(&tls.Config{})}
	if _, err := New(given...); err == nil {
		t.Error("New took it")
	}
	if _, _, err := NewHTTPClient(given...); err == nil {
		t.Error("NewHTTPClient took it")
	}
}

func TestClosedClientsRefuseCalls(t *testing.T) {
	client := (&server{}).start(t)
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	_, err := client.Deployments.GetDeployment(t.Context(), &windlassv1.GetDeploymentRequest{})
	if status.Code(err) != codes.Canceled {
		t.Error(err)
	}
}

// overConnect answers with the token it was sent, or refuses.
type overConnect struct {
	windlassv1connect.UnimplementedTokenServiceHandler
}

func (overConnect) GetApplicationToken(
	_ context.Context, request *connect.Request[windlassv1.GetApplicationTokenRequest],
) (*connect.Response[windlassv1.GetApplicationTokenResponse], error) {
	secret := request.Header().Get("authorization")
	return connect.NewResponse(&windlassv1.GetApplicationTokenResponse{Secret: secret}), nil
}

func TestHTTPClientSendsTheTokenToWindlassAlone(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		answer.Write([]byte(request.Header.Get("authorization")))
	}))
	defer elsewhere.Close()
	mux := http.NewServeMux()
	mux.Handle(windlassv1connect.NewTokenServiceHandler(overConnect{}))
	mux.Handle("/away", http.RedirectHandler(elsewhere.URL, http.StatusFound))
	for name, serve := range map[string]func(http.Handler) *httptest.Server{
		"http": httptest.NewServer, "https": httptest.NewTLSServer,
	} {
		t.Run(name, func(t *testing.T) {
			served := serve(mux)
			defer served.Close()
			given := []Option{WithAddress(served.URL), WithToken("a-token")}
			if name == "https" {
				given = append(given, WithTLSConfig(served.Client().Transport.(*http.Transport).TLSClientConfig))
			}
			client, url, err := NewHTTPClient(given...)
			if err != nil {
				t.Fatal(err)
			}
			defer client.CloseIdleConnections()
			tokens := windlassv1connect.NewTokenServiceClient(client, url)
			answer, err := tokens.GetApplicationToken(
				t.Context(), connect.NewRequest(&windlassv1.GetApplicationTokenRequest{}),
			)
			if err != nil || answer.Msg.GetSecret() != "Bearer a-token" {
				t.Error(answer, err)
			}
			away, err := client.Get(url + "/away")
			if err != nil {
				t.Fatal(err)
			}
			defer away.Body.Close()
			if away.ContentLength != 0 {
				t.Error("the token went elsewhere")
			}
		})
	}
}
