package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

func (c *Connection) register() readtrailv1connect.RegisterServiceClient {
	return readtrailv1connect.NewRegisterServiceClient(c.HTTP, c.Base)
}

// Status is `readtrail status`.
type Status struct {
	Output
}

// Run asks and prints.
func (q Status) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	res, err := conn.questions().GetStatus(ctx, connect.NewRequest(&v1.GetStatusRequest{}))
	if err != nil {
		return fmt.Errorf("ask status: %w", err)
	}
	a := res.Msg
	t := &table{columns: []string{"projection", "version", "active", "position", "behind"}}
	for _, p := range a.Projections {
		behind := (time.Duration(p.LagUs) * time.Microsecond).String()
		if p.Position == 0 && a.JournalPosition > 0 { // its lag would be counted from 1970
			behind = "has read nothing yet"
		}
		t.add(p.Name, fmt.Sprint(p.Version), yes(p.Active), fmt.Sprint(p.Position), behind)
	}
	for _, s := range a.Streams {
		t.add(s.Name, fmt.Sprint(s.Version), yes(s.Active), fmt.Sprint(s.Sequence), count(s.Head-min(s.Sequence, s.Head), "message", "messages"))
	}
	switch q.format() {
	case "json":
		return writeJSON(w, a)
	case "csv":
		return t.csv(w)
	}
	fmt.Fprintf(w, "Readtrail %s\n\n", a.Version)
	fmt.Fprintf(w, "  %-12s%d, %s, %d MiB\n", "journal", a.JournalPosition, count(a.JournalMessages, "message", "messages"), a.JournalBytes>>20)
	fmt.Fprintf(w, "  %-12s%s (%s)\n\n", "durability", a.Durability, a.DurabilityReason)
	if err := t.text(w); err != nil {
		return err
	}
	if a.GlassUnreviewed > 0 {
		fmt.Fprintf(w, "\n%s for a review, the first since %s: readtrail glass list\n",
			count(a.GlassUnreviewed, "broken glass waits", "broken glasses wait"), time.UnixMicro(a.GlassUnreviewedSinceUs).UTC().Format("2006-01-02 15:04 UTC"))
	}
	return writeTasks(w, a.Tasks)
}

// writeTasks lists what runs and takes a while.
func writeTasks(w io.Writer, tasks []*v1.RunningTask) error {
	if len(tasks) == 0 {
		_, err := fmt.Fprintln(w, "\nNo import, rebuild or backtest is running.")
		return err //nolint:wrapcheck // nothing to add
	}
	t := &table{columns: []string{"in progress", "done", "rate", "left", "so far"}}
	for _, x := range tasks {
		t.add(words.Task(x), words.TaskWay(x), words.TaskRate(x), words.TaskLeft(x), words.TaskResults(x))
	}
	fmt.Fprintln(w)
	return t.text(w)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// DeadLetters is `readtrail deadletters`.
type DeadLetters struct {
	List   DeadLettersList   `cmd:"" default:"withargs" help:"List dead letters and their counts by source and reason."`
	Show   DeadLettersShow   `cmd:"" help:"Show one dead letter with its original."`
	Retry  DeadLettersRetry  `cmd:"" help:"Decode dead letters again with the adapters of today."`
	Export DeadLettersExport `cmd:"" help:"Write originals of dead letters to a directory, one file each."`
}

// DeadLettersList is `readtrail deadletters list`.
type DeadLettersList struct {
	Source  string `help:"Only this source." placeholder:"NAME"`
	Reason  string `help:"Only this reason, such as missing_element." placeholder:"REASON"`
	Retried bool   `help:"Also those that a retry turned into events."`
	Period
	Paging
	Output
}

// Run asks and prints.
func (q DeadLettersList) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	b, err := q.bounds()
	if err != nil {
		return err
	}
	req := &v1.ListDeadLettersRequest{
		Source: q.Source, Reason: q.Reason, FromUs: b.from, UntilUs: b.until, IncludeRetried: q.Retried,
		Page: &v1.Page{Size: q.Limit, Token: q.Page},
	}
	for first := true; ; first = false {
		res, err := conn.questions().ListDeadLetters(ctx, connect.NewRequest(req))
		if err != nil {
			return fmt.Errorf("list dead letters: %w", err)
		}
		if err := q.print(w, res.Msg, first); err != nil {
			return err
		}
		req.Page.Token = res.Msg.NextPageToken
		if !q.All || req.Page.Token == "" {
			return nil
		}
	}
}

func (q DeadLettersList) print(w io.Writer, a *v1.ListDeadLettersResponse, first bool) error {
	c := clockOf(a.Header)
	at := c.at
	if q.format() == "csv" {
		at = c.stamp
	}
	t := &table{columns: []string{"received", "source", "reason", "element", "message", "origin", "line", "bytes", "position"}}
	for _, d := range a.DeadLetters {
		line := ""
		if d.Line > 0 {
			line = fmt.Sprintf("%d:%d", d.Line, d.Column)
		}
		element := d.Element
		if q.format() != "csv" {
			element = shortened(element)
		}
		t.add(at(d.ReceivedUs), d.Source, d.Reason, element, d.Message, d.Origin, line, fmt.Sprint(d.SizeBytes), fmt.Sprint(d.Position))
	}
	switch q.format() {
	case "json":
		return writeJSON(w, a)
	case "csv":
		if !first {
			t.columns = nil
		}
		return t.csv(w)
	}
	if h := a.Header; first && len(a.Counts) == 0 {
		if h.GetPosition() < h.GetJournalPosition() {
			fmt.Fprintf(w, "No dead letters up to position %d; what stands behind it, up to %d, is not read yet.\n", h.GetPosition(), h.GetJournalPosition())
			return nil
		}
		fmt.Fprintln(w, "No dead letters: everything that came in became an event.")
		return nil
	}
	if first {
		counts := &table{columns: []string{"source", "reason", "dead letters", "retried", "first", "last"}}
		for _, n := range a.Counts {
			counts.add(n.Source, n.Reason, fmt.Sprint(n.DeadLetters), fmt.Sprint(n.Retried), c.at(n.FirstUs), c.at(n.LastUs))
		}
		if err := counts.text(w); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	if err := t.text(w); err != nil {
		return err
	}
	writeNext(w, q.All, a.NextPageToken)
	return nil
}

// maxElement is how much of an element's path the table shows: the paths of FHIR's own elements fit.
const maxElement = 48

// shortened leaves out the middle of a long path. Its beginning says what it is in, its end what is wrong.
func shortened(path string) string {
	runes := []rune(path)
	if len(runes) <= maxElement {
		return path
	}
	const head = maxElement / 2
	return string(runes[:head]) + "…" + string(runes[len(runes)-(maxElement-head-1):])
}

// DeadLettersShow is `readtrail deadletters show`.
type DeadLettersShow struct {
	DeadLetter string `arg:"" help:"Its id or its journal position."`
	Purpose    string `required:"" short:"p" help:"Why you ask: the original may name a patient. It is journaled."`
	Original   bool   `help:"Print only the original bytes."`
	JSON       bool   `help:"Write the whole answer as JSON."`
}

// Run asks and prints.
func (q DeadLettersShow) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	res, err := conn.questions().GetDeadLetter(ctx, connect.NewRequest(&v1.GetDeadLetterRequest{DeadLetter: q.DeadLetter, Purpose: q.Purpose}))
	if err != nil {
		return fmt.Errorf("ask for dead letter: %w", err)
	}
	a, d := res.Msg, res.Msg.DeadLetter
	switch {
	case q.JSON:
		return writeJSON(w, a)
	case q.Original:
		if _, err := w.Write(a.Original); err != nil {
			return fmt.Errorf("write original: %w", err)
		}
		return nil
	}
	fmt.Fprintf(w, "Dead letter at journal position %d\n\n", d.GetPosition())
	for _, l := range [][2]string{
		{"source", d.GetSource()},
		{"received", clockOf(a.Header).at(d.GetReceivedUs())},
		{"reason", d.GetReason()},
		{"element", d.GetElement()},
		{"message", d.GetMessage()},
		{"origin", d.GetOrigin()},
		{"line", fmt.Sprintf("%d, column %d", d.GetLine(), d.GetColumn())},
		{"retried to", retriedText(d)},
	} {
		fmt.Fprintf(w, "  %-12s%s\n", l[0], printable(l[1]))
	}
	fmt.Fprintf(w, "\nAs it came (%s, %s)\n%s\n", a.MediaType, count(uint64(len(a.Original)), "byte", "bytes"), safeText(a.Original))
	return nil
}

// retriedText says which event a retry made of it, by its position alone where the id is not told; "" where none did.
func retriedText(d *v1.DeadLetterRow) string {
	switch {
	case d.GetRetriedPosition() == 0:
		return ""
	case d.RetriedEventId == "":
		return fmt.Sprintf("position %d", d.RetriedPosition)
	}
	return fmt.Sprintf("%s at position %d", d.RetriedEventId, d.RetriedPosition)
}

// DeadLettersRetry is `readtrail deadletters retry`.
type DeadLettersRetry struct {
	DeadLetters []string `arg:"" optional:"" help:"Ids or positions; without any, all that match the flags."`
	Source      string   `help:"Only this source." placeholder:"NAME"`
	Reason      string   `help:"Only this reason." placeholder:"REASON"`
	JSON        bool     `help:"Write the answer as JSON."`
}

// Run retries and prints what came of it.
func (q DeadLettersRetry) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	client := readtrailv1connect.NewDeadLetterServiceClient(conn.HTTP, conn.Base)
	res, err := client.RetryDeadLetters(ctx, connect.NewRequest(&v1.RetryDeadLettersRequest{
		DeadLetters: q.DeadLetters, Source: q.Source, Reason: q.Reason,
	}))
	if err != nil {
		return fmt.Errorf("retry dead letters: %w", err)
	}
	if q.JSON {
		return writeJSON(w, res.Msg)
	}
	a := res.Msg
	fmt.Fprintf(w, "%s tried: %d stored, %s, %s, %d failed again.\n", count(a.Tried, "dead letter", "dead letters"), a.Stored,
		count(a.Duplicates, "duplicate", "duplicates"), count(a.Conflicts, "conflict", "conflicts"), a.FailedAgain)
	return nil
}

// DeadLettersExport is `readtrail deadletters export`.
type DeadLettersExport struct {
	Dir     string `arg:"" type:"path" help:"Directory to write to; made when absent."`
	Purpose string `required:"" short:"p" help:"Why you ask: originals may name patients. It is journaled."`
	Source  string `help:"Only this source." placeholder:"NAME"`
	Reason  string `help:"Only this reason." placeholder:"REASON"`
}

// Run writes <position>.bin and <position>.json for each dead letter; a file that is there is not written again.
func (q DeadLettersExport) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	if err := os.MkdirAll(q.Dir, 0o700); err != nil {
		return fmt.Errorf("export dead letters: %w", err)
	}
	written, token := 0, ""
	for {
		page, err := conn.questions().ListDeadLetters(ctx, connect.NewRequest(&v1.ListDeadLettersRequest{
			Source: q.Source, Reason: q.Reason, Page: &v1.Page{Size: 1000, Token: token},
		}))
		if err != nil {
			return fmt.Errorf("list dead letters: %w", err)
		}
		for _, d := range page.Msg.DeadLetters {
			if err := q.one(ctx, conn, d); err != nil {
				return err
			}
			written++
		}
		if token = page.Msg.NextPageToken; token == "" {
			fmt.Fprintf(w, "%s in %s\n", count(uint64(written), "dead letter", "dead letters"), q.Dir)
			return nil
		}
	}
}

func (q DeadLettersExport) one(ctx context.Context, conn *Connection, d *v1.DeadLetterRow) error {
	base := filepath.Join(q.Dir, fmt.Sprint(d.Position))
	if _, err := os.Stat(base + ".json"); err == nil {
		return nil
	}
	res, err := conn.questions().GetDeadLetter(ctx, connect.NewRequest(&v1.GetDeadLetterRequest{
		DeadLetter: fmt.Sprint(d.Position), Purpose: q.Purpose,
	}))
	if err != nil {
		return fmt.Errorf("ask for dead letter %d: %w", d.Position, err)
	}
	var about strings.Builder
	if err := writeJSON(&about, res.Msg.DeadLetter); err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(base+".bin", res.Msg.Original, 0o600),
		os.WriteFile(base+".json", []byte(about.String()), 0o600)); err != nil {
		return fmt.Errorf("export dead letter %d: %w", d.Position, err)
	}
	return nil
}

// Tokens is `readtrail tokens`.
type Tokens struct {
	List   TokensList   `cmd:"" default:"1" help:"List API tokens."`
	Create TokensCreate `cmd:"" help:"Make a token; it is printed once."`
	Revoke TokensRevoke `cmd:"" help:"Revoke a token."`
}

// TokensList is `readtrail tokens list`.
type TokensList struct {
	Output
}

// Run asks and prints.
func (q TokensList) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	res, err := conn.register().ListTokens(ctx, connect.NewRequest(&v1.ListTokensRequest{}))
	if err != nil {
		return fmt.Errorf("list tokens: %w", err)
	}
	t := &table{columns: []string{"id", "name", "role", "expires", "state"}}
	for _, k := range res.Msg.Tokens {
		state := "valid"
		if k.ExpiresUs <= time.Now().UnixMicro() {
			state = "expired"
		}
		if k.Revoked {
			state = "revoked"
		}
		t.add(k.TokenId, k.Name, k.Role, clock{time.UTC}.stamp(k.ExpiresUs), state)
	}
	switch q.format() {
	case "json":
		return writeJSON(w, res.Msg)
	case "csv":
		return t.csv(w)
	}
	if len(t.rows) == 0 {
		fmt.Fprintln(w, "No tokens. Make one with `readtrail tokens create`.")
		return nil
	}
	return t.text(w)
}

// TokensCreate is `readtrail tokens create`.
type TokensCreate struct {
	Name string        `arg:"" help:"Who or what will hold the token."`
	Role string        `help:"What it may do: ${enum}." enum:"respondent,viewer,investigator,privacy_officer,administrator" required:""`
	For  time.Duration `help:"How long it is valid." default:"2160h"`
	JSON bool          `help:"Write the answer as JSON."`
}

// Run makes the token and prints it, alone on standard output.
func (q TokensCreate) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	res, err := conn.register().CreateToken(ctx, connect.NewRequest(&v1.CreateTokenRequest{
		Name: q.Name, Role: q.Role, ExpiresUs: time.Now().Add(q.For).UnixMicro(),
	}))
	if err != nil {
		return fmt.Errorf("create token: %w", err)
	}
	if q.JSON {
		return writeJSON(w, res.Msg)
	}
	fmt.Fprintln(w, res.Msg.Token)
	return nil
}

// TokensRevoke is `readtrail tokens revoke`.
type TokensRevoke struct {
	ID string `arg:"" help:"Id of the token, as listed."`
}

// Run revokes the token.
func (q TokensRevoke) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	if _, err := conn.register().RevokeToken(ctx, connect.NewRequest(&v1.RevokeTokenRequest{TokenId: q.ID})); err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	fmt.Fprintln(w, "revoked")
	return nil
}
