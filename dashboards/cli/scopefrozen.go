package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// ErrDiffers says that a frozen scope, computed again, is another one.
var ErrDiffers = errors.New("the scope is not the one that was frozen: its hash differs")

// ScopeFreeze is `readtrail scope freeze`.
type ScopeFreeze struct {
	ScopeQuery
	Moment
	Purpose string `required:"" short:"p" help:"Why you ask. It is journaled with the frozen scope."`
	JSON    bool   `help:"Write the answer as JSON."`
}

// Run freezes and prints where the scope stands. It returns ErrAmbiguous when the value names several readers.
func (q ScopeFreeze) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	query, err := q.query()
	if err != nil {
		return err
	}
	req := &v1.FreezeScopeRequest{Query: query, Purpose: q.Purpose}
	if req.AsOfUs, req.AsOfPosition, err = readMoment(q.AsOf, q.Zone); err != nil {
		return err
	}
	res, err := conn.scopes().FreezeScope(ctx, connect.NewRequest(req))
	if err != nil {
		return inScopeFlags(fmt.Errorf("freeze scope: %w", err))
	}
	a := res.Msg
	switch {
	case len(a.Candidates) > 0:
		return errors.Join(writeCandidates(w, "reader", a.Candidates), ErrAmbiguous)
	case q.JSON:
		return writeJSON(w, a)
	}
	fmt.Fprintf(w, "Breach scope, frozen at journal position %d\n\n", a.Position)
	writeFrozen(w, clockOf(a.Header), a.Frozen)
	writeHeader(w, a.Header)
	fmt.Fprintf(w, "\nVerify it at any time: readtrail scope verify %d -p PURPOSE\n", a.Position)
	return nil
}

func writeFrozen(w io.Writer, c clock, f *v1.ScopeFrozen) {
	writeQuery(w, c, f.Query)
	line := func(name, text string) { fmt.Fprintf(w, "  %-14s%s\n", name, text) }
	line("computed at", fmt.Sprintf("journal position %d", f.Position))
	line("frozen by", fmt.Sprintf("%s (%s) on %s", printable(f.Asker), printable(f.Role), c.at(f.FrozenUs)))
	line("purpose", printable(f.Purpose))
	line("patients", fmt.Sprintf("%d, and %d without an identifier", f.Totals.GetPatients(), f.Totals.GetUnresolved()))
	line("counts", countText(f.Totals.GetCounts()))
	line("sha-256", hex.EncodeToString(f.Sha256))
}

// ScopeList is `readtrail scope list`.
type ScopeList struct {
	Purpose string `required:"" short:"p" help:"Why you ask. It is journaled with the question."`
	Limit   uint32 `help:"Scopes to print, at most 1000 a page." default:"50"`
	Page    string `help:"Continue after an earlier page: its 'next page' token." placeholder:"TOKEN"`
	Zone    string `help:"Time zone to tell times in (IANA name). Default: the site's." placeholder:"ZONE"`
	Output
}

// Run asks and prints.
func (q ScopeList) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	res, err := conn.scopes().ListFrozenScopes(ctx, connect.NewRequest(&v1.ListFrozenScopesRequest{
		Purpose: q.Purpose, TimeZone: q.Zone, Page: &v1.Page{Size: q.Limit, Token: q.Page},
	}))
	if err != nil {
		return inScopeFlags(fmt.Errorf("list frozen scopes: %w", err))
	}
	a := res.Msg
	if q.format() == "json" {
		return writeJSON(w, a)
	}
	t := &table{columns: []string{"position", "frozen", "by", "role", "purpose", "scope", "patients", "unresolved", "reports", "sha-256"}}
	at := clockOf(a.Header).at
	if q.format() == "csv" {
		at = clockOf(a.Header).stamp
	}
	for _, s := range a.Scopes {
		f := s.Frozen
		t.add(strconv.FormatUint(s.Position, 10), at(f.GetFrozenUs()), f.GetAsker(), f.GetRole(), f.GetPurpose(), queryText(at, f.GetQuery()),
			fmt.Sprint(f.GetTotals().GetPatients()), fmt.Sprint(f.GetTotals().GetUnresolved()), fmt.Sprint(f.GetTotals().GetCounts().GetReports()),
			hex.EncodeToString(f.GetSha256()))
	}
	if q.format() == "csv" {
		return t.csv(w)
	}
	if len(a.Scopes) == 0 {
		fmt.Fprintln(w, "No scope has been frozen. `readtrail scope freeze` sets one down.")
		return nil
	}
	if err := t.text(w); err != nil {
		return err
	}
	writeNext(w, false, a.NextPageToken)
	return nil
}

// queryText says in a line what a scope is made of.
func queryText(at func(int64) string, q *v1.ScopeQuery) string {
	var out []string
	for _, f := range queryFields(q) {
		out = append(out, f[0]+" "+f[1])
	}
	if n := len(q.GetEvents()); n > 0 {
		out = append(out, count(uint64(n), "event", "events"))
	}
	if q.GetFromUs() != 0 {
		out = append(out, "from "+at(q.GetFromUs()))
	}
	if q.GetUntilUs() != 0 {
		out = append(out, "until "+at(q.GetUntilUs()))
	}
	return strings.Join(out, ", ")
}

// ScopeVerify is `readtrail scope verify`.
type ScopeVerify struct {
	Position uint64 `arg:"" help:"Journal position of the frozen scope."`
	Purpose  string `required:"" short:"p" help:"Why you ask. It is journaled with the question."`
	JSON     bool   `help:"Write the answer as JSON."`
}

// Run verifies and says whether the scope is the same. It returns ErrDiffers when it is not.
func (q ScopeVerify) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	res, err := conn.scopes().VerifyScope(ctx, connect.NewRequest(&v1.VerifyScopeRequest{Position: q.Position, Purpose: q.Purpose}))
	if err != nil {
		return inScopeFlags(fmt.Errorf("verify scope: %w", err))
	}
	a := res.Msg
	if q.JSON {
		err = writeJSON(w, a)
	} else {
		fmt.Fprintf(w, "Frozen breach scope at journal position %d\n\n", q.Position)
		writeFrozen(w, clockOf(a.Header), a.Frozen)
		fmt.Fprintf(w, "  %-14s%s\n", "computed now", hex.EncodeToString(a.Sha256))
		if a.Same {
			fmt.Fprintln(w, "\nThe same: the scope is what was frozen.")
		}
	}
	if err == nil && !a.Same {
		return ErrDiffers
	}
	return err
}

// ScopeCompare is `readtrail scope compare`.
type ScopeCompare struct {
	ScopeQuery
	Before  string `required:"" help:"The earlier run: a time, a journal position, or frozen:POSITION." placeholder:"WHEN"`
	After   string `help:"The later run, written the same way. Default: now." placeholder:"WHEN"`
	Purpose string `required:"" short:"p" help:"Why you ask. It is journaled with the question."`
	Output
}

// Run compares and prints.
func (q ScopeCompare) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	before, err := q.run(q.Before)
	if err != nil {
		return fmt.Errorf("read --before: %w", err)
	}
	after, err := q.run(q.After)
	if err != nil {
		return fmt.Errorf("read --after: %w", err)
	}
	res, err := conn.scopes().CompareScopes(ctx, connect.NewRequest(&v1.CompareScopesRequest{
		Before: before, After: after, Purpose: q.Purpose, TimeZone: q.Zone,
	}))
	if err != nil {
		return inScopeFlags(fmt.Errorf("compare scopes: %w", err))
	}
	a := res.Msg
	switch q.format() {
	case "json":
		return writeJSON(w, a)
	case "csv":
		writeHeader(conn.aside(), a.Header)
		return changeTable(a.Changes).csv(w)
	}
	fmt.Fprintf(w, "What differs between two breach scopes\n\n")
	writeHeader(w, a.Header)
	for _, run := range []struct {
		name string
		of   *v1.ScopeRunResult
	}{{"before", a.Before}, {"after", a.After}} {
		t := run.of.GetTotals()
		fmt.Fprintf(w, "  %-14sposition %d: %s, %s; %s\n", run.name, run.of.GetPosition(), count(t.GetPatients(), "patient", "patients"),
			countText(t.GetCounts()), hex.EncodeToString(run.of.GetSha256()))
	}
	fmt.Fprintf(w, "\nPatients: %d added, %d removed, %d changed.\nAccesses: %d added, %d removed. Reports: %d added, %d removed, %d count as something else.\n",
		a.PatientsAdded, a.PatientsRemoved, a.PatientsChanged, a.AccessesAdded, a.AccessesRemoved, a.ReportsAdded, a.ReportsRemoved, a.ReportsChanged)
	if len(a.Changes) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	return changeTable(a.Changes).text(w)
}

// run reads one side of a comparison.
func (q ScopeCompare) run(text string) (*v1.ScopeRun, error) {
	if at, ok := strings.CutPrefix(text, "frozen:"); ok {
		position, err := strconv.ParseUint(at, 10, 64)
		if err != nil {
			return nil, errors.New("want frozen:POSITION, such as frozen:73728")
		}
		return &v1.ScopeRun{Frozen: position}, nil
	}
	query, err := q.query()
	if err != nil {
		return nil, err
	}
	run := &v1.ScopeRun{Query: query}
	run.AsOfUs, run.AsOfPosition, err = readMoment(text, q.Zone)
	return run, err
}

func changeTable(changes []*v1.ScopeChange) *table {
	t := &table{columns: []string{"change", "before", "accesses before", "after", "accesses after"}}
	tell := func(patients []*v1.ScopePatient) (names, accesses string) {
		var ids, n []string
		for _, p := range patients {
			ids = append(ids, identifierText(p.Identifiers[0]))
			n = append(n, strconv.FormatUint(p.Counts.GetAccesses(), 10))
		}
		return strings.Join(ids, ", "), strings.Join(n, ", ")
	}
	for _, c := range changes {
		before, n := tell(c.Before)
		after, m := tell(c.After)
		t.add(words.Enum(c.Kind.String(), "KIND_"), before, n, after, m)
	}
	return t
}

// ScopeExport is `readtrail scope export`.
type ScopeExport struct {
	ScopeQuery
	Moment
	Purpose string `required:"" short:"p" help:"Why you ask. It is journaled with every patient in the file."`
	As      string `help:"Form of the file: ${enum}." enum:"csv,ndjson,fhir" default:"csv"`
	Out     string `required:"" short:"o" help:"File to write; - for standard output. It has its name only once it is whole." placeholder:"FILE"`
}

// Run writes the file and tells of progress aside. It returns ErrAmbiguous when the value names several readers.
func (q ScopeExport) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	query, err := q.query()
	if err != nil {
		return err
	}
	req := &v1.ExportScopeRequest{Query: query, Purpose: q.Purpose, TimeZone: q.Zone, Format: exportFormat(q.As)}
	if req.AsOfUs, req.AsOfPosition, err = readMoment(q.AsOf, q.Zone); err != nil {
		return err
	}
	to, finish := w, func(bool) error { return nil }
	if q.Out != "-" {
		file, err := os.OpenFile(q.Out+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("write export: %w", err)
		}
		to = file
		finish = func(whole bool) error { return closePart(file, q.Out, whole) }
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // a stream that is left in the middle ends with it
	whole, err := q.receive(ctx, conn, req, w, to)
	return errors.Join(err, finish(whole))
}

// closePart gives a whole file its name, and takes away a part of one.
func closePart(file *os.File, name string, whole bool) error {
	err := file.Sync()
	if closing := file.Close(); err == nil {
		err = closing
	}
	if !whole || err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	if err := os.Rename(file.Name(), name); err != nil {
		return fmt.Errorf("name export: %w", err)
	}
	return nil
}

func exportFormat(as string) v1.ExportScopeRequest_Format {
	switch as {
	case "ndjson":
		return v1.ExportScopeRequest_FORMAT_NDJSON
	case "fhir":
		return v1.ExportScopeRequest_FORMAT_FHIR
	}
	return v1.ExportScopeRequest_FORMAT_CSV
}

// receive writes the parts of an export as they come; whole is true when the last one did.
func (q ScopeExport) receive(ctx context.Context, conn *Connection, req *v1.ExportScopeRequest, w, to io.Writer) (whole bool, err error) {
	stream, err := conn.scopes().ExportScope(ctx, connect.NewRequest(req))
	if err != nil {
		return false, inScopeFlags(fmt.Errorf("export scope: %w", err))
	}
	defer func() { _ = stream.Close() }() // what failed is in stream.Err
	show := newExportDisplay(conn.aside(), time.Now)
	defer show.clear()
	for stream.Receive() {
		part := stream.Msg()
		if len(part.Candidates) > 0 {
			return false, errors.Join(writeCandidates(w, "reader", part.Candidates), ErrAmbiguous)
		}
		if part.Header != nil {
			writeHeader(conn.aside(), part.Header)
			fmt.Fprintf(conn.aside(), "  %-14s%s\n", "sha-256", hex.EncodeToString(part.Sha256))
			show.begin(part.Totals.GetCounts().GetReports())
		}
		if _, err := to.Write(part.Data); err != nil {
			return false, fmt.Errorf("write export: %w", err)
		}
		show.report(part.Reports, part.Done)
		whole = whole || part.Done
	}
	if err := stream.Err(); err != nil {
		return false, inScopeFlags(fmt.Errorf("export scope: %w", err))
	}
	if !whole {
		return false, errors.New("the export broke off before its end: nothing was kept; export again")
	}
	return true, nil
}

// exportDisplay tells of an export: on a terminal one line that changes, elsewhere the beginning and the end.
type exportDisplay struct {
	rebuildDisplay
	all uint64
}

func newExportDisplay(w io.Writer, now func() time.Time) *exportDisplay {
	return &exportDisplay{rebuildDisplay: *newRebuildDisplay(w, now)}
}

func (d *exportDisplay) begin(all uint64) {
	d.all, d.begun, d.told = all, d.now(), d.now()
	fmt.Fprintf(d.w, "exporting %s\n", count(all, "report", "reports"))
}

// exportLineEvery is how often a line changes: often enough to see that it goes on.
const exportLineEvery = 200 * time.Millisecond

func (d *exportDisplay) report(done uint64, whole bool) {
	now := d.now()
	took := now.Sub(d.begun)
	switch {
	case whole:
		d.clear()
		fmt.Fprintf(d.w, "%s in %s\n", count(done, "report", "reports"), took.Round(time.Millisecond))
	case d.terminal && done > 0 && now.Sub(d.told) >= exportLineEvery:
		d.told = now
		d.line(fmt.Sprintf("%s, %.0f/s", share(done, d.all), float64(done)/max(took.Seconds(), 1e-3)))
	}
}
