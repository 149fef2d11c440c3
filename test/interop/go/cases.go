package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	configv1 "windlass.test/interop/gen/windlass/config/v1"
	windlassv1 "windlass.test/interop/gen/windlass/v1"
)

// limit is how long a case may take.
const limit = 20 * time.Second

const (
	getInstance   = "/windlass.v1.InstanceService/GetInstance"
	applyConfig   = "/windlass.v1.InstanceService/ApplyConfig"
	watchInstance = "/windlass.v1.InstanceService/WatchInstance"
	getDeployment = "/windlass.v1.DeploymentService/GetDeployment"
	application   = "applications/interop"
	deployment    = "applications/interop/deployments/Echo"
)

// Failure is a failed call: the code's name, and its details.
type Failure struct {
	Code    string
	Message string
	Details []proto.Message
}

func (f *Failure) Error() string { return f.Code + ": " + f.Message }

// Stream is an open call with a stream of answers.
type Stream interface {
	// Receive returns io.EOF at the end.
	Receive(message proto.Message) error
	Close()
}

// Bidi is an open call with streams both ways.
type Bidi interface {
	Send(message proto.Message) error
	CloseSend() error
	Receive(message proto.Message) error
}

// Caller makes calls; what fails is a *Failure.
type Caller interface {
	Unary(ctx context.Context, method string, request, response proto.Message, token bool) error
	Stream(ctx context.Context, method string, request proto.Message) (Stream, error)
	Bidi(ctx context.Context, method string) (Bidi, error)
}

var cases = map[string]func(context.Context, Caller) error{
	"unary": func(ctx context.Context, caller Caller) error {
		var answer windlassv1.GetInstanceResponse
		if err := caller.Unary(ctx, getInstance, &windlassv1.GetInstanceRequest{}, &answer, true); err != nil {
			return err
		}
		if answer.GetRevision() == 0 || answer.GetApplications()[0].GetName() != application {
			return fmt.Errorf("wrong answer: %v", &answer)
		}
		return nil
	},
	"large message": func(ctx context.Context, caller Caller) error {
		args, _ := structpb.NewStruct(map[string]any{"text": strings.Repeat("windlass ", 32_000)})
		request := &windlassv1.ApplyConfigRequest{ValidateOnly: true, Config: &configv1.DeployConfig{
			Applications: []*configv1.ApplicationConfig{{Name: proto.String("interop"), ImportPath: "./app.ts:app", Args: args}},
		}}
		return caller.Unary(ctx, applyConfig, request, &windlassv1.ApplyConfigResponse{}, true)
	},
	"WatchInstance": func(ctx context.Context, caller Caller) error {
		return untilSynced(ctx, caller, watchInstance, &windlassv1.WatchInstanceRequest{},
			func() *windlassv1.WatchInstanceResponse { return &windlassv1.WatchInstanceResponse{} },
			func(m *windlassv1.WatchInstanceResponse) string { return m.GetDeployment().GetName() })
	},
	"WatchApplications": func(ctx context.Context, caller Caller) error {
		return untilSynced(ctx, caller, "/windlass.v1.ApplicationService/WatchApplications", &windlassv1.WatchApplicationsRequest{},
			func() *windlassv1.WatchApplicationsResponse { return &windlassv1.WatchApplicationsResponse{} },
			func(m *windlassv1.WatchApplicationsResponse) string { return m.GetUpdated().GetName() })
	},
	"WatchDeployments": func(ctx context.Context, caller Caller) error {
		return untilSynced(ctx, caller, "/windlass.v1.DeploymentService/WatchDeployments", &windlassv1.WatchDeploymentsRequest{Parent: application},
			func() *windlassv1.WatchDeploymentsResponse { return &windlassv1.WatchDeploymentsResponse{} },
			func(m *windlassv1.WatchDeploymentsResponse) string { return m.GetUpdated().GetName() })
	},
	"WatchReplicas": func(ctx context.Context, caller Caller) error {
		return untilSynced(ctx, caller, "/windlass.v1.DeploymentService/WatchReplicas", &windlassv1.WatchReplicasRequest{Parent: deployment},
			func() *windlassv1.WatchReplicasResponse { return &windlassv1.WatchReplicasResponse{} },
			func(m *windlassv1.WatchReplicasResponse) string { return m.GetUpdated().GetName() })
	},
	"WatchScalingDecisions": func(ctx context.Context, caller Caller) error {
		return untilSynced(ctx, caller, "/windlass.v1.DeploymentService/WatchScalingDecisions",
			&windlassv1.WatchScalingDecisionsRequest{Name: deployment},
			func() *windlassv1.WatchScalingDecisionsResponse { return &windlassv1.WatchScalingDecisionsResponse{} },
			nil)
	},
	"bidi": func(ctx context.Context, caller Caller) error {
		stream, err := caller.Bidi(ctx, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
		if err != nil {
			return err
		}
		var answer reflection.ServerReflectionResponse
		list := &reflection.ServerReflectionRequest_ListServices{}
		if err := ask(stream, &reflection.ServerReflectionRequest{MessageRequest: list}, &answer); err != nil {
			return err
		}
		services := answer.GetListServicesResponse().GetService()
		if len(services) == 0 {
			return fmt.Errorf("no services: %v", &answer)
		}
		// The second question is asked after the first answer.
		symbol := &reflection.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: services[0].GetName()}
		if err := ask(stream, &reflection.ServerReflectionRequest{MessageRequest: symbol}, &answer); err != nil {
			return err
		}
		if len(answer.GetFileDescriptorResponse().GetFileDescriptorProto()) == 0 {
			return fmt.Errorf("no files: %v", &answer)
		}
		if err := stream.CloseSend(); err != nil {
			return err
		}
		if err := stream.Receive(&answer); !errors.Is(err, errEnd) {
			return fmt.Errorf("the stream did not end: %w", err)
		}
		return nil
	},
	"ErrorInfo": func(ctx context.Context, caller Caller) error {
		request := &windlassv1.GetDeploymentRequest{Name: application + "/deployments/Nope"}
		err := caller.Unary(ctx, getDeployment, request, &windlassv1.GetDeploymentResponse{}, true)
		return expectReason(err, "NOT_FOUND", "NOT_FOUND")
	},
	"BadRequest": func(ctx context.Context, caller Caller) error {
		request := &windlassv1.ApplyConfigRequest{Config: &configv1.DeployConfig{
			Applications: []*configv1.ApplicationConfig{{Name: proto.String("interop")}},
		}}
		err := caller.Unary(ctx, applyConfig, request, &windlassv1.ApplyConfigResponse{}, true)
		if wrong := expectReason(err, "INVALID_ARGUMENT", "INVALID_CONFIG"); wrong != nil {
			return wrong
		}
		for _, violation := range detail[*errdetails.BadRequest](err).GetFieldViolations() {
			if violation.GetField() == "applications[0].import_path" {
				return nil
			}
		}
		return fmt.Errorf("no such violation: %v", err)
	},
	"error of a stream": func(ctx context.Context, caller Caller) error {
		stream, err := caller.Stream(ctx, watchInstance, &windlassv1.WatchInstanceRequest{ProgressInterval: durationpb.New(time.Hour)})
		if err == nil {
			defer stream.Close()
			err = stream.Receive(&windlassv1.WatchInstanceResponse{})
		}
		return expectReason(err, "INVALID_ARGUMENT", "INVALID_REQUEST")
	},
	"no token": func(ctx context.Context, caller Caller) error {
		err := caller.Unary(ctx, getInstance, &windlassv1.GetInstanceRequest{}, &windlassv1.GetInstanceResponse{}, false)
		return expectReason(err, "UNAUTHENTICATED", "UNAUTHENTICATED")
	},
	"deadline": func(ctx context.Context, caller Caller) error {
		started := time.Now()
		ctx, cancel := context.WithTimeout(ctx, 400*time.Millisecond)
		defer cancel()
		err := readToEnd(ctx, caller, func() {})
		if took := time.Since(started); took < 300*time.Millisecond || took > 5*time.Second {
			return fmt.Errorf("ended after %v: %w", took, err)
		}
		return expectCode(err, "DEADLINE_EXCEEDED")
	},
	"cancel": func(ctx context.Context, caller Caller) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		return expectCode(readToEnd(ctx, caller, cancel), "CANCELLED")
	},
}

func ask(stream Bidi, question, answer proto.Message) error {
	if err := stream.Send(question); err != nil {
		return err
	}
	return stream.Receive(answer)
}

// readToEnd watches until the call ends; it calls onSynced once the snapshot is there.
func readToEnd(ctx context.Context, caller Caller, onSynced func()) error {
	stream, err := caller.Stream(ctx, watchInstance, &windlassv1.WatchInstanceRequest{})
	if err != nil {
		return err
	}
	defer stream.Close()
	for {
		var message windlassv1.WatchInstanceResponse
		if err := stream.Receive(&message); err != nil {
			return err
		}
		if message.GetSynced() {
			onSynced()
		}
	}
}

type watched interface {
	proto.Message
	GetSynced() bool
	GetRevision() int64
}

// untilSynced reads the snapshot; `nameOf` must have named something of the application before its end.
func untilSynced[M watched](ctx context.Context, caller Caller, method string, request proto.Message, make func() M, nameOf func(M) string) error {
	stream, err := caller.Stream(ctx, method, request)
	if err != nil {
		return err
	}
	defer stream.Close()
	found := nameOf == nil
	for {
		message := make()
		if err := stream.Receive(message); err != nil {
			return err
		}
		if nameOf != nil && strings.HasPrefix(nameOf(message), application) {
			found = true
		}
		if !message.GetSynced() {
			continue
		}
		if !found || message.GetRevision() == 0 {
			return fmt.Errorf("synced at revision %d without the application", message.GetRevision())
		}
		return nil
	}
}

func expectCode(err error, code string) error {
	var failure *Failure
	if !errors.As(err, &failure) || failure.Code != code {
		return fmt.Errorf("expected %s, got: %v", code, err)
	}
	return nil
}

func expectReason(err error, code, reason string) error {
	if wrong := expectCode(err, code); wrong != nil {
		return wrong
	}
	info := detail[*errdetails.ErrorInfo](err)
	if info.GetReason() != reason || info.GetDomain() != "windlass" {
		return fmt.Errorf("expected the reason %s, got %v of: %v", reason, info, err)
	}
	return nil
}

func detail[D proto.Message](err error) D {
	var none D
	var failure *Failure
	if errors.As(err, &failure) {
		for _, each := range failure.Details {
			if found, ok := each.(D); ok {
				return found
			}
		}
	}
	return none
}
