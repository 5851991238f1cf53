package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// shownEvent reads an access that a question shows.
func (s *Service) shownEvent(ctx context.Context, b []byte) (*v1.AccessEvent, error) {
	id, err := proto.EventIDFromBytes(b)
	if err != nil {
		return nil, fmt.Errorf("read a disclosed access: %w: %w", err, proto.ErrCorrupt)
	}
	e, err := s.entry(ctx, "event", id.String(), v1.Kind_KIND_ACCESS, v1.Kind_KIND_QUESTION)
	if err != nil {
		return nil, err
	}
	event := eventOf(e.item).GetAccess()
	if event == nil {
		return nil, notFound("the journal holds no such event")
	}
	return event, nil
}

// shownAccess tells who, when, what and of which patient, and nothing else of an access. Where the patients are not disclosed, a reader
// who is one, or acts for one, is not named either, and the access has its number within the question alone: the id of an event without one
// at its source is a hash of the row, by which who knows the rest of the row can try one patient after the other.
func (s *Service) shownAccess(number int, event *v1.AccessEvent, patients bool) *v1.ShownAccess {
	out := &v1.ShownAccess{Number: uint32(number), OccurredUs: event.OccurredUs, Action: event.Action} // at most 50 (case.proto)
	if patients {
		out.EventId = proto.EventID(event.EventId).String()
	}
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
	event, err := s.shownEvent(ctx, id.Bytes())
	if isNotFound(err) {
		return false, nil
	}
	return err == nil && limits.Within(event), err
}
