package projections

import (
	"encoding/hex"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/views"
)

func (f *folder) decision(position uint64, d *v1.AlertDecision) {
	w := f.row(decisions, position)
	if w == nil {
		return
	}
	w.text(IDText(d.AlertId))
	w.u64(position)
	w.time(f.out.received)
	w.u32(d.Version)
	w.u8(small(d.Disposition))
	w.text(d.Comment)
	w.text(d.Asker)
	w.text(d.Role)
	w.time(d.DecidedUs)
	w.end()
}

func (f *folder) backfillReleased(position uint64, b *v1.BackfillReleased) {
	w := f.row(backfillReleases, position)
	if w == nil {
		return
	}
	w.u64(ImportKey(b.ImportId))
	w.u64(position)
	w.time(f.out.received)
	w.text(hex.EncodeToString(b.ImportId))
	w.text(b.Asker)
	w.end()
}

func (f *folder) contextGap(position uint64, g *v1.ContextGap) {
	w := f.row(contextGaps, position)
	if w == nil {
		return
	}
	w.text(g.Context)
	w.u64(position)
	w.time(f.out.received)
	w.bool(g.Absent)
	w.time(g.NewestUs)
	w.texts(g.Blind...)
	w.end()
}

func (f *folder) ruleSet(position uint64, r *v1.RuleSet) {
	w := f.row(ruleSets, position)
	if w == nil {
		return
	}
	w.text(hex.EncodeToString(r.Hash))
	w.u64(position)
	w.time(f.out.received)
	w.text(r.Code)
	w.text(r.Config)
	w.text(r.Weights)
	w.text(r.Asker)
	w.end()
}

func (f *folder) scopeFrozen(position uint64, s *v1.ScopeFrozen) {
	w := f.row(frozenScopes, position)
	if w == nil {
		return
	}
	body, err := s.MarshalVT()
	if err != nil {
		body = nil // a message that was just unpacked can be packed again
	}
	w.u64(position)
	w.time(f.out.received)
	w.text(string(body))
	w.end()
}

// caseEntry writes a step of a case as it is. Whether it counts is for who reads the steps to say.
func (f *folder) caseEntry(position uint64, e *v1.CaseEntry) {
	w := f.row(caseSteps, position)
	if w == nil {
		return
	}
	body, err := e.MarshalVT()
	if err != nil {
		body = nil // as above
	}
	step := e.ProtoReflect().WhichOneof(e.ProtoReflect().Descriptor().Oneofs().ByName("body"))
	var number uint8
	if step != nil {
		number = uint8(step.Number()) // 10 to 21
	}
	w.text(IDText(e.CaseId))
	w.u64(position)
	w.time(f.out.received)
	w.u32(e.Version)
	w.u8(number)
	w.u32(max(e.GetAsked().GetQuestion(), e.GetAnswered().GetQuestion()))
	w.text(e.Asker)
	w.text(e.Role)
	w.time(e.AtUs)
	var added [][]byte
	if !f.conflict { // who lost a number to another step must not be able to say whom the case is about
		added = append(append(added, e.GetOpened().GetAlerts()...), e.GetAlerts().GetAdded()...)
	}
	w.texts(idTexts(added)...)
	w.text(string(body))
	w.text(e.GetAsked().GetTo())
	w.end()
}

// viewEntry writes a version of a saved view as it is.
func (f *folder) viewEntry(position uint64, e *v1.ViewEntry) {
	w := f.row(savedViews, position)
	if w == nil {
		return
	}
	body, err := e.MarshalVT()
	if err != nil {
		body = nil // as above
	}
	w.text(IDText(e.ViewId))
	w.u64(position)
	w.time(f.out.received)
	w.u32(e.Version)
	w.text(e.Owner)
	w.bool(e.Shared)
	w.bool(e.Deleted)
	w.u8(small(views.PageOf(e.Question)))
	w.text(string(body))
	w.end()
}

func idTexts(ids [][]byte) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = IDText(id)
	}
	return out
}
