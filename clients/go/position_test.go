package windlass

import (
	"fmt"
	"slices"
	"testing"
)

// step is a message of a feed, or a cut, or that history is gone.
type step struct {
	what     string
	revision int64
	name     string
}

func cut() step                             { return step{what: "cut"} }
func gone() step                            { return step{what: "gone"} }
func told(revision int64, name string) step { return step{"updated", revision, name} }
func dead(revision int64, name string) step { return step{"deleted", revision, name} }
func synced(revision int64) step            { return step{"synced", revision, ""} }
func quiet(revision int64) step             { return step{"progress", revision, ""} }

// play gives the news of the steps, "resume N" at each cut.
func play(start int64, steps []step) []string {
	at := newPosition(start)
	at.begin()
	var news []string
	for _, each := range steps {
		kind := map[string]Kind{"updated": Updated, "deleted": Deleted, "synced": Synced}[each.what]
		switch each.what {
		case "gone":
			at.forget()
			fallthrough
		case "cut":
			at.begin()
			news = append(news, fmt.Sprintf("resume %d", at.resume()))
			continue
		}
		reset, is := at.advance(each.revision, kind, each.name)
		if reset {
			news = append(news, "reset")
		}
		if is {
			news = append(news, fmt.Sprintf("%s%s@%d", each.what[:1], each.name, each.revision))
		}
	}
	return news
}

func TestPosition(t *testing.T) {
	for _, c := range []struct {
		name  string
		start int64
		steps []step
		want  []string
	}{
		{
			"the present state comes after a reset, and ends with synced", 0,
			[]step{told(3, "a"), told(3, "b"), synced(5), told(6, "a")},
			[]string{"reset", "ua@3", "ub@3", "s@5", "ua@6"},
		},
		{
			"an empty state is a reset and synced", 0,
			[]step{synced(5)},
			[]string{"reset", "s@5"},
		},
		{
			"progress before the present state tells nothing", 0,
			[]step{quiet(4), told(4, "a")},
			[]string{"reset", "ua@4"},
		},
		{
			"a cut before synced begins anew", 0,
			[]step{told(3, "a"), told(3, "b"), cut(), told(7, "b"), synced(7)},
			[]string{"reset", "ua@3", "ub@3", "resume 0", "reset", "ub@7", "s@7"},
		},
		{
			"a revision is complete once a later one has come", 0,
			[]step{synced(5), told(6, "a"), told(6, "b"), told(7, "a"), cut(), told(7, "a"), told(7, "b"), told(8, "a")},
			[]string{"reset", "s@5", "ua@6", "ub@6", "ua@7", "resume 6", "ub@7", "ua@8"},
		},
		{
			"progress completes a revision", 5,
			[]step{told(6, "a"), quiet(6), cut(), told(7, "a")},
			[]string{"ua@6", "resume 6", "ua@7"},
		},
		{
			"progress of a later revision completes it, too", 5,
			[]step{told(6, "a"), quiet(9), cut(), told(10, "a")},
			[]string{"ua@6", "resume 9", "ua@10"},
		},
		{
			"progress of the revision that was resumed from completes nothing", 5,
			[]step{told(6, "a"), cut(), quiet(5), told(6, "a"), cut(), quiet(5), told(6, "a"), told(6, "b")},
			[]string{"ua@6", "resume 5", "resume 5", "ub@6"},
		},
		{
			"a cut within a revision repeats nothing and leaves nothing out", 5,
			[]step{told(6, "a"), dead(6, "b"), cut(), told(6, "a"), dead(6, "b"), told(6, "c"), cut(), told(6, "a")},
			[]string{"ua@6", "db@6", "resume 5", "uc@6", "resume 5"},
		},
		{
			"a revision may tell several things of one name", 5,
			[]step{told(6, "a"), told(6, "a"), cut(), told(6, "a"), told(6, "a"), told(6, "a")},
			[]string{"ua@6", "ua@6", "resume 5", "ua@6"},
		},
		{
			"what is complete is not told again", 5,
			[]step{told(5, "a"), told(4, "a"), told(6, "a")},
			[]string{"ua@6"},
		},
		{
			"where history is gone it begins anew", 5,
			[]step{told(6, "a"), gone(), told(90, "b"), synced(90), told(91, "b")},
			[]string{"ua@6", "resume 0", "reset", "ub@90", "s@90", "ub@91"},
		},
		{
			"synced of a resumed watch is not told", 5,
			[]step{synced(5), told(6, "a"), synced(6), cut()},
			[]string{"ua@6", "resume 6"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := play(c.start, c.steps); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Whatever is cut, wherever: each event after synced is told once and in order.
func TestPositionTellsEachEventOnceWhereverItIsCut(t *testing.T) {
	history := []step{told(2, "a"), told(2, "b"), told(3, "a"), told(3, "a"), dead(3, "b"), told(5, "c"), told(6, "a")}
	var want []string
	for _, each := range history {
		want = append(want, fmt.Sprint(each))
	}
	for first := range len(history) + 1 {
		for second := range len(history) + 1 {
			at := newPosition(1)
			var got []string
			for _, limit := range []int{first, second, len(history)} {
				at.begin()
				from := at.resume()
				at.advance(from, progress, "")
				for i, each := range history {
					if each.revision <= from || i >= limit {
						continue
					}
					kind := map[string]Kind{"updated": Updated, "deleted": Deleted}[each.what]
					if _, news := at.advance(each.revision, kind, each.name); news {
						got = append(got, fmt.Sprint(each))
					}
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("cut after %d and %d: got %q, want %q", first, second, got, want)
			}
		}
	}
}
