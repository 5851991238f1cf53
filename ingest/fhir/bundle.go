package fhir

import (
	"fmt"
	"net/http"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
)

// typeTransaction is the Bundle.type of what is taken all or not at all.
const typeTransaction = "transaction"

// bundleResponse is the answer to a transaction or batch.
type bundleResponse struct {
	ResourceType string          `json:"resourceType"`
	Type         string          `json:"type"`
	Entry        []responseEntry `json:"entry"`
}

type responseEntry struct {
	Response entryResponse `json:"response"`
}

type entryResponse struct {
	Status   string            `json:"status"`
	Location string            `json:"location,omitempty"`
	ETag     string            `json:"etag,omitempty"`
	Outcome  *operationOutcome `json:"outcome,omitempty"`
}

// base takes POST /fhir: a Bundle, or newline-delimited JSON.
func (h *handler) base(w http.ResponseWriter, r *http.Request) {
	if lines, refused := mediaType(r.Header.Get("Content-Type")); refused == nil && lines {
		h.lines(w, r)
		return
	}
	src, body := h.take(w, r)
	if body == nil {
		return
	}
	d := h.decoder()
	defer h.release(d)
	bundle, err := d.ParseBundle(body)
	if err != nil {
		h.reject(w, r, src, body, "/fhir", AsDecodeError(err))
		return
	}
	if bundle.Type == typeTransaction {
		h.transaction(w, r, src, d, body, bundle)
		return
	}
	h.batch(w, r, src, d, bundle)
}

// decodeEntry decodes one entry of a Bundle in the sense of its request.
func (h *handler) decodeEntry(d *Decoder, src ingest.Source, e *BundleEntry) (ingest.Entry, *ingest.DecodeError) {
	entry, err := d.request(src, e)
	if err != nil {
		return entry, AsDecodeError(err)
	}
	h.revisions.mark(src, &entry)
	return entry, nil
}

// transaction takes all entries in one batch of the journal, or none. A transaction that cannot be decoded is kept as
// one dead letter.
func (h *handler) transaction(w http.ResponseWriter, r *http.Request, src ingest.Source, d *Decoder, body []byte, bundle *Bundle) {
	if len(bundle.Entries) > proto.MaxBatchItems {
		refuse(w, http.StatusRequestEntityTooLarge, "too-long", fmt.Sprintf("a transaction holds at most %d entries", proto.MaxBatchItems))
		return
	}
	entries := make([]ingest.Entry, 0, len(bundle.Entries))
	var faults []issue
	var first *ingest.DecodeError
	for i := range bundle.Entries {
		e := &bundle.Entries[i]
		entry, err := h.decodeEntry(d, src, e)
		if err == nil {
			entries = append(entries, entry)
			continue
		}
		err = e.located(err)
		if first == nil {
			first = err
		}
		faults = append(faults, issueOf(err, ""))
	}
	if first != nil {
		letter := ingest.DeadLetter(src, ingest.Fault{
			Err: first, Original: body, MediaType: requestMediaType(http.MethodPost, "/fhir"), Format: "fhir", Origin: originTransaction,
		})
		if _, _, err := h.Intake.Submit(r.Context(), src, []ingest.Entry{letter}, ingest.Options{}); err != nil {
			h.failed(w, r, err)
			return
		}
		faults[0].Diagnostics += "; nothing of the transaction was stored, it is kept as dead letter " + letter.ID.String()
		respond(w, statusOf(first), outcomeOfIssues(faults...))
		return
	}
	results, _, err := h.Intake.Submit(r.Context(), src, entries, ingest.Options{Atomic: true})
	if err != nil {
		h.failed(w, r, err)
		return
	}
	out := bundleResponse{ResourceType: "Bundle", Type: "transaction-response", Entry: make([]responseEntry, len(entries))}
	for i := range entries {
		out.Entry[i] = h.responseTo(r, &entries[i], results[i])
	}
	respond(w, http.StatusOK, out)
}

// batch takes each entry on its own: what cannot be decoded is a dead letter, what stands beside it is stored.
// Bundles of other types (collection, searchset, history) are taken like that, too.
func (h *handler) batch(w http.ResponseWriter, r *http.Request, src ingest.Source, d *Decoder, bundle *Bundle) {
	entries := make([]ingest.Entry, 0, len(bundle.Entries))
	faults := make([]*ingest.DecodeError, len(bundle.Entries))
	place := make([]int, len(bundle.Entries))
	for i := range bundle.Entries {
		e := &bundle.Entries[i]
		entry, err := h.decodeEntry(d, src, e)
		if err != nil {
			faults[i] = err
			if e.Resource == nil {
				place[i] = -1
				continue
			}
			entry = entryLetter(src, e, err)
		}
		place[i] = len(entries)
		entries = append(entries, entry)
	}
	results, _, err := h.Intake.Submit(r.Context(), src, entries, ingest.Options{})
	if err != nil {
		h.failed(w, r, err)
		return
	}
	out := bundleResponse{ResourceType: "Bundle", Type: "batch-response", Entry: make([]responseEntry, len(bundle.Entries))}
	for i, at := range place {
		if faults[i] == nil {
			out.Entry[i] = h.responseTo(r, &entries[at], results[at])
			continue
		}
		letter := ""
		if at >= 0 {
			letter = entries[at].ID.String()
		}
		status := statusOf(faults[i])
		outcome := outcomeOfIssues(issueOf(bundle.Entries[i].located(faults[i]), letter))
		out.Entry[i].Response = entryResponse{Status: statusLine(status), Outcome: &outcome}
	}
	respond(w, http.StatusOK, out)
}

func (h *handler) responseTo(r *http.Request, entry *ingest.Entry, result ingest.Result) responseEntry {
	status, answer := h.accepted(r, entry, result)
	outcome := outcomeOfIssues(answer.issue)
	return responseEntry{Response: entryResponse{
		Status: statusLine(status), Location: answer.location, ETag: `W/"1"`, Outcome: &outcome,
	}}
}

func statusLine(status int) string { return fmt.Sprintf("%d %s", status, http.StatusText(status)) }

// maxToldFaults is how many dead letters the answer to newline-delimited JSON lists.
const maxToldFaults = 20

// lines takes newline-delimited JSON as a stream: it is stored while it is read, each line on its own.
func (h *handler) lines(w http.ResponseWriter, r *http.Request) {
	src, ok := h.source(w, r)
	if !ok {
		return
	}
	body, refused := openBody(r)
	if refused != nil {
		refuse(w, refused.status, refused.code, refused.text)
		return
	}
	var total ingest.Counts
	var issues []issue
	line := 0
	cfg := LinesConfig{Limits: h.Limits, Origin: "POST /fhir"}
	err := Lines(r.Context(), cfg, src, body, func(b Batch) error {
		_, counts, err := h.Intake.Submit(r.Context(), src, b.Entries, ingest.Options{})
		if err != nil {
			return err
		}
		total.Add(counts)
		line = b.Line
		for i := range b.Entries {
			if letter := b.Entries[i].Item.GetDeadLetter(); letter != nil && len(issues) < maxToldFaults {
				err := &ingest.DecodeError{
					Reason: letter.Reason, Element: letter.Element, Message: letter.Message, Line: int(letter.Line), Column: int(letter.Column),
				}
				issues = append(issues, issueOf(err, b.Entries[i].ID.String()))
			}
		}
		return nil
	})
	if err != nil {
		w.Header().Set("X-Readtrail-Next-Line", fmt.Sprint(max(line, 1)))
		h.failed(w, r, err)
		return
	}
	summary := fmt.Sprintf("in %d = stored %d + duplicates %d + conflicts %d + dead letters %d",
		total.In(), total.Stored, total.Duplicates, total.Conflicts, total.DeadLetters)
	issues = append([]issue{{Severity: severityInformation, Code: "informational", Diagnostics: summary}}, issues...)
	respond(w, http.StatusOK, outcomeOfIssues(issues...))
}
