package csv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// previewRows is how many mapped rows a dry run shows.
	previewRows = 20
	// previewErrors is how many errors a dry run shows; it counts them all.
	previewErrors = 1000
)

// Preview is what a dry run found. Nothing of it is journaled. It names patients and readers: it is for the person who
// holds the file, not for a log.
type Preview struct {
	Mapping string         `json:"mapping"`
	Rows    uint64         `json:"rows"`
	Bad     uint64         `json:"bad"`
	First   []PreviewRow   `json:"first"`
	Errors  []PreviewError `json:"errors"`
	// More is how many errors there are beyond those shown.
	More uint64 `json:"more_errors"`
}

// PreviewRow is one mapped row: the fields that it fills, by name.
type PreviewRow struct {
	Line   uint64         `json:"line"`
	Fields []PreviewField `json:"fields"`
}

// PreviewField is one filled field.
type PreviewField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// PreviewError is one bad row.
type PreviewError struct {
	Line    uint64 `json:"line"`
	Column  uint64 `json:"column"`
	Name    string `json:"name,omitempty"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// DryRun decodes a whole file and returns its first mapped rows and its errors. A file that does not fit its mapping at
// all is one error.
func DryRun(ctx context.Context, cfg Config, r io.Reader) (*Preview, error) {
	d, err := newDecoder(cfg, r)
	p := &Preview{First: []PreviewRow{}, Errors: []PreviewError{}}
	if cfg.Mapping != nil {
		p.Mapping = cfg.Mapping.Name
	}
	var entries []ingest.Entry
	for err == nil && ctx.Err() == nil {
		var piece row
		if piece, err = d.scan.next(); err != nil {
			break
		}
		if entries, err = d.row(entries[:0], piece); err != nil {
			break
		}
		p.add(entries, uint64(piece.line), d.m.clock.zone)
	}
	var bad *ingest.DecodeError
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("dry run: %w", context.Cause(ctx))
	case errors.As(err, &bad):
		p.fault(PreviewError{Line: uint64(bad.Line), Column: uint64(bad.Column), Name: bad.Element, Reason: bad.Reason, Message: bad.Message})
	case errors.Is(err, io.EOF) && d.plan == nil:
		p.fault(PreviewError{Reason: ingest.ReasonMissingElement, Message: "the file has no header"})
	case !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("dry run: %w", err)
	}
	return p, nil
}

func (p *Preview) add(entries []ingest.Entry, line uint64, zone *time.Location) {
	if len(entries) == 0 {
		return
	}
	p.Rows++
	for _, e := range entries {
		if letter := e.Item.GetDeadLetter(); letter != nil {
			p.fault(PreviewError{Line: letter.Line, Column: letter.Column, Name: letter.Element, Reason: letter.Reason, Message: letter.Message})
			return
		}
	}
	if len(p.First) < previewRows {
		shown := PreviewRow{Line: line}
		for _, e := range entries {
			shown.Fields = append(shown.Fields, fieldsOf(e, zone)...)
		}
		p.First = append(p.First, shown)
	}
}

func (p *Preview) fault(e PreviewError) {
	p.Bad++
	if len(p.Errors) >= previewErrors {
		p.More++
		return
	}
	p.Errors = append(p.Errors, e)
}

// fieldsOf names what an entry says, in a fixed order.
func fieldsOf(entry ingest.Entry, zone *time.Location) []PreviewField {
	var out []PreviewField
	add := func(name, value string) {
		if value != "" && value != "|" {
			out = append(out, PreviewField{Name: name, Value: value})
		}
	}
	at := func(us int64) string {
		if us == 0 {
			return ""
		}
		return time.UnixMicro(us).In(zone).Format(time.RFC3339Nano)
	}
	if fact := entry.Item.GetContext(); fact != nil {
		add("resource", fact.ResourceType+"/"+fact.ResourceId)
		add("effective", at(fact.EffectiveUs))
		add("content", string(fact.Resource))
		if fact.Deleted {
			add("deleted", "true")
		}
		return out
	}
	e := entry.Item.GetAccess()
	add("occurred", at(e.GetOccurredUs()))
	add("recorded", at(e.GetRecordedUs()))
	add("action", strings.ToLower(strings.TrimPrefix(e.GetAction().String(), "ACTION_")))
	add("action_code", e.GetActionCode())
	if e.GetOutcome() != v1.Outcome_OUTCOME_UNSPECIFIED {
		add("outcome", strings.ToLower(strings.TrimPrefix(e.GetOutcome().String(), "OUTCOME_")))
	}
	add("reader", proto.ReaderKey(e))
	add("reader.name", e.GetReader().GetName())
	add("reader.role", e.GetReader().GetRole().GetCode())
	add("reader.department", e.GetReader().GetDepartment())
	for _, p := range e.GetPatients() {
		add("patient", proto.PatientKey(p)+p.Text)
	}
	for _, o := range e.GetObjects() {
		add("object", strings.TrimSuffix(o.Type+" "+proto.Key(o.Id), " "))
	}
	add("encounter", proto.Key(e.GetEncounter()))
	add("workstation", e.GetWorkstation())
	add("network_address", e.GetNetworkAddress())
	add("session", e.GetSession())
	for _, c := range e.GetPurposes() {
		add("purpose", c.Code)
	}
	if e.GetBreakGlass() {
		add("break_glass", "yes "+e.GetBreakGlassReason().GetCode())
	}
	for _, x := range e.GetExtensions() {
		add("extension "+x.Name, x.Value)
	}
	add("flags", strings.Join(e.GetFlags(), " "))
	return out
}

// WriteJSON writes the preview as one JSON document.
func (p *Preview) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(p); err != nil {
		return fmt.Errorf("write preview: %w", err)
	}
	return nil
}

// WriteTable writes the preview for a terminal: a block a row, then the errors. Control characters of the file do not
// reach the terminal.
func (p *Preview) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	say := func(cells ...string) { // tabwriter keeps the first error and returns it from Flush
		for i := range cells {
			cells[i] = printable(cells[i])
		}
		_, _ = fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	say(fmt.Sprintf("mapping %s: %d rows, %d of them bad", p.Mapping, p.Rows, p.Bad))
	for _, r := range p.First {
		say("")
		say(fmt.Sprintf("line %d", r.Line))
		for _, f := range r.Fields {
			say("  "+f.Name, f.Value)
		}
	}
	if len(p.Errors) > 0 {
		say("")
		say("LINE", "COLUMN", "NAME", "REASON", "MESSAGE")
	}
	for _, e := range p.Errors {
		say(fmt.Sprint(e.Line), fmt.Sprint(e.Column), e.Name, e.Reason, e.Message)
	}
	if p.More > 0 {
		say(fmt.Sprintf("and %d more", p.More))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write preview: %w", err)
	}
	return nil
}

func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return '\ufffd'
		}
		return c
	}, text)
}
