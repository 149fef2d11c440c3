package windlass

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
)

func TestErrors(t *testing.T) {
	info := &errdetails.ErrorInfo{Domain: "windlass", Reason: "LEASE_HELD", Metadata: map[string]string{"owner": "keda"}}
	other := &errdetails.ErrorInfo{Domain: "example", Reason: "OTHER"}
	request := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
		{Field: "a", Description: "must be one"}, {Description: "is not whole"},
	}}
	both := []Violation{{"a", "must be one"}, {"", "is not whole"}}
	owner := map[string]string{"owner": "keda"}
	for _, c := range []struct {
		name       string
		err        error
		reason     string
		metadata   map[string]string
		violations []Violation
	}{
		{"gRPC's", overGRPC(t, other, info, request), "LEASE_HELD", owner, both},
		{"wrapped ones", fmt.Errorf("oh: %w", overGRPC(t, info)), "LEASE_HELD", owner, nil},
		{"Connect's", overHTTP(t, other, info, request), "LEASE_HELD", owner, both},
		{"another domain's", overGRPC(t, other), "", nil, nil},
		{"one without details", status.Error(codes.Unavailable, "gone"), "", nil, nil},
		{"no gRPC error", errors.New("oh"), "", nil, nil},
		{"nil", nil, "", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ReasonOf(c.err); got != c.reason {
				t.Errorf("got reason %q", got)
			}
			if got := MetadataOf(c.err); !maps.Equal(got, c.metadata) {
				t.Errorf("got metadata %q", got)
			}
			if got := ViolationsOf(c.err); !slices.Equal(got, c.violations) {
				t.Errorf("got violations %q", got)
			}
		})
	}
}

func overGRPC(t *testing.T, details ...protoadapt.MessageV1) error {
	t.Helper()
	made, err := status.New(codes.Aborted, "no").WithDetails(details...)
	if err != nil {
		t.Fatal(err)
	}
	return made.Err()
}

func overHTTP(t *testing.T, details ...protoadapt.MessageV1) error {
	t.Helper()
	made := connect.NewError(connect.CodeAborted, errors.New("no"))
	for _, each := range details {
		detail, err := connect.NewErrorDetail(protoadapt.MessageV2Of(each))
		if err != nil {
			t.Fatal(err)
		}
		made.AddDetail(detail)
	}
	return made
}
