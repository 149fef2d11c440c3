package windlass

// position is where a reader of a feed stands, so that a cut stream is continued without a gap and without a repeat.
//
// Before Synced it has no complete revision, and begins at 0 again after a cut. Later, complete is the last revision
// that arrived whole, current that of the last message, and seen how often each name of current was handed on: one
// revision may bring several scaling decisions on one deployment.
type position struct {
	live     bool
	complete int64
	current  int64
	seen     map[string]int
	// Of seen, how often each came in this attempt.
	again     map[string]int
	resetTold bool
}

// progress is a message without an event.
const progress Kind = 0

func newPosition(startRevision int64) *position {
	return &position{
		live:     startRevision != 0,
		complete: startRevision,
		current:  startRevision,
		seen:     map[string]int{},
		again:    map[string]int{},
	}
}

// resume is the start_revision to continue with.
func (p *position) resume() int64 {
	if p.live {
		return p.complete
	}
	return 0
}

// begin is to be called before each attempt.
func (p *position) begin() {
	clear(p.again)
	p.resetTold = false
}

// forget says that the history to continue from is gone: the next attempt begins with the present state.
func (p *position) forget() {
	*p = *newPosition(0)
}

// advance takes a message; says whether it is news, and whether a Reset is to be told before it.
func (p *position) advance(revision int64, kind Kind, name string) (reset, news bool) {
	if p.live {
		return false, p.advanceLive(revision, kind, name)
	}
	if kind == progress {
		return false, false
	}
	reset = !p.resetTold
	p.resetTold = true
	if kind == Synced {
		p.live = true
		p.complete, p.current = revision, revision
	}
	return reset, true
}

func (p *position) advanceLive(revision int64, kind Kind, name string) bool {
	if revision > p.current {
		p.complete = p.current
		p.current = revision
		p.forgetSeen()
	}
	if kind != Updated && kind != Deleted {
		// A watch that is resumed is first told the revision it was resumed from: that completes nothing.
		if revision == p.current {
			p.complete = p.current
			p.forgetSeen()
		}
		return false
	}
	if revision <= p.complete {
		return false
	}
	p.again[name]++
	if p.again[name] <= p.seen[name] {
		return false
	}
	p.seen[name] = p.again[name]
	return true
}

func (p *position) forgetSeen() {
	clear(p.seen)
	clear(p.again)
}
