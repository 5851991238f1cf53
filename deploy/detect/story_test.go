package detect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	pb "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestTheSameAgainIsOneStory: who opens the same record day after day, and nothing else is new, is one alert with versions: each cites
// and tells all days. What is new about a day is a fresh alert, and so is what goes on after it was found to be misuse.
func TestTheSameAgainIsOneStory(t *testing.T) {
	t.Parallel()
	base, w := fortnight(), fortnightWritten()
	of := likelyPair(t, base, w)
	first := time.UnixMicro(of.Accesses[0].OccurredUs)
	reader, patient := of.Readers[0].Identifier, of.Patients[0].Identifier
	for name, more := range map[string]struct {
		change func(e *v1.AccessEvent)
		misuse bool
		fresh  bool
	}{
		"the same again":     {func(*v1.AccessEvent) {}, false, false},
		"and then a theft":   {func(e *v1.AccessEvent) { e.Action = v1.Action_ACTION_EXPORT }, false, true},
		"though it is known": {func(*v1.AccessEvent) {}, true, true},
	} {
		h := base.copy(t)
		var all []arrival
		for day := 1; day <= 2; day++ {
			var again []entry
			for i, e := range citedEvents(t, base, of) {
				e.SourceEventId = fmt.Sprintf("again-%d-%d", day, i)
				e.EventId, e.RequestId = nil, ""
				e.OccurredUs += (time.Duration(day) * 24 * time.Hour).Microseconds()
				e.RecordedUs = e.OccurredUs
				if day == 2 {
					more.change(e)
				}
				again = append(again, entry{item: &v1.Item{Body: &v1.Item_Access{Access: e}}})
			}
			all = append(all, arrival{first.Add(time.Duration(day)*24*time.Hour + 12*time.Hour), again})
		}
		if more.misuse {
			all = append(all, arrival{time.UnixMicro(of.AtUs).Add(time.Hour), []entry{decision(of, v1.Disposition_DISPOSITION_MISUSE)}})
		}
		h.insert(all...)
		got := judged(t, h)
		latest := map[string]*v1.AlertVersion{}
		for _, a := range got.versions {
			if a.Shape == v1.Shape_SHAPE_PAIR && pb.Equal(a.Readers[0].Identifier, reader) && pb.Equal(a.Patients[0].Identifier, patient) &&
				a.Day >= of.Day && a.Day <= of.Day+2 {
				if was := latest[string(a.AlertId)]; was != nil && a.Version != was.Version+1 {
					t.Errorf("%s: version %d follows %d", name, a.Version, was.Version)
				}
				latest[string(a.AlertId)] = a
			}
		}
		story := latest[string(of.AlertId)]
		if story == nil || !story.Shown {
			t.Fatalf("%s: the first day's alert is not shown", name)
		}
		want := 1
		if more.fresh {
			want = 2
		}
		if len(latest) != want {
			t.Errorf("%s: %d alerts on three days, want %d", name, len(latest), want)
		}
		days := map[int32]bool{}
		for _, c := range story.Accesses {
			days[int32(time.UnixMicro(c.OccurredUs).In(h.zone).Sub(first.In(h.zone).Truncate(24*time.Hour))/(24*time.Hour))] = true
		}
		told := 0
		for day := range 3 {
			if slices.ContainsFunc(story.Note.What, func(s string) bool {
				return strings.Contains(s, first.AddDate(0, 0, day).In(h.zone).Format("Monday 2 January 2006"))
			}) {
				told++
			}
		}
		if whole := 3; !more.fresh && (len(days) != whole || told != whole || story.Version < 3 || story.Day != of.Day) {
			t.Errorf("%s: version %d of day %d cites %d days and tells %d, want %d", name, story.Version, story.Day-of.Day, len(days), told, whole)
		}
	}
}

// likelyPair is a pair of which an alert was shown when its day was closed, early enough for two more days, and of no other day.
func likelyPair(tb testing.TB, h *hospital, w *written) *v1.AlertVersion {
	tb.Helper()
	last := int32(h.start(10).Unix() / 86_400)
	for _, a := range w.versions {
		if a.Shown && !a.Hard && a.Shape == v1.Shape_SHAPE_PAIR && a.Version == 1 && a.Day <= last && a.Day > last-4 && a.Chance > 600 {
			return a
		}
	}
	tb.Fatal("no alert of one reader and one record")
	return nil
}

// citedEvents are copies of the events that an alert cites.
func citedEvents(tb testing.TB, h *hospital, a *v1.AlertVersion) (out []*v1.AccessEvent) {
	tb.Helper()
	for _, c := range a.Accesses {
		at := proto.Position(c.Position)
		it, err := h.batches[at.Sequence()-1].Item(at.Index())
		must(tb, err)
		e, _ := pb.Clone(it.GetAccess()).(*v1.AccessEvent)
		out = append(out, e)
	}
	return out
}
