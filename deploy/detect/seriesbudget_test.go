package detect_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	pb "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/detectors/ruleset"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// budgetOf is a rule set that shows so many a day.
func budgetOf(t *testing.T, n int) entry {
	t.Helper()
	return entry{item: &v1.Item{Body: &v1.Item_RuleSet{RuleSet: ruleSet(t, func(c *ruleset.Config) { c.Budget = n })}}}
}

// TestWhatGoesOnTakesAPlace: a series that goes on takes a place of the day, before what is new, and the budget stays a ceiling: what finds no
// place stands by itself. While it is not shown a series is one alert as well.
func TestWhatGoesOnTakesAPlace(t *testing.T) {
	t.Parallel()
	base, reader, at := snooped(t, 8)
	for _, budget := range []int{1, 2} {
		h := base.copy(t)
		h.after(at[0].Add(-24*time.Hour), budgetOf(t, budget))
		w := judged(t, h)
		must(t, w.same(restoredOften(t, h, len(h.batches)-150)))
		closings, grew, apart := map[uint64][]string{}, false, false
		unshown := map[string]bool{}
		for _, a := range w.versions {
			if a.AtUs <= at[0].UnixMicro() || a.State == v1.AlertState_ALERT_STATE_RETRACTED {
				continue
			}
			if a.Shown && !a.Hard && !mayExceed(a) {
				closings[a.Cause] = append(closings[a.Cause], fmt.Sprintf("%s %s, version %d, chance %d", a.Shape, a.Scenario, a.Version, a.Chance))
			}
			mine, serial := pb.Equal(a.Readers[0].Identifier, reader), a.Shape == v1.Shape_SHAPE_SERIAL
			grew = grew || mine && serial && a.Shown && a.Version > 1
			apart = apart || mine && !serial && !a.Shown && strangers(a)["7"] > 0
			if mine && serial && !a.Shown {
				unshown[string(a.AlertId)] = true
			}
		}
		for _, shown := range closings {
			if len(shown) > budget {
				t.Errorf("one closing shows with a budget of %d: %v", budget, shown)
			}
		}
		latestOf(t, w, reader)
		if len(unshown) > 1 {
			t.Errorf("with a budget of %d, %d series of one reader were never shown", budget, len(unshown))
		}
		if grew != (budget == 2) || apart != (budget == 1) {
			t.Errorf("with a budget of %d, the series went on: %v, and its last day stood by itself: %v", budget, grew, apart)
		}
	}
}

// TestALateDayOfAStory: with a budget of one, something that comes late of a day on which a story took the place shows no other one, though the
// story began before and went on since.
func TestALateDayOfAStory(t *testing.T) {
	t.Parallel()
	base := fortnight().copy(t)
	base.after(base.start(1), budgetOf(t, 1))
	base.share(t, base.start(8))
	w := judged(t, base)
	tried := 0
	for _, late := range middleDays(base, w) {
		for _, a := range w.versions {
			if a.Day != late.day || a.Shown || a.Shape != v1.Shape_SHAPE_PAIR || a.Chance < 400 || string(a.AlertId) == late.story || a.Version != 1 || tried == 4 {
				continue
			}
			tried++
			h := base.copy(t)
			e := citedEvents(t, base, a)[0]
			e.SourceEventId, e.EventId, e.RequestId = "late", nil, ""
			e.OccurredUs += time.Minute.Microseconds()
			e.RecordedUs = e.OccurredUs
			h.after(late.came, entry{item: &v1.Item{Body: &v1.Item_Access{Access: e}}})
			got := judged(t, h)
			for _, x := range got.versions {
				if string(x.AlertId) == string(a.AlertId) && x.Shown {
					t.Errorf("day %d, whose place a story has, shows another one when something comes late of it: %s, chance %d", late.day, x.Scenario, x.Chance)
				}
			}
		}
	}
	if tried == 0 {
		t.Error("no day is in the middle of a story that is shown, with another candidate: the test saw nothing")
	}
}

// lateOf is a day in the middle of a story, and when something comes late of it.
type lateOf struct {
	story string
	day   int32
	came  time.Time
}

// middleDays are the days in the middle of stories that are shown, pairs and series.
func middleDays(h *hospital, w *written) (out []lateOf) {
	days := map[string][]int32{}
	for _, a := range w.versions {
		if !a.Shown || a.Shape != v1.Shape_SHAPE_PAIR && a.Shape != v1.Shape_SHAPE_SERIAL {
			continue
		}
		var of []int32
		for _, c := range a.Accesses {
			x := time.UnixMicro(c.OccurredUs).In(h.zone)
			of = append(of, int32(time.Date(x.Year(), x.Month(), x.Day(), 0, 0, 0, 0, time.UTC).Unix()/86_400))
		}
		slices.Sort(of)
		days[string(a.AlertId)] = slices.Compact(of)
	}
	for id, of := range days {
		for i := 1; i < len(of)-1; i++ {
			out = append(out, lateOf{id, of[i], time.Unix(int64(of[len(of)-1]+2)*86_400, 0).Add(10 * time.Hour)})
		}
	}
	slices.SortFunc(out, func(a, b lateOf) int { return cmp.Or(cmp.Compare(a.day, b.day), strings.Compare(a.story, b.story)) })
	return out
}
