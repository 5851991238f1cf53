package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// ReaderProfile is `readtrail profile`.
type ReaderProfile struct {
	Reader     string `arg:"" help:"The reader: a user id, system|value, Practitioner/123 or an absolute URL."`
	Purpose    string `required:"" short:"p" help:"Why you ask. It is journaled with the question."`
	Department string `help:"Compare with this department (and --role). Default: the department and role of most of the reader's accesses." placeholder:"NAME"`
	Role       string `help:"Compare with this role: its code, or its text." placeholder:"CODE"`
	Period
	Output
}

// Help says what is compared.
func (ReaderProfile) Help() string {
	return "Compares the reader's accesses with those of others in the same department and role, as the accesses say. Peers are counted and " +
		"never named; of fewer than five nothing is told. Without --from and --until it is the 30 days that end with the reader's latest."
}

// Run asks and prints. It returns ErrAmbiguous when the value names several readers.
func (q ReaderProfile) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	b, err := q.bounds()
	if err != nil {
		return err
	}
	res, err := conn.questions().ReaderProfile(ctx, connect.NewRequest(&v1.ReaderProfileRequest{
		Reader: q.Reader, Purpose: q.Purpose, AsOfUs: b.asOf, FromUs: b.from, UntilUs: b.until, TimeZone: q.Zone,
		Department: q.Department, Role: q.Role,
	}))
	if err != nil {
		return inFlags(fmt.Errorf("compare a reader with their peers: %w", err))
	}
	if err := q.print(conn, w, res.Msg); err != nil {
		return err
	}
	if len(res.Msg.Candidates) > 0 {
		return ErrAmbiguous
	}
	return nil
}

func (q ReaderProfile) print(conn *Connection, w io.Writer, a *v1.ReaderProfileResponse) error {
	switch q.format() {
	case "json":
		return writeJSON(w, a)
	case "csv":
		writeHeader(conn.aside(), a.Header)
		return figureTable(a).csv(w)
	}
	fmt.Fprintf(w, "How does this reader compare with their peers?\n\n")
	writeFollowed(w, q.Reader, a.Identifiers)
	writeHeader(w, a.Header)
	if len(a.Candidates) > 0 {
		return writeCandidates(w, "reader", a.Candidates)
	}
	if a.Group != nil {
		fmt.Fprintf(w, "\n%s on %s as %s, beside %s.\n", count(a.Accesses, "access", "accesses"), count(uint64(a.Days), "day", "days"),
			groupText(a.Group), count(uint64(a.Peers), "peer", "peers"))
		if others := otherGroups(a); others != "" {
			fmt.Fprintf(w, "The reader also acted as %s (--department, --role).\n", others)
		}
	}
	if len(a.Figures) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	return figureTable(a).text(w)
}

func figureTable(a *v1.ReaderProfileResponse) *table {
	t := &table{columns: []string{"figure", "reader", "peers' median", "peers' 90th percentile", "rank"}}
	for _, f := range a.Figures {
		median, high := "not told", "not told"
		if f.Median != nil {
			median, high = words.Measured(f.Measure, f.Median), words.Measured(f.Measure, f.Percentile_90)
		}
		t.add(words.Measure(f.Measure), words.Measured(f.Measure, f.Value), median, high, words.Rank(f))
	}
	return t
}

func groupText(g *v1.PeerGroup) string {
	return printable(strings.Join([]string{orNone(g.GetRole(), "role"), orNone(g.GetDepartment(), "department")}, ", "))
}

func orNone(text, what string) string {
	if text == "" {
		return "no " + what
	}
	return text
}

// otherGroups are the groups besides the one that is compared.
func otherGroups(a *v1.ReaderProfileResponse) string {
	var out []string
	for _, g := range a.Groups {
		if g.Department != a.Group.GetDepartment() || g.Role != a.Group.GetRole() {
			out = append(out, groupText(g))
		}
	}
	return strings.Join(out, "; ")
}
