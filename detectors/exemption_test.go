package detectors_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// ward is what an engine is handed of Anna, who looks at one record a day for eight days.
type ward struct {
	e    *detectors.Engine
	take func(*v1.Item)
	// late is nine in the morning of the ninth day, a Tuesday.
	late time.Time
}

// newWard has the staff list say the roles of Anna, each PractitionerRole.code and PractitionerRole.period.
func newWard(t *testing.T, exemptions detectors.Exemptions, roles ...[2]string) *ward {
	t.Helper()
	e, take := standing(t, detectors.Settings{LearningDays: 2, Exemptions: exemptions})
	first := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	w := &ward{e, take, first.AddDate(0, 0, 8)}
	w.fact("Organization", "ward", `{"resourceType":"Organization","id":"ward","name":"ward"}`)
	for i, r := range roles {
		w.fact("PractitionerRole", fmt.Sprint(i), fmt.Sprintf(`{"resourceType":"PractitionerRole","id":"%d","practitioner":{"identifier":{"system":"s","value":"anna"}},
			"organization":{"reference":"Organization/ward"},"code":[{"coding":[{"code":%q}]}],"period":%s}`, i, r[0], r[1]))
	}
	for d := range 8 {
		w.tick(first.AddDate(0, 0, d))
		w.look(first.AddDate(0, 0, d), 1)
	}
	return w
}

func (w *ward) fact(kind, id, resource string) {
	w.take(&v1.Item{Body: &v1.Item_Context{Context: &v1.ContextFact{Source: "hr", ResourceType: kind, ResourceId: id, Resource: []byte(resource)}}})
}

// look is one at a record, of an event that says that its reader is a registrar.
func (w *ward) look(at time.Time, patient int) {
	w.take(&v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{
		OccurredUs: at.UnixMicro(), Action: v1.Action_ACTION_READ,
		Reader:   &v1.Reader{Identifiers: []*v1.Identifier{{System: "s", Value: "anna"}}, Department: "ward", Role: &v1.Coding{Code: "registrar"}},
		Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "p", Value: fmt.Sprint(patient)}}}},
	}}})
}

// looks are twenty of the ninth day, at records from a number on.
func (w *ward) looks(from int) {
	for i := range 20 {
		w.look(w.late.Add(time.Duration(i)*5*time.Minute), from+i)
	}
}

func (w *ward) tick(at time.Time) {
	w.take(&v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: at.UnixMicro()}}})
}

// days is a tick so many days behind the ninth day.
func (w *ward) days(n int) { w.tick(w.late.AddDate(0, 0, n)) }

func exempt(role, from, until string) detectors.Exemptions {
	return detectors.Exemptions{{Detector: "VolumeSpike", Role: role, From: from, Until: until, Reason: "register", Owner: "office"}}
}

// TestLateWithinAnExemption: what comes when an exemption has ended, of one of its days, is of that day; what comes of another day is not exempt,
// and no detector but the one that it names is.
func TestLateWithinAnExemption(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from, until, role string
		held, found       uint64
	}{
		"the day":             {"2026-03-10", "2026-03-11", "registrar", 1, 0},
		"ends before it":      {"2026-03-05", "2026-03-10", "registrar", 0, 1},
		"begins behind it":    {"2026-03-11", "2026-03-20", "registrar", 0, 1},
		"of another role":     {"2026-03-10", "2026-03-11", "nurse", 0, 1},
		"capitals of a role":  {"2026-03-10", "2026-03-11", "Registrar", 1, 0},
		"of days not to come": {"2027-03-10", "2027-03-11", "registrar", 0, 1},
	} {
		w := newWard(t, exempt(c.role, c.from, c.until), [2]string{"registrar", "{}"})
		w.days(5)
		if s := w.e.Stats(); s.Findings["VolumeSpike"] != 0 || s.Days != 8 {
			t.Fatalf("%s: %d days were judged and %d spikes found before there was one", name, s.Days, s.Findings["VolumeSpike"])
		}
		w.looks(0)
		w.days(6)
		s, held := w.e.Stats(), w.e.HeldBack()
		if len(held) != 1 || held[0].Findings != c.held || s.Findings["VolumeSpike"] != c.found || s.Findings["HourSpike"] != 1 {
			t.Errorf("%s: held back %v, %v found; want %d and %d", name, held, s.Findings, c.held, c.found)
		}
	}
}

// TestHeldBackOnceADay: of a day that was closed with one look, twenty that come late are held back, and counted; twenty more are no other day.
func TestHeldBackOnceADay(t *testing.T) {
	t.Parallel()
	w := newWard(t, exempt("registrar", "2026-03-10", "2026-03-11"), [2]string{"registrar", "{}"})
	w.look(w.late, 1)
	for i, want := range []uint64{0, 1, 1} {
		if i > 0 {
			w.looks(100 * i)
		}
		w.days(2 + i)
		if held := w.e.HeldBack()[0].Findings; held != want || w.e.Stats().Findings["VolumeSpike"] != 0 {
			t.Errorf("part %d of the day: %d held back, want %d", i, held, want)
		}
	}
}

// TestExemptByStaffList: who is exempt is what the staff list says of noon, not what events say of their reader or when the first of them was; whom it does not
// know, or knows as nothing of the kind at noon, is not exempt. So the day is exempt or not, whatever comes late of it.
func TestExemptByStaffList(t *testing.T) {
	t.Parallel()
	const before, after = `{"end":"2026-03-10T11:00:00Z"}`, `{"start":"2026-03-10T11:00:00Z"}`
	for name, c := range map[string]struct {
		role  string
		roles [][2]string
		held  uint64
	}{
		"an event's role, of somebody unknown": {"registrar", nil, 0},
		"an event's role, and no code":         {"registrar", [][2]string{{"", "{}"}}, 0},
		"an event's role against theirs":       {"registrar", [][2]string{{"nurse", "{}"}}, 0},
		"theirs against an event's":            {"nurse", [][2]string{{"nurse", "{}"}}, 1},
		"theirs from eleven on":                {"registrar", [][2]string{{"nurse", before}, {"registrar", after}}, 1},
		"theirs until eleven":                  {"nurse", [][2]string{{"nurse", before}, {"registrar", after}}, 0},
		"they left at eleven":                  {"nurse", [][2]string{{"nurse", before}}, 0},
		"accents and signs":                    {"Infirmière/RN", [][2]string{{"INFIRMIERE/RN", "{}"}}, 1},
		"accents and signs of the staff list":  {"infirmiere rn", [][2]string{{"Infirmière/RN", "{}"}}, 1},
	} {
		for _, late := range []bool{false, true} {
			w := newWard(t, exempt(c.role, "2026-03-10", "2026-03-11"), c.roles...)
			if late { // nine in the morning was told, of the rest of the day nothing
				w.look(w.late.Add(-time.Hour), 1)
				w.days(2)
			}
			w.looks(100)
			w.days(3)
			held, found := w.e.HeldBack()[0], w.e.Stats().Findings["VolumeSpike"]
			if held.Findings != c.held || found == 0 != (c.held == 1) && !late {
				t.Errorf("%s, late %t: held back %v, %d found; want %d", name, late, held, found, c.held)
			}
		}
	}
}

// TestExemptDaysTeachNothing: among peers, a day on which a reader is exempt counts neither as quiet nor as anything else.
func TestExemptDaysTeachNothing(t *testing.T) {
	t.Parallel()
	counted := func(exemptions detectors.Exemptions) uint64 {
		w := newWard(t, exemptions, [2]string{"registrar", "{}"})
		w.look(w.late, 1)
		w.days(2)
		return w.e.Observed("VolumeSpike")
	}
	all, without := counted(nil), counted(exempt("registrar", "2026-03-05", "2026-03-07"))
	if each := all / 9; all == 0 || without != all-2*each {
		t.Errorf("%d are counted, %d without two of nine days", all, without)
	}
}
