package fhir

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
)

// bundle is a searchset (R4 section 2.36; R5 is alike).
type bundle struct {
	ResourceType string        `json:"resourceType"`
	Meta         *meta         `json:"meta,omitempty"`
	Type         string        `json:"type"`
	Total        *uint64       `json:"total,omitempty"`
	Link         []bundleLink  `json:"link"`
	Entry        []bundleEntry `json:"entry,omitempty"`
}

type bundleLink struct {
	Relation string `json:"relation"`
	URL      string `json:"url"`
}

type bundleEntry struct {
	FullURL  string     `json:"fullUrl,omitempty"`
	Resource any        `json:"resource"`
	Search   searchMode `json:"search"`
}

type searchMode struct {
	Mode string `json:"mode"`
}

// search answers GET AuditEvent?... and POST AuditEvent/_search.
func (h *handler) search(w http.ResponseWriter, r *http.Request) {
	if err := h.answer(w, r); err != nil {
		h.refuse(r.Context(), w, err)
	}
}

func (h *handler) answer(w http.ResponseWriter, r *http.Request) *refusal {
	all, refusedBy := parameters(w, r)
	if refusedBy != nil {
		return refusedBy
	}
	as, refusedBy := accept(r, valueOf(all, "_format"))
	if refusedBy != nil {
		return refusedBy
	}
	at := place{Parameters: all, Version: as.version, Purpose: purposeOf(r)}
	caller := proto.CallerFrom(r.Context())
	if sealed := valueOf(all, pageParameter); sealed != "" && caller.MayAsk() {
		var err error
		if at, err = h.seal.open(sealed, caller.Name); err != nil {
			return refused(http.StatusGone, "expired", "this page link is not yours, or is no longer valid: search again").about(pageParameter)
		}
		if said := purposeOf(r); said != "" {
			at.Purpose = said
		}
		if as.said == "" {
			as.version = at.Version
		}
	}
	if refusedBy := mayAsk(r.Context(), at.Purpose); refusedBy != nil {
		return refusedBy
	}
	s, err := ParseSearch(at.Parameters, at.Version, h.TimeZone, h.Now())
	if err != nil {
		return refusalOf(err)
	}
	if len(s.Ignored) > 0 && strict(r) {
		return refused(http.StatusBadRequest, "not-supported", "this parameter is not supported, and handling=strict was asked for").about(s.Ignored[0])
	}
	s.Purpose, s.Token = at.Purpose, at.Token
	page, err := h.Questions.SearchEvents(r.Context(), s.EventSearch)
	if err != nil {
		return refusalOf(err)
	}
	if page.Counted {
		at.Total = &page.Total
	}
	as.pretty = s.Pretty
	out, err := h.bundle(h.base(r), caller.Name, answered{search: s, page: page, at: at, version: as.version})
	if err != nil {
		h.Logger.ErrorContext(r.Context(), "answer not made", slog.Any("err", err))
		return refused(http.StatusInternalServerError, "exception", "the answer could not be made")
	}
	h.note(w, page.Header)
	h.write(r.Context(), w, http.StatusOK, as, out)
	return nil
}

// answered is a search with its answer.
type answered struct {
	search  *Search
	page    *api.EventPage
	at      place
	version Version
}

// bundle makes the searchset: the events, then what has to be known about them.
func (h *handler) bundle(base, caller string, a answered) (*bundle, error) {
	out := &bundle{
		ResourceType: "Bundle", Type: "searchset", Total: a.at.Total, Meta: &meta{LastUpdated: instant(a.page.Header.GetAsOfUs())},
	}
	link := func(relation string, p place) error {
		address, err := h.link(base, p, caller)
		out.Link = append(out.Link, bundleLink{relation, address})
		return err
	}
	if err := link("self", a.at); err != nil {
		return nil, err
	}
	if err := link("first", a.at.first()); err != nil {
		return nil, err
	}
	if before, ok := a.at.previous(); ok {
		if err := link("previous", before); err != nil {
			return nil, err
		}
	}
	if a.page.Next != "" && !a.search.CountOnly {
		if err := link("next", a.at.next(a.page.Next)); err != nil {
			return nil, err
		}
	}
	for _, e := range a.page.Events {
		if a.search.CountOnly {
			break
		}
		found := Found{ID: idOf(e), Event: e.Event, ReceivedUs: e.ReceivedUs, ConflictsWith: idText(e.ConflictsWith)}
		body, err := Emit(found, a.version)
		if err != nil {
			return nil, err
		}
		out.Entry = append(out.Entry, bundleEntry{
			FullURL: base + "/AuditEvent/" + found.ID, Resource: json.RawMessage(body), Search: searchMode{"match"},
		})
	}
	out.Entry = append(out.Entry, bundleEntry{Resource: notesOf(a), Search: searchMode{"outcome"}})
	return out, nil
}

// notesOf says what the answer rests on, and what it does not know: no coverage reads "not known", never "none".
func notesOf(a answered) operationOutcome {
	head := a.page.Header
	out := operationOutcome{ResourceType: "OperationOutcome", ID: "notes"}
	add := func(severity, code, text, parameter string) {
		one := issue{Severity: severity, Code: code, Diagnostics: text}
		if parameter != "" {
			one.Expression = []string{"http." + parameter}
		}
		out.Issue = append(out.Issue, one)
	}
	add(severityInformation, "informational", fmt.Sprintf(
		"This answer holds what the journal had received by %s (position %d), and nothing after it. It is journaled as question %s.",
		time.UnixMicro(head.GetAsOfUs()).UTC().Format(time.RFC3339), head.GetPosition(), head.GetQuestionId()), "")
	for _, name := range a.search.Ignored {
		add(severityWarning, "not-supported", "this parameter is not supported and was ignored", name)
	}
	for _, fault := range a.search.Warnings {
		add(severityWarning, fault.Code, fault.Text, fault.Parameter)
	}
	if a.search.Count && a.at.Total == nil {
		add(severityWarning, "too-costly", "there are more than can be counted: name a shorter period or more conditions", "_total")
	}
	if a.page.Next != "" && len(a.page.Events) < a.search.Size && !a.search.CountOnly {
		add(severityInformation, "informational", "this page has fewer events than asked for, and there may be more: follow its next link", "")
	}
	for _, note := range head.GetNotes() {
		add(severityInformation, "incomplete", note, "")
	}
	return out
}
