package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	rt "github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// ErrAmbiguous says that the value names more than one record or reader: the caller shows the choices and asks again.
var ErrAmbiguous = errors.New("the value names more than one")

// Period is when, and as known when.
type Period struct {
	From  string `help:"Accesses that occurred at or after this time (2006-01-02, '2006-01-02 15:04' or RFC 3339)." placeholder:"TIME"`
	Until string `help:"Accesses that occurred before this time." placeholder:"TIME"`
	AsOf  string `help:"Answer as it was known at this time." placeholder:"TIME"`
	Zone  string `help:"Time zone to read and tell times in (IANA name). Default: the site's." placeholder:"ZONE"`
}

type bounds struct{ from, until, asOf int64 }

func (p Period) bounds() (bounds, error) {
	zone := time.Local
	if p.Zone != "" {
		var err error
		if zone, err = time.LoadLocation(p.Zone); err != nil {
			return bounds{}, fmt.Errorf("read --zone: %w", err)
		}
	}
	var b bounds
	for _, f := range []struct {
		flag, text string
		to         *int64
	}{{"--from", p.From, &b.from}, {"--until", p.Until, &b.until}, {"--as-of", p.AsOf, &b.asOf}} {
		if f.text == "" {
			continue
		}
		at, err := parseTime(f.text, zone)
		if err != nil {
			return bounds{}, fmt.Errorf("read %s: %w", f.flag, err)
		}
		*f.to = at.UnixMicro()
	}
	return b, nil
}

func parseTime(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, errors.New("want a time like 2006-01-02, '2006-01-02 15:04' or 2006-01-02T15:04:05Z")
}

// Paging is how much of a list to print.
type Paging struct {
	Limit uint32 `help:"Accesses to print, at most 1000 a page." default:"50"`
	Page  string `help:"Continue after an earlier page: its 'next page' token." placeholder:"TOKEN"`
	All   bool   `help:"Print every page."`
}

// page is one page of an answer that lists accesses.
type page interface {
	GetHeader() *v1.AnswerHeader
	GetNextPageToken() string
	GetAccesses() []*v1.Access
}

// pages asks for one page after the other, as far as they are wanted; ask puts the token and the question's id into its
// request and prints what comes. CSV has no place for what the answer rests on: it is told aside, once.
func (p Paging) pages(conn *Connection, o Output, ask func(token, questionID string) (page, error), print func(a page, first bool) error) error {
	token, question := p.Page, ""
	for first := true; ; first = false {
		a, err := ask(token, question)
		if err != nil {
			return inFlags(err)
		}
		if first && o.format() == "csv" {
			writeHeader(conn.aside(), a.GetHeader())
		}
		if err := print(a, first); err != nil {
			return err
		}
		if token, question = a.GetNextPageToken(), a.GetHeader().GetQuestionId(); !p.All || token == "" {
			return nil
		}
	}
}

// rows prints a page that is rows alone: CSV, and every page but the first. It reports whether that was all.
func (o Output) rows(w io.Writer, a page, first bool, without ...string) (done bool, err error) {
	if o.format() == "csv" {
		c := clockOf(a.GetHeader())
		t := accessTable(c.stamp, c.zone, a.GetAccesses())
		if !first {
			t.columns = nil
		}
		return true, t.csv(w)
	}
	if first {
		return false, nil
	}
	c := clockOf(a.GetHeader())
	t := accessTable(c.at, c.zone, a.GetAccesses())
	for _, column := range without {
		t = t.without(column)
	}
	return true, t.text(w)
}

// Only leaves accesses out; what is left is listed and counted.
type Only struct {
	Action     string `help:"Only this action: ${enum}." enum:"any,read,search,print,export,create,update,delete,execute,disclose,login,logout" default:"any"`
	Department string `help:"Only readers of this department, as the source states it." placeholder:"NAME"`
	BreakGlass bool   `help:"Only by break-glass."`
	Failed     bool   `help:"Only failed ones."`
	Deliberate bool   `help:"Not those that were only shown on a list or report."`
	Verdicts
}

func (o Only) filter() *v1.AccessFilter {
	return &v1.AccessFilter{
		Action: actionOf(o.Action), Department: o.Department, BreakGlass: o.BreakGlass, Failed: o.Failed, WithoutIncidental: o.Deliberate, Verdicts: o.list(),
	}
}

// WhoViewed is `readtrail who-viewed`.
type WhoViewed struct {
	Patient string `arg:"" optional:"" help:"The record: an MRN, system|value, Patient/123 or an absolute URL."`
	Purpose string `required:"" short:"p" help:"Why you ask. It is journaled with the question."`
	View    string `help:"Ask what this saved view asks: its name or id. Then give no record and no filters." placeholder:"NAME"`
	Only
	Period
	Paging
	Output
}

// Run asks and prints. It returns ErrAmbiguous when the value names several records.
func (q WhoViewed) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	if err := q.fromView(ctx, conn); err != nil {
		return err
	}
	b, err := q.bounds()
	if err != nil {
		return err
	}
	req := &v1.WhoViewedRequest{
		Patient: q.Patient, Purpose: q.Purpose, AsOfUs: b.asOf, FromUs: b.from, UntilUs: b.until,
		TimeZone: q.Zone, Page: &v1.Page{Size: q.Limit}, Filter: q.filter(),
	}
	var answer *v1.WhoViewedResponse
	return q.pages(conn, q.Output, func(token, questionID string) (page, error) {
		req.Page.Token, req.QuestionId = token, questionID
		res, err := conn.questions().WhoViewed(ctx, connect.NewRequest(req))
		if err != nil {
			return nil, fmt.Errorf("ask who viewed: %w", err)
		}
		answer = res.Msg
		return answer, nil
	}, func(_ page, first bool) error {
		if err := q.print(w, answer, first); err != nil {
			return err
		}
		if len(answer.Candidates) > 0 {
			return ErrAmbiguous
		}
		return nil
	})
}

func (q WhoViewed) print(w io.Writer, a *v1.WhoViewedResponse, first bool) error {
	if q.format() == "json" {
		return writeJSON(w, a)
	}
	if done, err := q.rows(w, a, first, "patient"); done {
		return err
	}
	fmt.Fprintf(w, "Who viewed this record?\n\n")
	writeFollowed(w, q.Patient, a.Identifiers)
	writeHeader(w, a.Header)
	if len(a.Candidates) > 0 {
		return writeCandidates(w, "record", a.Candidates)
	}
	return q.printRecord(w, a)
}

// matching completes "no access": those that a filter leaves out may be there.
func (o Only) matching() string {
	if proto.Size(o.filter()) == 0 {
		return ""
	}
	return " that matches"
}

func (q WhoViewed) printRecord(w io.Writer, a *v1.WhoViewedResponse) error {
	t, c := a.GetTotals(), clockOf(a.Header)
	switch {
	case t.GetEvents() == 0 && a.GetHeader().GetBehind() > 0:
		fmt.Fprintf(w, "\nNo access to this record%s is in what is known so far; the last messages are not projected yet.\n", q.matching())
	case t.GetEvents() == 0:
		fmt.Fprintln(w, "\n"+withinLimits(a.Header, "No access to this record"+q.matching()+" is in what the sources reported."))
	default:
		fmt.Fprintf(w, "\n%s, %s reported by %s%s.\n", count(t.GetReaders(), "reader", "readers"),
			count(t.GetAccesses(), "access", "accesses"), count(t.GetEvents(), "event", "events"), totalMarks(t))
		if verdicts := verdictTotals(t); verdicts != "" {
			fmt.Fprintln(w, verdicts)
		}
	}
	if len(a.Readers) > 0 {
		readers := &table{columns: []string{"reader", "role", "department", "accesses", "first", "last", "actions", "purposes", "marks"}}
		for _, r := range a.Readers {
			actions := make([]string, len(r.Actions))
			for i, action := range r.Actions {
				actions[i] = actionText(action)
			}
			readers.add(readerText(r.Reader), roleText(r.Reader), strings.Join(r.Departments, ", "), fmt.Sprint(r.Accesses),
				c.at(r.FirstUs), c.at(r.LastUs), strings.Join(actions, ", "), strings.Join(r.Purposes, ", "), readerMarks(r))
		}
		fmt.Fprintln(w)
		if err := readers.text(w); err != nil {
			return err
		}
	}
	if len(a.Accesses) > 0 {
		fmt.Fprintf(w, "\nAccesses, newest first\n")
		if err := accessTable(c.at, c.zone, a.Accesses).without("patient").text(w); err != nil {
			return err
		}
	}
	if len(a.Unresolved) > 0 {
		fmt.Fprintf(w, "\nNot counted: text that may mean this patient, but names no identifier\n")
		if err := candidateTable(a.Unresolved).text(w); err != nil {
			return err
		}
	}
	writeLooks(w, c, a.Looks)
	writeNext(w, q.All, a.NextPageToken)
	return nil
}

func totalMarks(t *v1.WhoViewedTotals) string {
	var text strings.Builder
	for _, part := range []struct {
		n    uint64
		text string
	}{
		{t.GetFailed(), "failed"},
		{t.GetIncidental(), "incidental"},
		{t.GetBreakGlass(), "by break-glass"},
		{t.GetUnnamedReader(), "by a reader without a name"},
	} {
		if part.n > 0 {
			fmt.Fprintf(&text, "; %d %s", part.n, part.text)
		}
	}
	return text.String()
}

func readerMarks(r *v1.ReaderSummary) string {
	var marks []string
	if r.BreakGlass {
		marks = append(marks, "break-glass")
	}
	if r.Failed > 0 {
		marks = append(marks, fmt.Sprintf("%d failed", r.Failed))
	}
	if r.Incidental > 0 {
		marks = append(marks, fmt.Sprintf("%d incidental", r.Incidental))
	}
	return strings.Join(marks, ", ")
}

func writeFollowed(w io.Writer, asked string, ids []*v1.FollowedIdentifier) {
	fmt.Fprintf(w, "  %-14s%s\n", "asked for", printable(asked))
	for i, id := range ids {
		name := ""
		if i == 0 {
			name = "followed to"
		}
		text := printable(identifierText(id.Identifier))
		if id.Position != 0 {
			text += fmt.Sprintf("  (%s, by %s at position %d)", strings.ReplaceAll(id.Via, "_", " "), printable(id.Source), id.Position)
		}
		fmt.Fprintf(w, "  %-14s%s\n", name, text)
	}
}

func writeCandidates(w io.Writer, what string, candidates []*v1.Candidate) error {
	fmt.Fprintf(w, "\nThe value names more than one %s. Ask again with one of these:\n\n", what)
	return candidateTable(candidates).text(w)
}

func candidateTable(candidates []*v1.Candidate) *table {
	t := &table{columns: []string{"identifier", "text", "events"}}
	for _, c := range candidates {
		t.add(identifierText(c.Identifier), c.Text, fmt.Sprint(c.Events))
	}
	return t
}

func writeLooks(w io.Writer, c clock, looks []*v1.Look) {
	if len(looks) == 0 {
		return
	}
	fmt.Fprintf(w, "\nLooks through Readtrail (not counted as readers)\n")
	t := &table{columns: []string{"when", "asker", "role", "query", "purpose", "rows", "question"}}
	for _, l := range looks {
		t.add(c.at(l.AskedUs), l.Asker, l.Role, l.Query, l.Purpose, fmt.Sprint(l.Rows), l.QuestionId)
	}
	_ = t.text(w) // the writer's error shows at the next write
}

func writeNext(w io.Writer, all bool, token string) {
	if token != "" && !all {
		fmt.Fprintf(w, "\nMore: --page %s (or --all)\n", token)
	}
}

// accessTable lists accesses; at tells times, and the zone the days of what documents a reason.
func accessTable(at func(int64) string, zone *time.Location, accesses []*v1.Access) *table {
	t := &table{columns: []string{"when", "reader", "role", "department", "action", "patient", "object", "purpose", "source", "workstation", "marks", "why", "document", "position"}}
	for _, a := range accesses {
		t.add(at(a.OccurredUs), readerText(a.Reader), roleText(a.Reader), a.GetReader().GetDepartment(), actionText(a.Action),
			patientsText(a.Patients), objectsText(a.Objects), strings.Join(a.Purposes, ", "), a.Source, a.Workstation,
			accessMarks(a), whyText(a), rt.DocumentText(a.Document, zone), fmt.Sprint(a.Position))
	}
	return t
}

func accessMarks(a *v1.Access) string {
	var marks []string
	if a.BreakGlass {
		marks = append(marks, "break-glass")
	}
	if o := outcomeText(a.Outcome); strings.Contains(o, "failure") {
		marks = append(marks, o)
	}
	if m := modeText(a.Mode); m == "incidental" || m == "system" {
		marks = append(marks, m)
	}
	if len(a.Paired) > 0 {
		marks = append(marks, fmt.Sprintf("%d reports", len(a.Paired)+1))
	}
	if a.OnBehalfOf != "" {
		marks = append(marks, "on behalf of "+a.OnBehalfOf)
	}
	return strings.Join(append(marks, a.Flags...), ", ")
}

// ReaderActivity is `readtrail reader`.
type ReaderActivity struct {
	Reader  string `arg:"" optional:"" help:"The reader: a user id, system|value, Practitioner/123 or an absolute URL."`
	Purpose string `required:"" short:"p" help:"Why you ask. It is journaled with the question."`
	View    string `help:"Ask what this saved view asks: its name or id. Then give no reader and no filters." placeholder:"NAME"`
	Verdicts
	Period
	Paging
	Output
}

// Run asks and prints. It returns ErrAmbiguous when the value names several readers.
func (q ReaderActivity) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	if err := q.fromView(ctx, conn); err != nil {
		return err
	}
	b, err := q.bounds()
	if err != nil {
		return err
	}
	req := &v1.ReaderActivityRequest{
		Reader: q.Reader, Purpose: q.Purpose, AsOfUs: b.asOf, FromUs: b.from, UntilUs: b.until,
		TimeZone: q.Zone, Page: &v1.Page{Size: q.Limit}, Verdicts: q.list(),
	}
	var answer *v1.ReaderActivityResponse
	return q.pages(conn, q.Output, func(token, questionID string) (page, error) {
		req.Page.Token, req.QuestionId = token, questionID
		res, err := conn.questions().ReaderActivity(ctx, connect.NewRequest(req))
		if err != nil {
			return nil, fmt.Errorf("ask what a reader did: %w", err)
		}
		answer = res.Msg
		return answer, nil
	}, func(_ page, first bool) error {
		if err := q.print(w, answer, first); err != nil {
			return err
		}
		if len(answer.Candidates) > 0 {
			return ErrAmbiguous
		}
		return nil
	})
}

func (q ReaderActivity) print(w io.Writer, a *v1.ReaderActivityResponse, first bool) error {
	c := clockOf(a.Header)
	if q.format() == "json" {
		return writeJSON(w, a)
	}
	if done, err := q.rows(w, a, first); done {
		return err
	}
	fmt.Fprintf(w, "What did this reader do?\n\n")
	writeFollowed(w, q.Reader, a.Identifiers)
	writeHeader(w, a.Header)
	if len(a.Candidates) > 0 {
		return writeCandidates(w, "reader", a.Candidates)
	}
	t := a.GetTotals()
	fmt.Fprintf(w, "\n%s to %s, reported by %s; %d failed; %d by break-glass; %d without a patient.\n",
		count(t.GetAccesses(), "access", "accesses"), count(t.GetPatients(), "patient", "patients"),
		count(t.GetEvents(), "event", "events"), t.GetFailed(), t.GetBreakGlass(), t.GetPatientless())
	if len(a.Days) > 0 {
		days := &table{columns: []string{"day", "accesses", "patients"}}
		for _, d := range a.Days {
			days.add(d.Day, fmt.Sprint(d.Accesses), fmt.Sprint(d.Patients))
		}
		fmt.Fprintln(w)
		if err := days.text(w); err != nil {
			return err
		}
	}
	if len(a.Accesses) > 0 {
		fmt.Fprintf(w, "\nAccesses, newest first\n")
		if err := accessTable(c.at, c.zone, a.Accesses).text(w); err != nil {
			return err
		}
	}
	writeNext(w, q.All, a.NextPageToken)
	return nil
}
