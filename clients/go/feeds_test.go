package windlass

import (
	"fmt"
	"testing"

	windlassv1 "windlass/client/gen/windlass/v1"
)

func TestMessagesAreRead(t *testing.T) {
	show := func(kind Kind, revision int64, name string, resource any) string {
		return fmt.Sprintf("%s %s@%d %T", kind, name, revision, resource)
	}
	instance := func(message *windlassv1.WatchInstanceResponse) string {
		message.Revision = 7
		got := readInstance(message)
		return show(got.kind, got.revision, got.name, got.resource)
	}
	decision := func(message *windlassv1.WatchScalingDecisionsResponse) string {
		message.Revision = 7
		got := readDecision(message)
		return show(got.kind, got.revision, got.name, got.resource)
	}
	application := readApplication(&windlassv1.WatchApplicationsResponse{
		Revision: 7, Event: &windlassv1.WatchApplicationsResponse_Updated{Updated: &windlassv1.Application{Name: "a"}},
	})
	replica := readReplica(&windlassv1.WatchReplicasResponse{
		Revision: 7, Event: &windlassv1.WatchReplicasResponse_Deleted{Deleted: "r"},
	})
	for _, c := range []struct{ got, want string }{
		{show(application.kind, application.revision, application.name, application.resource), "Updated a@7 *windlassv1.Application"},
		{show(replica.kind, replica.revision, replica.name, replica.resource), "Deleted r@7 *windlassv1.Replica"},
		{
			instance(&windlassv1.WatchInstanceResponse{
				Event: &windlassv1.WatchInstanceResponse_Instance{Instance: &windlassv1.Instance{}},
			}),
			"Updated instance@7 *windlassv1.Instance",
		},
		{
			instance(&windlassv1.WatchInstanceResponse{
				Event: &windlassv1.WatchInstanceResponse_Application{Application: &windlassv1.Application{Name: "a"}},
			}),
			"Updated a@7 *windlassv1.Application",
		},
		{
			instance(&windlassv1.WatchInstanceResponse{
				Event: &windlassv1.WatchInstanceResponse_Deployment{Deployment: &windlassv1.Deployment{Name: "d"}},
			}),
			"Updated d@7 *windlassv1.Deployment",
		},
		{
			instance(&windlassv1.WatchInstanceResponse{
				Event: &windlassv1.WatchInstanceResponse_Replica{Replica: &windlassv1.Replica{Name: "r"}},
			}),
			"Updated r@7 *windlassv1.Replica",
		},
		{
			instance(&windlassv1.WatchInstanceResponse{Event: &windlassv1.WatchInstanceResponse_Deleted{Deleted: "a"}}),
			"Deleted a@7 <nil>",
		},
		{
			instance(&windlassv1.WatchInstanceResponse{Event: &windlassv1.WatchInstanceResponse_Synced{Synced: true}}),
			"Synced @7 <nil>",
		},
		{instance(&windlassv1.WatchInstanceResponse{}), "Kind(0) @7 <nil>"},
		{
			decision(&windlassv1.WatchScalingDecisionsResponse{Name: "d", Decision: &windlassv1.ScalingDecision{}}),
			"Updated d@7 *windlassv1.ScalingDecision",
		},
		{
			decision(&windlassv1.WatchScalingDecisionsResponse{Deleted: "d"}),
			"Deleted d@7 *windlassv1.ScalingDecision",
		},
		{decision(&windlassv1.WatchScalingDecisionsResponse{Synced: true}), "Synced @7 *windlassv1.ScalingDecision"},
		{decision(&windlassv1.WatchScalingDecisionsResponse{}), "Kind(0) @7 *windlassv1.ScalingDecision"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}
