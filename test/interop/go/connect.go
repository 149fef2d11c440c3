package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"golang.org/x/net/http2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// raw is a message as bytes: connect's clients have a type for each message, the cases share one caller.
type raw struct{ message proto.Message }

// rawCodec is connect's own codec of that name, on the message inside of a raw.
type rawCodec struct{ name string }

func (c rawCodec) Name() string { return c.name }

func (c rawCodec) Marshal(value any) ([]byte, error) {
	if c.name == "json" {
		return protojson.Marshal(messageOf(value))
	}
	return proto.Marshal(messageOf(value))
}

func (c rawCodec) Unmarshal(bytes []byte, value any) error {
	if kept, ok := value.(*kept); ok {
		kept.bytes = append([]byte(nil), bytes...)
		return nil
	}
	return proto.Unmarshal(bytes, messageOf(value))
}

// kept is an answer before anybody has said what it is.
type kept struct{ bytes []byte }

func messageOf(value any) proto.Message {
	switch value := value.(type) {
	case *raw:
		return value.message
	case proto.Message:
		return value
	}
	return nil
}

type connectCaller struct {
	http    *http.Client
	base    string
	token   string
	codec   rawCodec
	options []connect.ClientOption
}

func newConnectCaller(input Input, row Row) (Caller, error) {
	caller := &connectCaller{base: "http://" + input.Address, token: input.Token, codec: rawCodec{"proto"}}
	caller.http = &http.Client{Transport: &http.Transport{}}
	if strings.HasSuffix(row.Protocol, "HTTP/2") {
		caller.http.Transport = &http2.Transport{
			AllowHTTP: true,
			DialTLSContext: func(ctx context.Context, network, address string, _ *tls.Config) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, address)
			},
		}
	}
	if row.Codec == "JSON" {
		caller.codec = rawCodec{"json"}
	}
	caller.options = append(caller.options, connect.WithCodec(caller.codec))
	switch {
	case strings.HasPrefix(row.Protocol, "gRPC-web"):
		caller.options = append(caller.options, connect.WithGRPCWeb())
	case strings.HasPrefix(row.Protocol, "gRPC"):
		caller.options = append(caller.options, connect.WithGRPC())
	}
	if row.Compression == "gzip" {
		caller.options = append(caller.options, connect.WithSendGzip())
	} else {
		caller.options = append(caller.options, connect.WithAcceptCompression("gzip", nil, nil))
	}
	return caller, nil
}

func (c *connectCaller) client(method string) *connect.Client[raw, kept] {
	return connect.NewClient[raw, kept](c.http, c.base+method, c.options...)
}

func (c *connectCaller) read(answer *kept, message proto.Message) error {
	if c.codec.name == "json" {
		return protojson.Unmarshal(answer.bytes, message)
	}
	return proto.Unmarshal(answer.bytes, message)
}

func (c *connectCaller) Unary(ctx context.Context, method string, message, response proto.Message, token bool) error {
	request := connect.NewRequest(&raw{message})
	if token {
		request.Header().Set("authorization", "Bearer "+c.token)
	}
	answer, err := c.client(method).CallUnary(ctx, request)
	if err != nil {
		return connectFailure(err)
	}
	return c.read(answer.Msg, response)
}

func (c *connectCaller) Stream(ctx context.Context, method string, message proto.Message) (Stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	request := connect.NewRequest(&raw{message})
	request.Header().Set("authorization", "Bearer "+c.token)
	stream, err := c.client(method).CallServerStream(ctx, request)
	return &connectStream{c, stream, cancel}, connectFailure(err)
}

func (c *connectCaller) Bidi(ctx context.Context, method string) (Bidi, error) {
	stream := c.client(method).CallBidiStream(ctx)
	stream.RequestHeader().Set("authorization", "Bearer "+c.token)
	return &connectBidi{c, stream}, nil
}

type connectStream struct {
	caller *connectCaller
	stream *connect.ServerStreamForClient[kept]
	cancel func()
}

func (s *connectStream) Receive(message proto.Message) error {
	if s.stream.Receive() {
		return s.caller.read(s.stream.Msg(), message)
	}
	if err := s.stream.Err(); err != nil {
		return connectFailure(err)
	}
	return io.EOF
}

func (s *connectStream) Close() {
	s.cancel()
	_ = s.stream.Close()
}

type connectBidi struct {
	caller *connectCaller
	stream *connect.BidiStreamForClient[raw, kept]
}

func (s *connectBidi) Send(message proto.Message) error {
	return connectFailure(s.stream.Send(&raw{message}))
}
func (s *connectBidi) CloseSend() error { return s.stream.CloseRequest() }
func (s *connectBidi) Receive(message proto.Message) error {
	answer, err := s.stream.Receive()
	if err != nil {
		return connectFailure(err)
	}
	return s.caller.read(answer, message)
}

func connectFailure(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	failure := &Failure{Code: strings.ToUpper(connect.CodeOf(err).String()), Message: err.Error()}
	if failure.Code == "CANCELED" {
		failure.Code = "CANCELLED"
	}
	var known *connect.Error
	if errors.As(err, &known) {
		for _, each := range known.Details() {
			if value, err := each.Value(); err == nil {
				failure.Details = append(failure.Details, value)
			}
		}
	}
	return failure
}
