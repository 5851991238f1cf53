package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// AccessReport is `readtrail report`.
type AccessReport struct {
	Patient string `arg:"" help:"The patient: an MRN, system|value, Patient/123 or an absolute URL."`
	Purpose string `required:"" short:"p" help:"Why you ask, such as the number of the patient's request. It is journaled with the question."`
	Names   string `help:"How staff are named: ${enum}. none: role and department only; role: and a code that is the same throughout this report and in no other; full: by name." enum:"none,role,full" default:"none"`
	From    string `help:"Accesses that occurred at or after this time (2006-01-02, '2006-01-02 15:04' or RFC 3339)." placeholder:"TIME"`
	Until   string `help:"Accesses that occurred before this time." placeholder:"TIME"`
	AsOf    string `help:"Answer as it was known at this time." placeholder:"TIME"`
	Zone    string `help:"Time zone to read and tell times in (IANA name). Default: the site's." placeholder:"ZONE"`
	HTML    string `help:"Write a page to print to this file." placeholder:"FILE" type:"path"`
	Output
}

func (q AccessReport) names() v1.AccessReportRequest_Names {
	switch q.Names {
	case "role":
		return v1.AccessReportRequest_NAMES_PSEUDONYM
	case "full":
		return v1.AccessReportRequest_NAMES_FULL
	}
	return v1.AccessReportRequest_NAMES_NONE
}

// Run asks for the whole report and prints it. It returns ErrAmbiguous when the value names several records.
func (q AccessReport) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	b, err := Period{From: q.From, Until: q.Until, AsOf: q.AsOf, Zone: q.Zone}.bounds()
	if err != nil {
		return err
	}
	req := &v1.AccessReportRequest{
		Patient: q.Patient, Purpose: q.Purpose, Names: q.names(), AsOfUs: b.asOf, FromUs: b.from, UntilUs: b.until, TimeZone: q.Zone,
		Page: &v1.Page{Size: maxPageSize},
	}
	var whole *v1.AccessReportResponse
	for {
		res, err := conn.scopes().AccessReport(ctx, connect.NewRequest(req))
		if err != nil {
			return inScopeFlags(fmt.Errorf("ask for access report: %w", err))
		}
		if whole == nil {
			whole = res.Msg
		} else {
			whole.Accesses = append(whole.Accesses, res.Msg.Accesses...)
		}
		whole.NextPageToken = ""
		if req.Page.Token, req.QuestionId = res.Msg.NextPageToken, res.Msg.GetHeader().GetQuestionId(); req.Page.Token == "" {
			break
		}
	}
	switch {
	case q.format() == "json" && q.HTML == "":
		if err := writeJSON(w, whole); err != nil || len(whole.Candidates) == 0 {
			return err
		}
		return ErrAmbiguous
	case len(whole.Candidates) > 0:
		return errors.Join(writeCandidates(w, "record", whole.Candidates), ErrAmbiguous)
	case q.HTML != "":
		return writePage(w, q.HTML, "report.html", reportPageOf(whole))
	case q.format() == "csv":
		for _, note := range whole.Notes {
			fmt.Fprintln(conn.aside(), printable(note))
		}
		return reportTable(clockOf(whole.Header).stamp, whole.Accesses).csv(w)
	}
	return printReport(w, whole)
}

func printReport(w io.Writer, a *v1.AccessReportResponse) error {
	c := clockOf(a.Header)
	fmt.Fprintf(w, "Who looked at my data?\n\n")
	for _, note := range a.Notes {
		fmt.Fprintln(w, printable(note))
	}
	if len(a.Accesses) == 0 {
		fmt.Fprintln(w, "\n"+withinLimits(a.Header, "The systems told us of no access to this record in this time."))
	} else {
		fmt.Fprintf(w, "\n%s, newest first\n", count(uint64(len(a.Accesses)), "access", "accesses"))
		if err := reportTable(c.at, a.Accesses).text(w); err != nil {
			return err
		}
	}
	if len(a.Looks) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nWhoever examined this list of accesses: they saw that list, not the record\n")
	t := &table{columns: []string{"when", "who", "as", "why"}}
	for _, l := range a.Looks {
		t.add(c.at(l.AskedUs), l.Who, l.Role, l.Purpose)
	}
	return t.text(w)
}

func reportTable(at func(int64) string, accesses []*v1.ReportedAccess) *table {
	t := &table{columns: []string{"when", "who", "role", "department", "organization", "what", "data", "why", "from", "passed on to", "remarks"}}
	for _, a := range accesses {
		t.add(at(a.OccurredUs), a.Who, a.Role, a.Department, a.Organization, a.What, strings.Join(a.Data, ", "), strings.Join(a.Purposes, ", "),
			a.Origin, a.Recipient, remarks(a))
	}
	return t
}

// remarks says what sets an access apart.
func remarks(a *v1.ReportedAccess) string {
	var out []string
	for _, r := range []struct {
		yes  bool
		text string
	}{
		{a.Emergency, "emergency access"},
		{a.Failed, "refused or failed: nothing was seen"},
		{a.Incidental, "shown on a list, not opened"},
		{a.Own, "your own access"},
	} {
		if r.yes {
			out = append(out, r.text)
		}
	}
	return strings.Join(out, "; ")
}
