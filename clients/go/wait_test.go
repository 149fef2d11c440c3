package windlass

import (
	"errors"
	"testing"

	windlassv1 "windlass/client/gen/windlass/v1"
)

func TestWaiting(t *testing.T) {
	application := func(state windlassv1.Application_State, generation, observed int64) *windlassv1.Application {
		return &windlassv1.Application{State: state, Message: "why", Generation: generation, ObservedGeneration: observed}
	}
	type events = []Event[*windlassv1.Application]
	updated := func(at *windlassv1.Application) Event[*windlassv1.Application] {
		return Event[*windlassv1.Application]{Kind: Updated, Name: "applications/a", Resource: at}
	}
	reset := Event[*windlassv1.Application]{Kind: Reset}
	synced := Event[*windlassv1.Application]{Kind: Synced}
	deleted := Event[*windlassv1.Application]{Kind: Deleted, Name: "applications/a"}
	running := application(windlassv1.Application_STATE_RUNNING, 2, 2)
	old := application(windlassv1.Application_STATE_RUNNING, 2, 1)
	oldFailure := application(windlassv1.Application_STATE_DEPLOY_FAILED, 2, 1)
	failed := application(windlassv1.Application_STATE_DEPLOY_FAILED, 2, 2)
	reconciling := application(windlassv1.Application_STATE_RUNNING, 2, 2)
	reconciling.Reconciling = true
	for _, c := range []struct {
		name   string
		events events
		runs   bool
		fails  string
	}{
		{"one that runs", events{reset, updated(running), synced}, true, ""},
		{"one that is not synced yet", events{reset, updated(running)}, false, ""},
		{"one that begins to run", events{reset, updated(old), synced, updated(running)}, true, ""},
		{"the one before the last write", events{reset, updated(old), synced}, false, ""},
		{"a failure before the last write", events{reset, updated(oldFailure), synced}, false, ""},
		{"one that is being reconciled", events{reset, updated(reconciling), synced}, false, ""},
		{"one that failed", events{reset, updated(failed), synced}, false, "applications/a failed to deploy: why"},
		{"none", events{reset, synced}, false, "applications/a is not there: it was deleted meanwhile"},
		{
			"one that is deleted", events{reset, updated(old), synced, deleted}, false,
			"applications/a is not there: it was deleted meanwhile",
		},
		{"a present state that begins anew", events{reset, updated(failed), reset, updated(running), synced}, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			waiting := waiting{name: "applications/a"}
			var got *windlassv1.Application
			var err error
			for _, event := range c.events {
				if got, err = waiting.take(event); got != nil || err != nil {
					break
				}
			}
			if (got == running) != c.runs || (err != nil) != (c.fails != "") {
				t.Fatalf("got %v %v", got, err)
			}
			var failure *ApplicationFailedError
			if err != nil && (!errors.As(err, &failure) || err.Error() != c.fails) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWaitingTellsHowTheApplicationStands(t *testing.T) {
	waiting := waiting{name: "applications/a"}
	if got := waiting.standing(); got != "no news of applications/a" {
		t.Error(got)
	}
	waiting.application = &windlassv1.Application{State: windlassv1.Application_STATE_DEPLOYING, Message: "builds"}
	if got := waiting.standing(); got != "applications/a does not run yet: STATE_DEPLOYING (builds)" {
		t.Error(got)
	}
}
