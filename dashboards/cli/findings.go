package cli

import (
	"context"
	"fmt"
	"io"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Findings is `readtrail findings`.
type Findings struct {
	Purpose  string `required:"" short:"p" help:"Why you ask. It is journaled with the question."`
	Day      string `help:"Only this local day, such as 2026-03-02." placeholder:"DAY"`
	From     string `help:"Days from this one on. Default: the last 30 days that were judged." placeholder:"DAY"`
	To       string `help:"Days up to this one." placeholder:"DAY"`
	Detector string `help:"Only of this detector, such as FamilyAccess." placeholder:"NAME"`
	Reader   string `help:"Only about this reader." placeholder:"ID"`
	Patient  string `help:"Only about this record." placeholder:"ID"`
	Grade    uint32 `help:"Only of at least this grade." placeholder:"N"`
	Limit    uint32 `help:"Findings to print, at most 1000 a page." default:"50"`
	Page     string `help:"Continue after an earlier page: its 'next page' token." placeholder:"TOKEN"`
	Output
}

// Run asks and prints.
func (q Findings) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	if q.Day != "" {
		q.From, q.To = q.Day, q.Day
	}
	res, err := conn.alerts().SearchFindings(ctx, connect.NewRequest(&v1.SearchFindingsRequest{
		Purpose: q.Purpose, From: q.From, To: q.To, Detector: q.Detector, Reader: q.Reader, Patient: q.Patient, Grade: q.Grade,
		Page: &v1.Page{Size: q.Limit, Token: q.Page},
	}))
	if err != nil {
		return alertFlags(fmt.Errorf("search findings: %w", err))
	}
	a := res.Msg
	t := &table{columns: []string{"day", "detector", "grade", "what it means", "reader", "record", "accesses", "first position", "standing"}}
	for _, r := range a.Findings {
		f, first := r.Finding, ""
		if len(f.Positions) > 0 {
			first = fmt.Sprint(f.Positions[0])
		}
		t.add(r.Day, f.Detector, fmt.Sprint(f.Grade), f.Words, f.Reader.GetValue(), f.Patient.GetValue(), fmt.Sprint(len(f.Positions)+int(f.More)), first,
			words.Standing(r.Standing))
	}
	switch q.format() {
	case "json":
		return writeJSON(w, a)
	case "csv":
		writeHeader(conn.aside(), a.Header)
		return t.csv(w)
	}
	fmt.Fprintf(w, "What did the detectors say?\n\n")
	writeHeader(w, a.Header)
	fmt.Fprintf(w, "  %-14s%s to %s\n\n", "days", a.From, a.To)
	if len(t.rows) == 0 {
		fmt.Fprintln(w, "No findings of this kind.")
		return nil
	}
	if err := t.text(w); err != nil {
		return err
	}
	if a.NextPageToken != "" {
		fmt.Fprintf(w, "\nMore: --page %s\n", a.NextPageToken)
	}
	return nil
}
