package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// errEnd is how a stream ends well.
var errEnd = io.EOF

type jsonCodec struct{}

func (jsonCodec) Name() string { return "json" }
func (jsonCodec) Marshal(value any) ([]byte, error) {
	return protojson.Marshal(value.(proto.Message))
}
func (jsonCodec) Unmarshal(bytes []byte, value any) error {
	return protojson.Unmarshal(bytes, value.(proto.Message))
}

func init() { encoding.RegisterCodec(jsonCodec{}) }

type grpcCaller struct {
	connection *grpc.ClientConn
	token      string
}

func newGrpcCaller(input Input, row Row) (Caller, error) {
	options := []grpc.CallOption{}
	if row.Codec == "JSON" {
		options = append(options, grpc.CallContentSubtype("json"))
	}
	if row.Compression == "gzip" {
		options = append(options, grpc.UseCompressor(gzip.Name))
	}
	connection, err := grpc.NewClient(input.Address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(options...))
	return &grpcCaller{connection, input.Token}, err
}

func (c *grpcCaller) with(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.token)
}

func (c *grpcCaller) Unary(ctx context.Context, method string, request, response proto.Message, token bool) error {
	if token {
		ctx = c.with(ctx)
	}
	return grpcFailure(c.connection.Invoke(ctx, method, request, response))
}

func (c *grpcCaller) Stream(ctx context.Context, method string, request proto.Message) (Stream, error) {
	ctx, cancel := context.WithCancel(c.with(ctx))
	stream, err := c.connection.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, method)
	if err == nil {
		err = stream.SendMsg(request)
	}
	if err == nil {
		err = stream.CloseSend()
	}
	return &grpcStream{stream, cancel}, grpcFailure(err)
}

func (c *grpcCaller) Bidi(ctx context.Context, method string) (Bidi, error) {
	description := &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
	stream, err := c.connection.NewStream(c.with(ctx), description, method)
	return &grpcStream{stream, func() {}}, grpcFailure(err)
}

type grpcStream struct {
	stream grpc.ClientStream
	cancel func()
}

func (s *grpcStream) Receive(message proto.Message) error {
	return grpcFailure(s.stream.RecvMsg(message))
}
func (s *grpcStream) Send(message proto.Message) error { return grpcFailure(s.stream.SendMsg(message)) }
func (s *grpcStream) CloseSend() error                 { return s.stream.CloseSend() }
func (s *grpcStream) Close()                           { s.cancel() }

func grpcFailure(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	state := status.Convert(err)
	failure := &Failure{Code: upperSnake(state.Code().String()), Message: state.Message()}
	for _, each := range state.Details() {
		if message, ok := each.(proto.Message); ok {
			failure.Details = append(failure.Details, message)
		}
	}
	return failure
}

// upperSnake makes "NOT_FOUND" of "NotFound"; grpc-go spells Canceled with one l.
func upperSnake(name string) string {
	if name == "Canceled" {
		return "CANCELLED"
	}
	var out strings.Builder
	for index, letter := range name {
		if index > 0 && letter >= 'A' && letter <= 'Z' {
			out.WriteByte('_')
		}
		out.WriteRune(letter)
	}
	return strings.ToUpper(out.String())
}
