package fhir

import (
	"net/http"
	"strings"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto/fhirid"
)

// resource takes one resource: POST /fhir/TYPE and PUT /fhir/TYPE/ID.
func (h *handler) resource(w http.ResponseWriter, r *http.Request) {
	src, body := h.take(w, r)
	if body == nil {
		return
	}
	typ, id := r.PathValue("type"), r.PathValue("id")
	d := h.decoder()
	defer h.release(d)
	entry, err := d.resource(src, body, typ, id)
	if err != nil {
		address := "/fhir/" + typ
		if id != "" {
			address += "/" + id
		}
		h.reject(w, r, src, body, address, AsDecodeError(err))
		return
	}
	h.revisions.mark(src, &entry)
	results, _, err := h.Intake.Submit(r.Context(), src, []ingest.Entry{entry}, ingest.Options{})
	if err != nil {
		h.failed(w, r, err)
		return
	}
	status, answer := h.accepted(r, &entry, results[0])
	w.Header().Set("Location", answer.location)
	w.Header().Set("ETag", `W/"1"`)
	if strings.Contains(r.Header.Get("Prefer"), "return=minimal") {
		w.WriteHeader(status)
		return
	}
	respond(w, status, outcomeOfIssues(answer.issue))
}

// remove takes DELETE /fhir/TYPE/ID: the resource is gone, which is a fact like any other.
func (h *handler) remove(w http.ResponseWriter, r *http.Request) {
	src, ok := h.source(w, r)
	if !ok {
		return
	}
	typ, id := r.PathValue("type"), r.PathValue("id")
	if typ == "AuditEvent" || !fhirid.IsType(typ) {
		refuse(w, http.StatusMethodNotAllowed, "not-supported", "what was audited cannot be deleted")
		return
	}
	reference := typ + "/" + id
	d := h.decoder()
	defer h.release(d)
	entry, err := d.Decode(src, Input{Data: deletion(reference), deleted: reference})
	if err != nil {
		refuse(w, http.StatusBadRequest, "value", "this is no resource that could be deleted")
		return
	}
	h.revisions.mark(src, &entry)
	if _, _, err := h.Intake.Submit(r.Context(), src, []ingest.Entry{entry}, ingest.Options{}); err != nil {
		h.failed(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// assignedID is the id for a created resource that brings none, made from its content so that a retry gets the same.
func (d *Decoder) assignedID(body []byte) string {
	if d.doc.scan(body) != nil || d.doc.scalar(d.doc.get(0, "id")) != "" || d.doc.field(0, "resourceType") == "AuditEvent" {
		return ""
	}
	content := hashOf(d.doc.compact())
	return "assigned-" + content
}

// fits checks the resource against the address that it was sent to.
func fits(entry ingest.Entry, typ, id string) error {
	have, haveID := "AuditEvent", entry.Item.GetAccess().GetSourceEventId()
	if fact := entry.Item.GetContext(); fact != nil {
		have, haveID = fact.ResourceType, fact.ResourceId
	}
	switch {
	case have != typ:
		return &ingest.DecodeError{Reason: ingest.ReasonInvalidValue, Element: "resourceType", Message: "the resource is of another type than the address"}
	case id != "" && haveID != "" && haveID != id:
		return &ingest.DecodeError{Reason: ingest.ReasonInvalidValue, Element: have + ".id", Message: "the resource has another id than the address"}
	}
	return nil
}

// reject keeps a body that is no event as a dead letter, with the address that it was sent to, and tells the caller what
// is wrong with it.
func (h *handler) reject(w http.ResponseWriter, r *http.Request, src ingest.Source, body []byte, address string, decodeErr *ingest.DecodeError) {
	letter := ingest.DeadLetter(src, ingest.Fault{
		Err: decodeErr, Original: body, MediaType: requestMediaType(r.Method, address), Format: "fhir", Origin: r.Method + " /fhir",
		Line: 1, Column: 1,
	})
	if _, _, err := h.Intake.Submit(r.Context(), src, []ingest.Entry{letter}, ingest.Options{}); err != nil {
		h.failed(w, r, err)
		return
	}
	respond(w, statusOf(decodeErr), outcomeOfIssues(issueOf(decodeErr, letter.ID.String())))
}

// answer is what a caller learns about one entry.
type answer struct {
	location string
	issue    issue
}

// accepted tells what became of an entry: 201 for what is new, 200 for what was known, 201 and a warning for a conflict.
func (h *handler) accepted(r *http.Request, entry *ingest.Entry, result ingest.Result) (int, answer) {
	typ, id := "AuditEvent", result.ID.String()
	if fact := entry.Item.GetContext(); fact != nil {
		typ, id = fact.ResourceType, fact.ResourceId
	}
	out := answer{location: h.location(r, typ, id)}
	switch result.Status {
	case ingest.Duplicate:
		out.issue = issue{Severity: severityInformation, Code: "duplicate", Diagnostics: "known already, under the same id: " + result.ID.String()}
		return http.StatusOK, out
	case ingest.Conflict:
		out.issue = issue{
			Severity: severityWarning, Code: "conflict",
			Diagnostics: "another content stands under this id already; both are kept, this one as " + result.ID.String(),
		}
		return http.StatusCreated, out
	}
	out.issue = issue{Severity: severityInformation, Code: "informational", Diagnostics: "stored as " + result.ID.String()}
	return http.StatusCreated, out
}
