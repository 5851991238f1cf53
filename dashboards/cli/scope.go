package cli

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// Scope is `readtrail scope`.
type Scope struct {
	Show    ScopeShow    `cmd:"" default:"withargs" help:"Which patients, which data, how often, where they live (the default)."`
	Export  ScopeExport  `cmd:"" help:"Every report of the scope as a file: CSV, NDJSON or a FHIR Bundle."`
	Freeze  ScopeFreeze  `cmd:"" help:"Set the scope down in the journal, with its position and hash."`
	List    ScopeList    `cmd:"" help:"Which scopes were frozen, latest first."`
	Verify  ScopeVerify  `cmd:"" help:"Compute a frozen scope again and compare the hash."`
	Compare ScopeCompare `cmd:"" help:"What differs between two times, positions or frozen scopes."`
}

// ScopeQuery is what a scope is made of.
type ScopeQuery struct {
	Reader      string   `help:"Whose accesses: a user id, system|value, Practitioner/123 or a URL. Links of identity are followed." placeholder:"ID"`
	Account     string   `help:"Accesses of exactly this account; no links are followed." placeholder:"ID"`
	Workstation string   `help:"Accesses from this workstation." placeholder:"NAME"`
	Object      string   `help:"Accesses to this object: an id, system|value or DocumentReference/7." placeholder:"ID"`
	Event       []string `help:"These events alone: ids or journal positions. May be repeated." placeholder:"ID"`
	Alert       string   `help:"The accesses that this alert cites." placeholder:"ID"`
	Case        string   `help:"The accesses that the alerts of this case cite." placeholder:"ID"`
	From        string   `help:"Accesses that occurred at or after this time (2006-01-02, '2006-01-02 15:04' or RFC 3339)." placeholder:"TIME"`
	Until       string   `help:"Accesses that occurred before this time." placeholder:"TIME"`
	Zone        string   `help:"Time zone to read and tell times in (IANA name). Default: the site's." placeholder:"ZONE"`
}

// query is the question as the API takes it. What is missing the server says.
func (q ScopeQuery) query() (*v1.ScopeQuery, error) {
	b, err := Period{From: q.From, Until: q.Until, Zone: q.Zone}.bounds()
	if err != nil {
		return nil, err
	}
	return &v1.ScopeQuery{
		Reader: q.Reader, Account: q.Account, Workstation: q.Workstation, Object: q.Object, Events: q.Event, Alert: q.Alert, Case: q.Case,
		FromUs: b.from, UntilUs: b.until,
	}, nil
}

// Moment is as of when.
type Moment struct {
	AsOf string `help:"Answer as it was known at this time, or at this journal position (a number)." placeholder:"TIME|POSITION"`
}

// readMoment tells a position, which is digits alone, from a time.
func readMoment(text, zone string) (asOfUs int64, position uint64, err error) {
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return 0, n, nil
	}
	b, err := Period{AsOf: text, Zone: zone}.bounds()
	return b.asOf, 0, err
}

// scopes asks for breach scopes. On the local socket nothing is packed on the way: that would take longer than an export.
func (c *Connection) scopes() readtrailv1connect.ScopeServiceClient {
	var options []connect.ClientOption
	if c.Base == localBase {
		options = append(options, connect.WithAcceptCompression("gzip", nil, nil))
	}
	return readtrailv1connect.NewScopeServiceClient(c.HTTP, c.Base, options...)
}

// ScopeShow is `readtrail scope`.
type ScopeShow struct {
	View string `help:"Ask what this saved view asks: its name or id. Then give no conditions." placeholder:"NAME"`
	ScopeQuery
	Moment
	Purpose string `required:"" short:"p" help:"Why you ask. It is journaled with the question."`
	Limit   uint32 `help:"Patients to print, at most 1000 a page." default:"50"`
	Page    string `help:"Continue after an earlier page: its 'next page' token." placeholder:"TOKEN"`
	All     bool   `help:"Print every page."`
	HTML    string `help:"Write a page to print, with every patient, to this file." placeholder:"FILE" type:"path"`
	Output
}

// Run asks and prints. It returns ErrAmbiguous when the value names several readers.
func (q ScopeShow) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	if err := q.fromView(ctx, conn); err != nil {
		return err
	}
	query, err := q.query()
	if err != nil {
		return err
	}
	req := &v1.BreachScopeRequest{Query: query, Purpose: q.Purpose, TimeZone: q.Zone, Page: &v1.Page{Size: q.Limit, Token: q.Page}}
	if req.AsOfUs, req.AsOfPosition, err = readMoment(q.AsOf, q.Zone); err != nil {
		return err
	}
	if q.HTML != "" {
		req.Page.Size = maxPageSize
	}
	var whole *v1.BreachScopeResponse
	for first := true; ; first = false {
		res, err := conn.scopes().BreachScope(ctx, connect.NewRequest(req))
		if err != nil {
			return inScopeFlags(fmt.Errorf("ask for breach scope: %w", err))
		}
		a := res.Msg
		if len(a.Candidates) > 0 {
			return q.askBack(w, a)
		}
		if q.HTML != "" {
			if whole == nil {
				whole = a
			} else {
				whole.Patients = append(whole.Patients, a.Patients...)
			}
		} else if err := q.print(conn, w, a, first); err != nil {
			return err
		}
		req.Page.Token, req.QuestionId = a.NextPageToken, a.GetHeader().GetQuestionId()
		req.Query = cmp.Or(a.Query, req.Query) // a later version of an alert is another question
		if req.Page.Token == "" || !q.All && q.HTML == "" {
			break
		}
	}
	if q.HTML == "" {
		return nil
	}
	return writePage(w, q.HTML, "scope.html", scopePageOf(whole, q.Purpose))
}

// maxPageSize is the largest page that the API gives.
const maxPageSize = 1000

func (q ScopeShow) askBack(w io.Writer, a *v1.BreachScopeResponse) error {
	if q.format() == "json" {
		return errors.Join(writeJSON(w, a), ErrAmbiguous)
	}
	return errors.Join(writeCandidates(w, "reader", a.Candidates), ErrAmbiguous)
}

func (q ScopeShow) print(conn *Connection, w io.Writer, a *v1.BreachScopeResponse, first bool) error {
	c := clockOf(a.Header)
	switch q.format() {
	case "json":
		return writeJSON(w, a)
	case "csv":
		if first {
			writeHeader(conn.aside(), a.Header)
		}
		t := countTable{c.stamp, true}.patients(a.Patients)
		if !first {
			t.columns = nil
		}
		return t.csv(w)
	}
	counts := countTable{c.at, judged(a)}
	if first {
		if err := q.printTotals(w, a); err != nil {
			return err
		}
	}
	if len(a.Patients) > 0 {
		if first {
			fmt.Fprintf(w, "\nPatients, latest access first\n")
		}
		if err := counts.patients(a.Patients).text(w); err != nil {
			return err
		}
	}
	if first && len(a.Unresolved) > 0 {
		fmt.Fprintf(w, "\nPatients without an identifier, as the events name them; each may be one of the above\n")
		if err := counts.texts(a.Unresolved).text(w); err != nil {
			return err
		}
	}
	writeNext(w, q.All, a.NextPageToken)
	return nil
}

// printTotals prints what a scope comes to, before its patients.
func (q ScopeShow) printTotals(w io.Writer, a *v1.BreachScopeResponse) error {
	c := clockOf(a.Header)
	fmt.Fprintf(w, "Breach scope\n\n")
	writeQuery(w, c, a.Query)
	for _, id := range a.Identifiers[min(1, len(a.Identifiers)):] {
		fmt.Fprintf(w, "  %-14s%s\n", "followed to", printable(identifierText(id.Identifier))+"  ("+strings.ReplaceAll(id.Via, "_", " ")+")")
	}
	writeHeader(w, a.Header)
	fmt.Fprintf(w, "  %-14s%s\n", "sha-256", hex.EncodeToString(a.Sha256))
	t := a.Totals
	if t.GetEvents() == 0 {
		fmt.Fprintln(w, "\n"+withinLimits(a.Header, "No event matches, in what the sources reported."))
		return nil
	}
	fmt.Fprintf(w, "\n%s and %s without an identifier; %s.\n", count(t.Patients, "patient", "patients"),
		count(t.Unresolved, "patient", "patients"), count(t.Events, "event", "events"))
	fmt.Fprintf(w, "%s\n", countText(t.Counts))
	if a.Verdicts != nil {
		fmt.Fprintf(w, "%s\n", verdictText(a.Verdicts))
	}
	for _, part := range []struct {
		title string
		of    []*v1.ScopePart
	}{{"data", a.Parts}, {"sensitivity", a.Sensitivity}} {
		if len(part.of) == 0 {
			continue
		}
		fmt.Fprintln(w)
		p := &table{columns: []string{part.title, "reports", "patients", "first", "last"}}
		for _, x := range part.of {
			p.add(orOpen(x.Name, "(none stated)"), fmt.Sprint(x.Reports), fmt.Sprint(x.Patients), c.at(x.FirstUs), c.at(x.LastUs))
		}
		if err := p.text(w); err != nil {
			return err
		}
	}
	fmt.Fprintln(w)
	return countTable{c.at, judged(a)}.places(a).text(w)
}

// place is what stands for a country that is not known.
func place(j *v1.ScopeJurisdiction) string {
	if j.State == "" {
		return "(not known)"
	}
	return "-"
}

// queryFields are the texts that a scope is asked by, with their names.
func queryFields(q *v1.ScopeQuery) (out [][2]string) {
	for _, f := range [][2]string{
		{"reader", q.GetReader()},
		{"account", q.GetAccount()},
		{"workstation", q.GetWorkstation()},
		{"object", q.GetObject()},
	} {
		if f[1] != "" {
			out = append(out, f)
		}
	}
	return out
}

// writeQuery says what was asked, as it was understood.
func writeQuery(w io.Writer, c clock, q *v1.ScopeQuery) {
	for _, f := range queryFields(q) {
		fmt.Fprintf(w, "  %-14s%s\n", f[0], printable(f[1]))
	}
	if n := len(q.GetEvents()); n > 0 {
		fmt.Fprintf(w, "  %-14s%s\n", "events", count(uint64(n), "event named", "events named"))
	}
	if q.GetFromUs() != 0 || q.GetUntilUs() != 0 {
		fmt.Fprintf(w, "  %-14s%s\n", "occurred", orOpen(c.at(q.GetFromUs()), "the beginning")+" to "+orOpen(c.at(q.GetUntilUs()), "now"))
	}
}

// countTable tells what rows count. A report stands in exactly one of accesses, second, failed and incidental, and one that is no second
// one in exactly one of the columns of verdicts, which are there where detectors have judged.
type countTable struct {
	at     func(int64) string
	judged bool
}

func (t countTable) columns() []string {
	out := []string{"reports", "accesses", "second", "failed", "incidental"}
	if t.judged {
		out = append(out, "reason known", "no reason", "not assessable", "not judged")
	}
	return append(out, "first", "last")
}

func (t countTable) cells(c *v1.ScopeCounts, v *v1.ScopeVerdicts) []string {
	n := func(n uint64) string { return strconv.FormatUint(n, 10) }
	out := []string{n(c.GetReports()), n(c.GetAccesses()), n(c.GetSecondReports()), n(c.GetFailed()), n(c.GetIncidental())}
	switch {
	case t.judged && v != nil:
		out = append(out, n(v.Explained), n(v.Unexplained), n(v.NotAssessable), n(v.NotJudged))
	case t.judged:
		out = append(out, "", "", "", "")
	}
	return append(out, t.at(c.GetFirstUs()), t.at(c.GetLastUs()))
}

// places is where the patients of a scope live.
func (t countTable) places(a *v1.BreachScopeResponse) *table {
	out := &table{columns: append([]string{"country", "state", "patients"}, t.columns()...)}
	for _, j := range a.Jurisdictions {
		out.add(append([]string{orOpen(j.Country, place(j)), j.State, fmt.Sprint(j.Patients)}, t.cells(j.Counts, j.Verdicts)...)...)
	}
	if n := a.Totals.GetCounts().GetPatientless(); n > 0 {
		row := t.cells(&v1.ScopeCounts{Reports: n}, nil)
		out.add(append([]string{"(no patient)", "", "0"}, row...)...)
	}
	return out
}

func (t countTable) texts(unresolved []*v1.ScopeUnresolved) *table {
	out := &table{columns: append([]string{"text"}, t.columns()...)}
	for _, u := range unresolved {
		out.add(append([]string{u.Text}, t.cells(u.Counts, u.Verdicts)...)...)
	}
	return out
}

// judged reports whether detectors have judged a scope; pages behind the first say so in their rows.
func judged(a *v1.BreachScopeResponse) bool {
	return a.Verdicts != nil || len(a.Patients) > 0 && a.Patients[0].Verdicts != nil
}

func countText(c *v1.ScopeCounts) string {
	return fmt.Sprintf("%s = %s + %d second + %d failed + %d incidental + %d without a patient", count(c.GetReports(), "report", "reports"),
		count(c.GetAccesses(), "access", "accesses"), c.GetSecondReports(), c.GetFailed(), c.GetIncidental(), c.GetPatientless())
}

func verdictText(v *v1.ScopeVerdicts) string {
	return fmt.Sprintf("Of all but second reports: %d with a known reason, %d without, %d not assessable, %d not judged", v.Explained, v.Unexplained,
		v.NotAssessable, v.NotJudged)
}

func (t countTable) patients(patients []*v1.ScopePatient) *table {
	out := &table{columns: append(append([]string{"patient", "also"}, t.columns()...), "country", "state", "data", "sensitivity")}
	for _, p := range patients {
		ids := make([]string, len(p.Identifiers))
		for i, id := range p.Identifiers {
			ids[i] = identifierText(id)
		}
		row := append([]string{ids[0], strings.Join(ids[1:], ", ")}, t.cells(p.Counts, p.Verdicts)...)
		out.add(append(row, p.Country, p.State, partsText(p.Parts), partsText(p.Sensitivity))...)
	}
	return out
}

func partsText(parts []*v1.ScopePart) string {
	var out []string
	for _, p := range parts {
		if p.Name != "" {
			out = append(out, fmt.Sprintf("%s %d", p.Name, p.Reports))
		}
	}
	return strings.Join(out, ", ")
}

// inScopeFlags tells what is wrong with a question by the flags that fill it.
func inScopeFlags(err error) error {
	var failed *connect.Error
	if !errors.As(err, &failed) {
		return err
	}
	field, problem, ok := strings.Cut(failed.Message(), ": ")
	switch {
	case !ok:
		return inFlags(err)
	case field == "query":
		return connect.NewError(failed.Code(), errors.New("name --reader, --account, --workstation, --object, --event or --alert, or both --from and --until"))
	case field == "events":
		return connect.NewError(failed.Code(), errors.New("--event: "+problem))
	case field == "account", field == "reader", field == "object", field == "workstation", field == "alert", field == "names":
		return connect.NewError(failed.Code(), errors.New("--"+field+": "+problem))
	case field == "as_of_position":
		return connect.NewError(failed.Code(), errors.New("--as-of: "+problem))
	}
	return inFlags(err)
}
