package detect_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestLooksThroughReadtrailAreWatched: somebody who looks at their own record through Readtrail is found like somebody who opens it in
// the record system, as the same reader, and the look is judged. Nobody is found for a look of which it is not known who looked, or for
// a summary.
func TestLooksThroughReadtrailAreWatched(t *testing.T) {
	t.Parallel()
	h, w := fortnight(), fortnightWritten()
	self := ownLook(t, w)
	reader, patient := self.Readers[0].Identifier, self.Patients[0].Identifier
	at := h.start(14).Add(10*time.Hour + 30*time.Minute)
	look := func(asker string, summary bool, readers ...*v1.Identifier) *v1.Question {
		id, err := proto.MintEventID(at)
		if err != nil {
			t.Fatal(err)
		}
		return &v1.Question{
			QuestionId: id.Bytes(), Asker: asker, Role: proto.RoleInvestigator, Query: "WhoViewed", Patient: patient, Purpose: "curious", Rows: 7, Page: 1,
			AskedUs: at.UnixMicro(), Summary: summary, AskerReaders: readers, Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{patient}}},
		}
	}
	for name, tt := range map[string]struct {
		question    *v1.Question
		found, told bool
	}{
		"who is known":     {look("token:1", false, reader), true, true},
		"who is not known": {look("token:2", false), false, true},
		"a summary":        {look("token:1", true, reader), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			watched := h.copy(t)
			watched.after(at, entry{item: &v1.Item{Body: &v1.Item_Question{Question: tt.question}}})
			position := positionOf(t, watched, tt.question)
			got := judged(t, watched)
			found := slices.ContainsFunc(got.versions, func(a *v1.AlertVersion) bool {
				return a.Hard && a.Shown && slices.ContainsFunc(a.Accesses, func(c *v1.CitedAccess) bool { return c.Position == position }) &&
					a.Readers[0].Identifier.Value == reader.Value && a.Patients[0].Identifier.Value == patient.Value
			})
			judged := slices.ContainsFunc(got.messages, func(m *v1.Findings) bool {
				at := uint64(0)
				return slices.ContainsFunc(m.Verdicts.GetPositions(), func(d uint64) bool { at += d; return at == position })
			})
			if found != tt.found || judged != tt.told {
				t.Errorf("found %v, judged %v; want %v, %v", found, judged, tt.found, tt.told)
			}
		})
	}
}

// ownLook is an alert about somebody who looked at their own record.
func ownLook(t *testing.T, w *written) (self *v1.AlertVersion) {
	t.Helper()
	for _, a := range w.versions {
		if a.Hard && a.Shape == v1.Shape_SHAPE_PAIR && slices.ContainsFunc(a.Detectors, func(d *v1.FiredDetector) bool { return d.Detector == "SelfAccess" && d.Grade == 2 }) {
			self = a
		}
	}
	if self == nil {
		t.Fatal("nobody looked at their own record")
	}
	return self
}

// TestBrokenGlassIsWatched: a question under a broken glass is to detectors what a broken glass in a record system is (D7), and one
// without is not.
func TestBrokenGlassIsWatched(t *testing.T) {
	t.Parallel()
	h, w := fortnight(), fortnightWritten()
	self := ownLook(t, w)
	reader, patient := self.Readers[0].Identifier, self.Patients[0].Identifier
	at := h.start(10).Add(10*time.Hour + 30*time.Minute)
	look := func(glass *v1.Glass) *v1.Question {
		id, err := proto.MintEventID(at)
		if err != nil {
			t.Fatal(err)
		}
		return &v1.Question{
			QuestionId: id.Bytes(), Asker: "token:1", Role: proto.RoleInvestigator, Query: "WhoViewed", Patient: patient, Purpose: "case 7", Rows: 7, Page: 1,
			AskedUs: at.UnixMicro(), Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{patient}}}, Glass: glass,
			AskerReaders: []*v1.Identifier{reader},
		}
	}
	for name, tt := range map[string]struct {
		glass *v1.Glass
		found bool
	}{
		"broken": {&v1.Glass{GlassId: make([]byte, 20), Reason: "the other site asks for help"}, true},
		"whole":  {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := look(tt.glass)
			watched := h.copy(t)
			watched.after(at, entry{item: &v1.Item{Body: &v1.Item_Question{Question: q}}})
			position := positionOf(t, watched, q)
			got := judged(t, watched)
			found := slices.ContainsFunc(got.messages, func(m *v1.Findings) bool {
				return slices.ContainsFunc(m.Findings, func(f *v1.Finding) bool {
					return f.Detector == "BreakGlassMisuse" && f.Grade == 2 && slices.Contains(f.Positions, position)
				})
			})
			if found != tt.found {
				t.Errorf("found %v, want %v", found, tt.found)
			}
		})
	}
}

func positionOf(t *testing.T, h *hospital, q *v1.Question) uint64 {
	t.Helper()
	for _, b := range h.batches {
		items, err := b.Items()
		if err != nil {
			t.Fatal(err)
		}
		for i, it := range items {
			if asked := it.GetQuestion(); asked != nil && bytes.Equal(asked.QuestionId, q.QuestionId) {
				return uint64(b.Position(i))
			}
		}
	}
	t.Fatal("the question is in no batch")
	return 0
}
