package proto

import (
	"strconv"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// OwnSource is the source under which looks through Readtrail are told as access events. No registered source has its name.
const OwnSource = "readtrail"

// Systems of codes that a look is told in (IHE BALP, PatientQuery; DICOM PS3.16 CID 400).
const (
	eventTypes   = "http://terminology.hl7.org/CodeSystem/audit-event-type"
	interactions = "http://hl7.org/fhir/restful-interaction"
	askerSystem  = "urn:readtrail:asker"
	roleSystem   = "urn:readtrail:role"
	purposeText  = "urn:readtrail:purpose"
	reasonText   = "urn:readtrail:break-glass-reason"
	actReasons   = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
)

// QuestionEvent tells a question as an access event in the shape of IHE BALP's PatientQuery: the asker as reader, their role, why, whose
// records the answer shows something of, and how many rows left. It is nil for a summary, whose answers named nobody. What follows the
// journal sees looks through Readtrail by it like those of any source; in the journal a question stands once.
func QuestionEvent(q *v1.Question) *v1.AccessEvent {
	if q == nil || q.Summary {
		return nil
	}
	id := NewEventID(EventIdentity{
		Source: OwnSource, Key: append(strconv.AppendUint(nil, uint64(q.Page), 10), q.QuestionId...), Recorded: time.UnixMicro(q.AskedUs),
	})
	e := &v1.AccessEvent{
		EventId: id.Bytes(), Source: OwnSource, OccurredUs: q.AskedUs, RecordedUs: q.AskedUs,
		Action: v1.Action_ACTION_SEARCH, ActionCode: "E", Outcome: v1.Outcome_OUTCOME_SUCCESS, Mode: v1.AccessMode_ACCESS_MODE_INCIDENTAL,
		Type:     &v1.Coding{System: eventTypes, Code: "rest", Display: "RESTful Operation"},
		Subtypes: []*v1.Coding{{System: interactions, Code: "search", Display: "search"}},
		Patients: q.Patients, Format: OwnSource,
		Reader: &v1.Reader{
			Identifiers: append(append([]*v1.Identifier{}, q.AskerReaders...), &v1.Identifier{System: askerSystem, Value: q.Asker}),
			Type:        v1.ReaderType_READER_TYPE_PERSON, Role: &v1.Coding{System: roleSystem, Code: q.Role},
		},
		Objects: []*v1.Object{{Type: q.Query, Count: uint32(min(q.Rows, 1<<32-1))}},
		Extensions: []*v1.Extension{
			{Name: "rows", Value: strconv.FormatUint(q.Rows, 10)},
			{Name: "page", Value: strconv.FormatUint(uint64(q.Page), 10)},
			{Name: "position", Value: strconv.FormatUint(q.Position, 10)},
		},
	}
	if question, err := EventIDFromBytes(q.QuestionId); err == nil {
		e.RequestId = question.String() // pages of one question are one look
	}
	if q.Purpose != "" {
		e.Purposes = []*v1.Coding{{System: purposeText, Display: q.Purpose}}
	}
	if q.Withheld > 0 {
		e.Extensions = append(e.Extensions, &v1.Extension{Name: WithheldExtension, Value: strconv.FormatUint(q.Withheld, 10)})
	}
	if g := q.Glass; g != nil {
		e.BreakGlass = true
		e.BreakGlassReason = &v1.Coding{System: reasonText, Code: "stated"} // in words: no glass is broken without
		e.Purposes = append(e.Purposes, &v1.Coding{System: actReasons, Code: "BTG", Display: "break the glass: " + g.Reason})
	}
	// Who asked for one patient looked at that record; whom a list showed was shown.
	if q.Patient.GetValue() != "" && len(q.Patients) == 1 {
		e.Action, e.ActionCode, e.Mode = v1.Action_ACTION_READ, "R", v1.AccessMode_ACCESS_MODE_DELIBERATE
	}
	if q.Query == exportQuery {
		e.Action = v1.Action_ACTION_EXPORT
	}
	return e
}

// WithheldExtension says in a look how much was left out of its answer because it was about the asker.
const WithheldExtension = "withheld"

// exportQuery is the question whose answer leaves as a file.
const exportQuery = "ExportScope"
