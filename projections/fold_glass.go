package projections

import v1 "github.com/readtrail/readtrail/proto/readtrail/v1"

func (f *folder) glassBroken(position uint64, g *v1.GlassBroken) {
	w := f.row(brokenGlass, position)
	if w == nil {
		return
	}
	w.text(IDText(g.GlassId))
	w.u64(position)
	w.time(f.out.received)
	w.bool(false)
	w.text(g.Asker)
	w.text(g.Role)
	w.text(g.Reason)
	w.u8(0)
	w.time(g.AtUs)
	w.time(g.UntilUs)
	w.texts(g.Limits.GetSites()...)
	w.texts(g.Limits.GetDepartments()...)
	w.bool(g.Limits.GetNothing())
	w.end()
}

func (f *folder) glassReviewed(position uint64, g *v1.GlassReviewed) {
	w := f.row(brokenGlass, position)
	if w == nil {
		return
	}
	w.text(IDText(g.GlassId))
	w.u64(position)
	w.time(f.out.received)
	w.bool(true)
	w.text(g.Asker)
	w.text(g.Role)
	w.text(g.Note)
	w.u8(small(g.Verdict))
	w.time(g.AtUs)
	w.time(0)
	w.texts()
	w.texts()
	w.bool(false)
	w.end()
}
