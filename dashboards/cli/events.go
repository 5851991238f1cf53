package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"regexp"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/dashboards/words"
	rt "github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Event is `readtrail event`.
type Event struct {
	Event    string `arg:"" help:"The event: its id (27 characters) or its journal position."`
	Purpose  string `required:"" short:"p" help:"Why you ask. It is journaled with the question."`
	Original bool   `help:"Print only the original, byte for byte as it came."`
	JSON     bool   `help:"Write the whole answer as JSON."`
}

// Run asks and prints.
func (q Event) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	res, err := conn.questions().GetEvent(ctx, connect.NewRequest(&v1.GetEventRequest{
		Event: q.Event, Purpose: q.Purpose, Original: true,
	}))
	if err != nil {
		return fmt.Errorf("ask for event: %w", err)
	}
	a := res.Msg
	switch {
	case q.Original:
		if _, err := w.Write(a.Original); err != nil {
			return fmt.Errorf("write original: %w", err)
		}
		return nil
	case q.JSON:
		return writeEvent(w, a)
	}
	c := clockOf(a.Header)
	fmt.Fprintf(w, "Event at journal position %d\n\n", a.Position)
	writeHeader(w, a.Header)
	if id, err := rt.EventIDFromBytes(a.Event.GetEventId()); err == nil {
		fmt.Fprintf(w, "  %-14s%s\n", "event id", id)
	}
	fmt.Fprintf(w, "  %-14s%s\n", "received", c.at(a.ReceivedUs))
	if len(a.ConflictsWith) > 0 {
		fmt.Fprintf(w, "  %-14s%s\n", "conflict", "another event claims the same id with other content")
	}
	for _, p := range a.Paired {
		fmt.Fprintf(w, "  %-14sposition %d, from %s at %s\n", "same access", p.Position, printable(p.Source), c.at(p.OccurredUs))
	}
	if text := whyText(words.Judged(a)); text != "" {
		fmt.Fprintf(w, "  %-14s%s\n", "why", printable(text))
	}
	if text := rt.DocumentText(a.Document, c.zone); text != "" {
		fmt.Fprintf(w, "  %-14s%s\n", "documented by", printable(text))
	}
	fmt.Fprint(w, "\nAs Readtrail understood it\n")
	if err := writeEvent(w, a.Event); err != nil {
		return err
	}
	if a.FreeText != nil {
		fmt.Fprintf(w, "\nTyped by people\n%s\n", protojson.Format(a.FreeText))
	}
	fmt.Fprintf(w, "\nAs it came (%s, %s)\n%s\n", a.MediaType, count(uint64(len(a.Original)), "byte", "bytes"), safeText(a.Original))
	return nil
}

// idField is an id as protojson writes one: 20 bytes in base64. Quotes inside of values are escaped, so it is no part of one.
var idField = regexp.MustCompile(`"(eventId|importId|conflictsWith)":\s*"([A-Za-z0-9+/]{27}=)"`)

// writeEvent writes a message that holds an event as JSON. The event's ids are bytes there; they are written in the 27
// characters that every other answer has and every question takes.
func writeEvent(w io.Writer, m proto.Message) error {
	var text bytes.Buffer
	if err := writeJSON(&text, m); err != nil {
		return err
	}
	spelled := idField.ReplaceAllFunc(text.Bytes(), func(field []byte) []byte {
		encoded := idField.FindSubmatch(field)[2]
		raw, err := base64.StdEncoding.AppendDecode(nil, encoded)
		if err != nil {
			return field
		}
		id, err := rt.EventIDFromBytes(raw)
		if err != nil {
			return field
		}
		return bytes.Replace(field, encoded, []byte(id.String()), 1)
	})
	if _, err := w.Write(spelled); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	return nil
}

// Search is `readtrail search`.
type Search struct {
	Purpose string `required:"" short:"p" help:"Why you ask. It is journaled with the question."`
	View    string `help:"Ask what this saved view asks: its name or id. Then give no conditions." placeholder:"NAME"`
	SearchConditions
	Verdicts
	Period
	Paging
	Output
}

// SearchConditions are what accesses are found by, besides time and verdict.
type SearchConditions struct {
	Object      string `help:"Object: its id, system|value or reference." placeholder:"ID"`
	ObjectType  string `help:"Kind of object, such as DocumentReference." placeholder:"TYPE"`
	Site        string `help:"Site where it happened." placeholder:"SITE"`
	Workstation string `help:"Workstation that was used." placeholder:"NAME"`
	Address     string `help:"Network address that was used." placeholder:"ADDRESS"`
	Source      string `help:"Source that reported it." placeholder:"NAME"`
	Text        string `help:"Text of an unresolved patient or a reader's name." placeholder:"TEXT"`
	Action      string `help:"Only this action: ${enum}." enum:"any,read,search,print,export,create,update,delete,execute,disclose,login,logout" default:"any"`
	BreakGlass  bool   `help:"Only accesses by break-glass."`
	Patientless bool   `help:"Only events without a patient."`
	Unresolved  bool   `help:"Only events whose patient could not be resolved."`
}

// Run asks and prints.
func (q Search) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	if err := q.fromView(ctx, conn); err != nil {
		return err
	}
	b, err := q.bounds()
	if err != nil {
		return err
	}
	req := &v1.SearchAccessesRequest{
		Purpose: q.Purpose, Object: q.Object, ObjectType: q.ObjectType, Site: q.Site, Workstation: q.Workstation,
		NetworkAddress: q.Address, Source: q.Source, Text: q.Text, Action: actionOf(q.Action), BreakGlass: q.BreakGlass,
		Patientless: q.Patientless, Unresolved: q.Unresolved, AsOfUs: b.asOf, FromUs: b.from, UntilUs: b.until,
		TimeZone: q.Zone, Page: &v1.Page{Size: q.Limit}, Verdicts: q.list(),
	}
	var answer *v1.SearchAccessesResponse
	return q.pages(conn, q.Output, func(token, questionID string) (page, error) {
		req.Page.Token, req.QuestionId = token, questionID
		res, err := conn.questions().SearchAccesses(ctx, connect.NewRequest(req))
		if err != nil {
			return nil, fmt.Errorf("search accesses: %w", err)
		}
		answer = res.Msg
		return answer, nil
	}, func(_ page, first bool) error { return q.print(w, answer, first) })
}

func (q Search) print(w io.Writer, a *v1.SearchAccessesResponse, first bool) error {
	if q.format() == "json" {
		return writeJSON(w, a)
	}
	if done, err := q.rows(w, a, first); done {
		return err
	}
	c := clockOf(a.Header)
	fmt.Fprintf(w, "Accesses found\n\n")
	writeHeader(w, a.Header)
	fmt.Fprintln(w)
	if len(a.Accesses) == 0 {
		fmt.Fprintln(w, withinLimits(a.Header, "No access of this kind is in what the sources reported."))
		return nil
	}
	if err := accessTable(c.at, c.zone, a.Accesses).text(w); err != nil {
		return err
	}
	writeNext(w, q.All, a.NextPageToken)
	return nil
}

func actionOf(text string) v1.Action {
	for n, name := range v1.Action_name {
		if words.Enum(name, "ACTION_") == text {
			return v1.Action(n)
		}
	}
	return v1.Action_ACTION_UNSPECIFIED
}

// safeText keeps an original from driving the terminal; line ends and tabs stay.
func safeText(b []byte) string {
	out := make([]rune, 0, len(b))
	for _, r := range string(b) {
		if r == '\n' || r == '\t' {
			out = append(out, r)
			continue
		}
		out = append(out, []rune(printable(string(r)))...)
	}
	return string(out)
}
