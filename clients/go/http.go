package windlass

import (
	"errors"
	"net/http"
	"os"
)

// NewHTTPClient is for Connect, over HTTP/1.1 or HTTP/2, where gRPC does not get through. It gives what the clients of
// windlass/client/gen/windlass/v1/windlassv1connect are made of:
//
//	client, url, err := windlass.NewHTTPClient()
//	applications := windlassv1connect.NewApplicationServiceClient(client, url)
//
// The client sends the token; deadlines are the contexts', and nothing is tried again.
func NewHTTPClient(given ...Option) (client *http.Client, url string, err error) {
	o := newOptions(given)
	at, err := findTarget(o.address, o.token, os.Getenv)
	if err != nil {
		return nil, "", err
	}
	if o.tls != nil && !at.secure {
		return nil, "", errors.New("WithTLSConfig is for https:// addresses only")
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	// A program may have put something else there.
	if usual, ok := http.DefaultTransport.(*http.Transport); ok {
		transport = usual.Clone()
	}
	transport.TLSClientConfig = o.tls
	if isLoopback(at.host) {
		transport.Proxy = nil
	}
	return &http.Client{Transport: &withToken{at, transport}}, at.url(), nil
}

type withToken struct {
	target    target
	transport *http.Transport
}

// RoundTrip adds the token to requests to the target alone: a redirect elsewhere must not take it along.
func (w *withToken) RoundTrip(request *http.Request) (*http.Response, error) {
	to := request.URL
	sent := to.Host == w.target.authority() && (to.Scheme == "https") == w.target.secure
	if w.target.token != "" && sent && request.Header.Get("Authorization") == "" {
		request = request.Clone(request.Context())
		request.Header.Set("Authorization", "Bearer "+w.target.token)
	}
	return w.transport.RoundTrip(request)
}

// CloseIdleConnections is what the client's method of that name asks for.
func (w *withToken) CloseIdleConnections() {
	w.transport.CloseIdleConnections()
}
