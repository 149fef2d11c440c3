package windlass

import (
	"errors"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

// errorDomain is google.rpc.ErrorInfo's of Windlass.
const errorDomain = "windlass"

// Violation is one problem of a request.
type Violation struct {
	// Field is its path, "deployments[1].max_ongoing_requests"; empty where it is the whole request.
	Field string
	// Description is one line: what was wrong, the value, the limit.
	Description string
}

// ReasonOf says why a call failed, as docs/errors.md lists: "STALE_ETAG". Empty where the error is not from Windlass.
// Like the functions below it reads errors of gRPC and of Connect, also wrapped ones.
func ReasonOf(err error) string {
	return infoOf(err).GetReason()
}

// MetadataOf gives the ids that came with the reason, such as "owner" with LEASE_HELD.
func MetadataOf(err error) map[string]string {
	return infoOf(err).GetMetadata()
}

// ViolationsOf gives the problems of the request, one a field; none where the error tells none.
func ViolationsOf(err error) []Violation {
	var found []Violation
	for _, detail := range detailsOf(err) {
		if request, ok := detail.(*errdetails.BadRequest); ok {
			for _, each := range request.GetFieldViolations() {
				found = append(found, Violation{each.GetField(), each.GetDescription()})
			}
		}
	}
	return found
}

func infoOf(err error) *errdetails.ErrorInfo {
	for _, detail := range detailsOf(err) {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == errorDomain {
			return info
		}
	}
	return nil
}

func detailsOf(err error) []any {
	var overHTTP *connect.Error
	if errors.As(err, &overHTTP) {
		var found []any
		for _, detail := range overHTTP.Details() {
			if value, err := detail.Value(); err == nil {
				found = append(found, value)
			}
		}
		return found
	}
	said, _ := status.FromError(err)
	return said.Details()
}
