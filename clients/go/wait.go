package windlass

import (
	"context"
	"fmt"

	windlassv1 "windlass/client/gen/windlass/v1"
)

// ApplicationFailedError says that an application that was waited for failed to deploy, or was deleted.
type ApplicationFailedError struct {
	// Name is applications/{application}.
	Name string
	// Application is how it stands; nil where it was deleted.
	Application *windlassv1.Application
}

// Error is one line.
func (e *ApplicationFailedError) Error() string {
	if e.Application == nil {
		return e.Name + " is not there: it was deleted meanwhile"
	}
	why := e.Application.GetMessage()
	if why == "" {
		why = "no reason given"
	}
	return e.Name + " failed to deploy: " + why
}

// WaitUntilRunning waits until an application runs as it was last written, as long as the context lasts; application
// is its name as its config has it. It fails with [*ApplicationFailedError] where that failed to deploy or was deleted, and as
// [Client.WatchApplications] does; with the context's deadline it says how the application stands.
func (c *Client) WaitUntilRunning(ctx context.Context, application string) (*windlassv1.Application, error) {
	waiting := waiting{name: ApplicationName(application)}
	request := &windlassv1.WatchApplicationsRequest{Names: []string{waiting.name}}
	for event, err := range c.WatchApplications(ctx, request) {
		if err != nil {
			if ctx.Err() != nil {
				return nil, fmt.Errorf("%s: %w", waiting.standing(), err)
			}
			return nil, err
		}
		running, err := waiting.take(event)
		if running != nil || err != nil {
			return running, err
		}
	}
	// Not reached: a loop that nobody leaves ends with an error.
	return nil, ErrClosed
}

// waiting is what a wait for one application knows.
type waiting struct {
	name        string
	application *windlassv1.Application
	synced      bool
}

// take takes an event; returns the application once it runs as it was last written.
func (w *waiting) take(event Event[*windlassv1.Application]) (*windlassv1.Application, error) {
	switch event.Kind {
	case Reset:
		w.application, w.synced = nil, false
	case Updated:
		w.application = event.Resource
	case Deleted:
		w.application = nil
	case Synced:
		w.synced = true
	}
	switch at := w.application; {
	case !w.synced:
		return nil, nil
	case at == nil:
		return nil, &ApplicationFailedError{Name: w.name}
	// An older generation's outcome says nothing about what was written last.
	case at.GetObservedGeneration() < at.GetGeneration():
		return nil, nil
	case at.GetState() == windlassv1.Application_STATE_DEPLOY_FAILED:
		return nil, &ApplicationFailedError{Name: w.name, Application: at}
	case at.GetState() == windlassv1.Application_STATE_RUNNING && !at.GetReconciling():
		return at, nil
	}
	return nil, nil
}

// standing says what is known of an application that does not run yet.
func (w *waiting) standing() string {
	if w.application == nil {
		return "no news of " + w.name
	}
	text := w.name + " does not run yet: " + w.application.GetState().String()
	if why := w.application.GetMessage(); why != "" {
		text += " (" + why + ")"
	}
	return text
}
