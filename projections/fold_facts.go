package projections

import (
	"encoding/hex"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func (f *folder) deadLetter(position uint64, d *v1.DeadLetter) {
	w := f.row(deadLetters, position)
	if w == nil {
		return
	}
	w.u64(position)
	w.time(f.out.received)
	w.text(IDText(d.EventId))
	w.text(d.Source)
	w.text(d.Reason)
	w.text(d.Message)
	w.text(d.Element)
	w.text(d.Origin)
	w.u64(d.Line)
	w.u64(d.Column)
	w.u64(d.SizeBytes)
	w.text(d.Format)
	w.u64(ImportKey(d.ImportId))
	w.end()
}

func (f *folder) deadLetterRetried(position uint64, d *v1.DeadLetterRetried) {
	w := f.row(deadLetterRetries, position)
	if w == nil {
		return
	}
	w.u64(d.DeadLetterPosition)
	w.u64(position)
	w.time(f.out.received)
	w.text(IDText(d.DeadLetterId))
	w.text(IDText(d.EventId))
	w.u64(d.Position)
	w.text(d.Reason)
	w.text(d.Asker)
	w.end()
}

func (f *folder) importMark(position uint64, m *v1.ImportMark) {
	w := f.row(imports, position)
	if w == nil {
		return
	}
	w.u64(ImportKey(m.ImportId))
	w.u64(position)
	w.time(f.out.received)
	w.text(hex.EncodeToString(m.ImportId))
	w.u8(small(m.Phase))
	w.text(m.Source)
	w.bool(m.Backfill)
	w.text(m.Name)
	w.u64(m.Stored)
	w.u64(m.Duplicates)
	w.u64(m.Conflicts)
	w.u64(m.DeadLetters)
	w.end()
}

// question folds a look: a row for each distinct subject, or one row when the question names nobody.
func (f *folder) question(position uint64, q *v1.Question) {
	kind, subjects := SubjectsOf(q)
	if len(subjects) == 0 {
		subjects = []*v1.Identifier{{}}
	}
	for i, s := range subjects {
		w := f.row(questions, position)
		if w == nil {
			continue
		}
		w.u64(Key(s.System, s.Value))
		w.u64(position)
		w.u32(uint32(i))
		w.u8(kind)
		w.text(s.System)
		w.text(s.Value)
		w.time(f.out.received)
		w.text(IDText(q.QuestionId))
		w.text(q.Asker)
		w.text(q.Role)
		w.text(q.Query)
		w.text(q.Purpose)
		w.u64(q.Rows)
		w.u32(q.Page)
		w.u64(q.Position)
		w.bool(q.Summary)
		w.time(q.AskedUs)
		w.text(IDText(q.Glass.GetGlassId()))
		w.end()
	}
}

// SubjectsOf returns whom a question is about: the one asked for first, then those it followed.
func SubjectsOf(q *v1.Question) (kind uint8, subjects []*v1.Identifier) {
	var asked *v1.Identifier
	switch {
	case q.Patient.GetValue() != "":
		kind, asked = SubjectPatient, q.Patient
	case q.Reader.GetValue() != "":
		kind, asked = SubjectReader, q.Reader
	case len(q.Subjects) > 0:
		kind = SubjectPatient
	}
	known := map[[2]string]struct{}{}
	for _, s := range append([]*v1.Identifier{asked}, q.Subjects...) {
		if proto.Key(s) == "" {
			continue
		}
		id := [2]string{s.System, s.Value}
		if _, ok := known[id]; !ok {
			known[id] = struct{}{}
			subjects = append(subjects, s)
		}
	}
	if len(subjects) == 0 {
		kind = SubjectNobody
	}
	return kind, subjects
}

func (f *folder) source(position uint64, s *v1.SourceRegistered) {
	w := f.row(sources, position)
	if w == nil {
		return
	}
	w.text(s.Name)
	w.u64(position)
	w.time(f.out.received)
	w.text(s.Owner)
	w.text(s.TimeZone)
	w.u8(small(s.IdentityPolicy))
	w.text(s.BaseUrl)
	w.texts(s.Systems...)
	w.u32(s.ExpectedSilenceS)
	w.bool(s.Disabled)
	w.text(s.Asker)
	w.text(s.PatientSystem)
	w.text(s.ReaderSystem)
	w.u32(s.PairWithinS)
	w.end()
}

func (f *folder) coverage(position uint64, c *v1.CoverageFact) {
	w := f.row(coverage, position)
	if w == nil {
		return
	}
	w.text(c.Source)
	w.u8(small(c.Kind))
	w.time(c.FromUs)
	w.u64(position)
	w.time(c.UntilUs)
	w.i64(c.Amount)
	w.time(f.out.received)
	w.end()
}

// IDText is the KSUID text of an id; "" for none, hexadecimal for what is no id.
func IDText(id []byte) string {
	if len(id) == 0 {
		return ""
	}
	event, err := proto.EventIDFromBytes(id)
	if err != nil {
		return hex.EncodeToString(id)
	}
	return event.String()
}
