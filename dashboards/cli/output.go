package cli

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Output says how an answer is written.
type Output struct {
	Format string `help:"How to write the answer: ${enum}." enum:"table,json,csv" default:"table"`
	JSON   bool   `help:"Short for --format=json."`
}

func (o Output) format() string {
	if o.JSON {
		return "json"
	}
	return o.Format
}

// table is rows under column names; it becomes aligned text or CSV. Without columns, CSV has no first line.
type table struct {
	columns []string
	rows    [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// without leaves out a column that says the same in every row.
func (t *table) without(column string) *table {
	at := slices.Index(t.columns, column)
	t.columns = slices.Delete(t.columns, at, at+1)
	for i := range t.rows {
		t.rows[i] = slices.Delete(t.rows[i], at, at+1)
	}
	return t
}

func (t *table) text(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.ToUpper(strings.Join(t.columns, "\t")))
	for _, row := range t.rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = printable(cell)
		}
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func (t *table) csv(w io.Writer) error {
	cw := csv.NewWriter(w)
	rows := t.rows
	if t.columns != nil {
		rows = append([][]string{t.columns}, rows...)
	}
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = harmless(cell)
		}
		if err := cw.Write(cells); err != nil {
			return fmt.Errorf("write csv: %w", err)
		}
	}
	cw.Flush()
	if err := cw.Error(); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	return nil
}

// harmless keeps a spreadsheet from taking a cell for a formula (CWE-1236): a leading quote makes it text. Some take full-width signs for
// the plain ones.
func harmless(cell string) string {
	if strings.IndexAny(cell, "=+-@\t\r\n＝＋－＠") == 0 {
		return "'" + cell
	}
	return cell
}

// printable keeps what a source sent from driving the terminal: control and format characters become U+FFFD.
func printable(cell string) string {
	if cell == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return unicode.ReplacementChar
		}
		return r
	}, cell)
}

func writeJSON(w io.Writer, m proto.Message) error {
	out, err := protojson.MarshalOptions{Multiline: true, Indent: "  "}.Marshal(m)
	if err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	if _, err := w.Write(append(out, '\n')); err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	return nil
}

// clock tells times in the zone of an answer.
type clock struct{ zone *time.Location }

func clockOf(h *v1.AnswerHeader) clock {
	zone, err := time.LoadLocation(h.GetTimeZone())
	if err != nil {
		zone = time.UTC
	}
	return clock{zone}
}

func (c clock) at(us int64) string {
	if us == 0 {
		return ""
	}
	return time.UnixMicro(us).In(c.zone).Format("2006-01-02 15:04:05")
}

// stamp is the machine form: RFC 3339 with the zone's offset.
func (c clock) stamp(us int64) string {
	if us == 0 {
		return ""
	}
	return time.UnixMicro(us).In(c.zone).Format(time.RFC3339Nano)
}

func identifierText(id *v1.Identifier) string {
	switch {
	case id.GetValue() == "":
		return ""
	case id.GetSystem() == "":
		return id.Value
	}
	return id.System + "|" + id.Value
}

func readerText(r *v1.Reader) string {
	id := ""
	if len(r.GetIdentifiers()) > 0 {
		id = r.Identifiers[0].Value
	}
	switch {
	case r.GetName() == "" && id == "":
		return "(not named)"
	case r.GetName() == "":
		return id
	case id == "" || id == r.Name:
		return r.Name
	}
	return r.Name + " (" + id + ")"
}

func roleText(r *v1.Reader) string {
	if c := r.GetRole(); c != nil {
		if c.Display != "" {
			return c.Display
		}
		return c.Code
	}
	return words.Enum(r.GetType().String(), "READER_TYPE_")
}

func actionText(a v1.Action) string { return words.Enum(a.String(), "ACTION_") }

func outcomeText(o v1.Outcome) string { return words.Enum(o.String(), "OUTCOME_") }

func modeText(m v1.AccessMode) string { return words.Enum(m.String(), "ACCESS_MODE_") }

func objectsText(objects []*v1.Object) string {
	names := make([]string, 0, len(objects))
	for _, o := range objects {
		switch {
		case o.Name != "":
			names = append(names, o.Name)
		case o.GetId().GetValue() != "":
			names = append(names, o.Id.Value)
		case o.Type != "":
			names = append(names, o.Type)
		}
	}
	return strings.Join(names, ", ")
}

func patientsText(patients []*v1.Patient) string {
	names := make([]string, 0, len(patients))
	for _, p := range patients {
		if len(p.Identifiers) > 0 {
			names = append(names, p.Identifiers[0].Value)
		} else {
			names = append(names, p.Text+" (unresolved)")
		}
	}
	return strings.Join(names, ", ")
}

func count(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
