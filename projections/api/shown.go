package api

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	protobuf "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// maxShownPatients bounds what one page tells of patients, in bytes of their serialised form. The question that is journaled for it has each
// identifier twice at most, and a message of the journal has 8 MiB.
const maxShownPatients = 2 << 20

// toldQuestions are questions as whom they were put to is told them.
type toldQuestions struct {
	questions []*v1.MyQuestion
	// notes say what is left out.
	notes []string
	// look is what they come to in the journal: rows, and whose records were shown by name.
	look *v1.Question
	// patients is how much of maxShownPatients they take.
	patients int
	// records are those of look, and identifiers its subjects.
	records, identifiers map[ident]bool
}

// tellQuestions tells questions with what was disclosed: as many as one answer holds, and the first in any case.
func (s *Service) tellQuestions(ctx context.Context, limits proto.Limits, rows []putQuestion) (*toldQuestions, error) {
	var ids [][]byte
	for _, q := range rows {
		ids = append(ids, q.entry.GetAsked().Shown...)
	}
	events, err := s.shownEvents(ctx, ids)
	if err != nil {
		return nil, err
	}
	told := &toldQuestions{look: &v1.Question{}, records: map[ident]bool{}, identifiers: map[ident]bool{}}
	for i, q := range rows {
		if more := takes(q.entry.GetAsked(), limits, events); i > 0 && told.patients+more > maxShownPatients {
			break
		}
		s.tellQuestion(told, limits, q, events)
	}
	return told, nil
}

// takes is what a question takes of maxShownPatients.
func takes(asked *v1.CaseAsked, limits proto.Limits, events map[string]*v1.AccessEvent) (bytes int) {
	for _, b := range asked.Shown {
		if event := events[string(b)]; event != nil && limits.Within(event) {
			bytes += patientsSize(event)
		}
	}
	return bytes
}

func patientsSize(event *v1.AccessEvent) (bytes int) {
	for _, p := range event.GetPatients() {
		bytes += protobuf.Size(p)
	}
	return bytes
}

// tellQuestion adds a question to those that are told. An access that cannot be told takes none of the others with it.
func (s *Service) tellQuestion(told *toldQuestions, limits proto.Limits, q putQuestion, events map[string]*v1.AccessEvent) {
	asked := q.entry.GetAsked()
	row := &v1.MyQuestion{
		Question: q.position.String(), Asker: q.entry.Asker, AskedUs: q.entry.AtUs, Respondent: asked.Respondent, Text: asked.Text,
		Answers: q.answers, SetDown: q.answered && len(q.answers) == 0, Closed: q.closed,
	}
	for i, b := range asked.Shown {
		event := events[string(b)]
		size := patientsSize(event)
		switch {
		case event == nil:
			told.leaveOut(i+1, row, "it is not found just now. Ask again in a moment.")
			continue
		case !limits.Within(event):
			continue
		case told.patients+size > maxShownPatients:
			told.leaveOut(i+1, row, "with it, the question shows more patients than one answer tells.")
			continue
		}
		told.patients += size
		access := s.shownAccess(i+1, event, asked.Patients)
		if asked.Patients {
			access.EventId = proto.EventID(b).String() // it was found by it
			told.show(event.Patients)
		}
		row.Accesses = append(row.Accesses, access)
	}
	told.questions = append(told.questions, row)
	told.look.Rows += uint64(1 + len(row.Accesses))
}

func (t *toldQuestions) leaveOut(number int, row *v1.MyQuestion, why string) {
	t.notes = append(t.notes, fmt.Sprintf("Access %d of question %s is left out: %s", number, row.Question, why))
}

// show sets down whose records were shown by name, each once. Nobody asked for one of them: they were shown.
func (t *toldQuestions) show(patients []*v1.Patient) {
	for _, p := range patients {
		for _, id := range p.Identifiers {
			if !t.identifiers[identOf(id)] {
				t.identifiers[identOf(id)] = true
				t.look.Subjects = append(t.look.Subjects, id)
			}
		}
		if shown := record(p.Identifiers...); shown != nil && !t.records[identOf(p.Identifiers[0])] {
			t.records[identOf(p.Identifiers[0])] = true
			t.look.Patients = append(t.look.Patients, shown...)
		}
	}
}

// shownEvents reads accesses that questions show, by their ids; one that is not there is not among them. Each message of the journal is read
// once.
func (s *Service) shownEvents(ctx context.Context, ids [][]byte) (map[string]*v1.AccessEvent, error) {
	places := map[uint64]map[string]proto.Position{}
	for _, b := range ids {
		id, err := proto.EventIDFromBytes(b)
		if err != nil {
			continue // no command writes one, and nothing has it
		}
		position, found, err := s.cfg.Locate(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("locate a disclosed access: %w", err)
		}
		if !found || position > s.cfg.Head() {
			continue
		}
		if places[position.Sequence()] == nil {
			places[position.Sequence()] = map[string]proto.Position{}
		}
		places[position.Sequence()][string(b)] = position
	}
	events := map[string]*v1.AccessEvent{}
	for _, sequence := range slices.Sorted(maps.Keys(places)) {
		b, err := s.cfg.ReadBatch(ctx, sequence)
		if err != nil {
			return nil, fmt.Errorf("read a disclosed access: %w", err)
		}
		for id, position := range places[sequence] {
			if position.Index() >= b.Count() {
				continue
			}
			item, err := b.Item(position.Index())
			if err != nil {
				return nil, fmt.Errorf("read a disclosed access: %w", err)
			}
			if event := eventOf(item).GetAccess(); event != nil {
				events[id] = event
			}
		}
	}
	return events, nil
}

// shownAccess tells who, when, what and of which patient, and nothing else of an access. Where the patients are not disclosed, a reader
// who is one, or acts for one, is not named either, and the access has its number within the question alone, without an id: that of an event
// without one at its source is a hash of the row, by which who knows the rest of the row can try one patient after the other.
func (s *Service) shownAccess(number int, event *v1.AccessEvent, patients bool) *v1.ShownAccess {
	out := &v1.ShownAccess{Number: uint32(number), OccurredUs: event.OccurredUs, Action: event.Action} // at most 50 (case.proto)
	for _, o := range event.Objects {
		if o.Type != "" && !slices.Contains(out.Objects, o.Type) {
			out.Objects = append(out.Objects, o.Type)
		}
	}
	if r := event.Reader; r != nil {
		out.Reader = &v1.Reader{Identifiers: r.Identifiers, Name: r.Name, Type: r.Type, Role: r.Role, Department: r.Department}
		if !patients && tellsPatient(r, event.Patients) {
			out.Reader = &v1.Reader{Type: r.Type, Identifiers: s.pseudonym(v1.Whom_WHOM_READER, r.Identifiers)}
		}
	}
	for _, p := range event.Patients {
		if !patients {
			out.Patients = append(out.Patients, &v1.Patient{Identifiers: s.pseudonym(v1.Whom_WHOM_PATIENT, p.Identifiers)})
			continue
		}
		out.Patients = append(out.Patients, &v1.Patient{Identifiers: p.Identifiers, Text: p.Text})
	}
	return out
}

// tellsPatient reports whether who the reader is says, or may say, who the patient is. A portal numbers its users by their records, a list of
// staff names people by name: what the two have in common counts, whatever the system, the case and the order of the words. It errs towards a
// pseudonym.
func tellsPatient(r *v1.Reader, patients []*v1.Patient) bool {
	if r.Type == v1.ReaderType_READER_TYPE_PATIENT || r.Type == v1.ReaderType_READER_TYPE_RELATED_PERSON {
		return true
	}
	known := map[string]bool{}
	for _, p := range patients {
		for _, text := range append(valuesOf(p.Identifiers), p.Text) {
			known[alike(text)] = true
		}
	}
	delete(known, "")
	return slices.ContainsFunc(append(valuesOf(r.Identifiers), r.Name), func(text string) bool { return known[alike(text)] })
}

func valuesOf(ids []*v1.Identifier) []string {
	out := make([]string, 0, len(ids)+1)
	for _, id := range ids {
		out = append(out, id.GetValue())
	}
	return out
}

// alike is the same of texts that may designate one person: their letters and digits by words, in whatever order. What stands before a FHIR
// id, as in Patient/17, and zeros before a number make no difference.
func alike(text string) string {
	text = projections.Fold(text)
	text = text[strings.LastIndex(text, "/")+1:]
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
	for i, word := range words {
		words[i] = strings.TrimLeft(word, "0")
	}
	slices.Sort(words)
	return strings.TrimSpace(strings.Join(words, " "))
}

// pseudonym stands for whom identifiers designate: that of the first, as the veil has it.
func (s *Service) pseudonym(whom v1.Whom, ids []*v1.Identifier) []*v1.Identifier {
	if len(ids) == 0 {
		return nil
	}
	return []*v1.Identifier{{Value: s.pseudonyms.of(whom, ids[0])}}
}

// MayShow reports whether there is such an access, within what the caller in ctx may see.
func (s *Service) MayShow(ctx context.Context, id proto.EventID) (bool, error) {
	ctx = proto.WithGlass(ctx, "")
	limits, err := s.limits(ctx)
	if err != nil {
		return false, err
	}
	events, err := s.shownEvents(ctx, [][]byte{id.Bytes()})
	event := events[string(id.Bytes())]
	return event != nil && limits.Within(event), err
}
