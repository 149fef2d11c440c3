package windlass

import "fmt"

// Kind says what an [Event] is.
type Kind int

const (
	// Reset says to forget what was known: the present state follows. It comes first, and again where the history to
	// go on from is gone.
	Reset Kind = iota + 1
	// Updated says that Resource, called Name, is there, as it is now.
	Updated
	// Deleted says that Name is no more.
	Deleted
	// Synced says that the present state is complete; changes follow.
	Synced
)

// String is the kind's name.
func (k Kind) String() string {
	switch k {
	case Reset:
		return "Reset"
	case Updated:
		return "Updated"
	case Deleted:
		return "Deleted"
	case Synced:
		return "Synced"
	default:
		return fmt.Sprintf("Kind(%d)", int(k))
	}
}

// Event is what a watch tells.
type Event[T any] struct {
	Kind Kind
	// Revision of the store that the event belongs to. All events of one revision happened at once.
	Revision int64
	// Name is the resource's name with Updated and Deleted, "instance" for the instance itself.
	Name string
	// Resource comes with Updated.
	Resource T
	// ResumeRevision is the start_revision for a watch that shall go on after this event, in another process say; 0
	// before Synced. Events of later revisions that were told already come again then.
	ResumeRevision int64
}
