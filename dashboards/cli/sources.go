package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Sources is `readtrail sources`.
type Sources struct {
	List SourcesList `cmd:"" default:"1" help:"List sources and what is known of their completeness."`
	Set  SourcesSet  `cmd:"" help:"Register a source, or change one."`
}

// SourcesList is `readtrail sources list`.
type SourcesList struct {
	Output
}

// Run asks and prints.
func (q SourcesList) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	res, err := conn.questions().ListSources(ctx, connect.NewRequest(&v1.ListSourcesRequest{}))
	if err != nil {
		return fmt.Errorf("list sources: %w", err)
	}
	a := res.Msg
	c := clockOf(a.Header)
	at := c.at
	if q.format() == "csv" {
		at = c.stamp
	}
	t := &table{columns: []string{"source", "owner", "zone", "identity", "events", "dead letters", "first", "last", "last received", "gaps"}}
	for _, s := range a.Sources {
		gaps := make([]string, 0, len(s.Gaps))
		for _, g := range s.Gaps {
			gaps = append(gaps, words.Enum(g.Kind.String(), "KIND_")+" "+c.at(g.FromUs)+" to "+orOpen(c.at(g.UntilUs), "now"))
		}
		name := s.Source.GetName()
		if s.Source.GetDisabled() {
			name += " (disabled)"
		}
		t.add(name, s.Source.GetOwner(), s.Source.GetTimeZone(), words.Enum(s.Source.GetIdentityPolicy().String(), "IDENTITY_POLICY_"),
			fmt.Sprint(s.Events), fmt.Sprint(s.DeadLetters), at(s.FirstOccurredUs), at(s.LastOccurredUs), at(s.LastReceivedUs), strings.Join(gaps, "; "))
	}
	switch q.format() {
	case "json":
		return writeJSON(w, a)
	case "csv":
		return t.csv(w)
	}
	if len(t.rows) == 0 {
		fmt.Fprintln(w, "No sources yet. Register one with `readtrail sources set NAME`.")
		return nil
	}
	if err := t.text(w); err != nil {
		return err
	}
	for _, g := range a.Header.GetGaps() {
		if g.Kind == v1.CoverageFact_KIND_OUTAGE {
			fmt.Fprintf(w, "\n%s\n", gapText(c, g))
		}
	}
	return nil
}

// SourcesSet is `readtrail sources set`. What is not given keeps its value; a new source begins with the content policy,
// which needs no promise, and the site's zone.
type SourcesSet struct {
	Name          string         `arg:"" help:"Name of the source: lower case letters, digits, dots and dashes."`
	Owner         *string        `help:"Who answers for it." placeholder:"NAME"`
	Zone          *string        `help:"Zone of times that carry none (IANA name)." placeholder:"ZONE"`
	Identity      string         `help:"What makes an event the same event when it is sent again: native, content or content+ordinal." enum:",native,content,content+ordinal" default:"" placeholder:"POLICY"`
	BaseURL       *string        `help:"Base URL of its FHIR server, for relative references." placeholder:"URL"`
	Systems       *[]string      `help:"Systems that it covers." placeholder:"NAME,..."`
	Silence       *time.Duration `help:"Longest silence that is normal; 0 learns it for each hour of week." placeholder:"DURATION"`
	PatientSystem *string        `help:"Assigning system of bare patient numbers." placeholder:"URI"`
	ReaderSystem  *string        `help:"Assigning system of bare user ids." placeholder:"URI"`
	PairWithin    *time.Duration `help:"Take two reports of one reader, patient, object and action within this time for one access; 0: never." placeholder:"DURATION"`
	Certificate   *string        `help:"SHA-256 fingerprint of its client certificate (hexadecimal)." placeholder:"HEX"`
	NewCredential bool           `help:"Make a new bearer credential, which ends the old one; it is printed once."`
	Disable       bool           `help:"Take nothing from it any more." xor:"disabled"`
	Enable        bool           `help:"Take from it again." xor:"disabled"`
	JSON          bool           `help:"Write the answer as JSON."`
}

// Run sends what was given; the server lays it over what is registered.
func (q SourcesSet) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	req, err := q.request()
	if err != nil {
		return err
	}
	res, err := conn.register().RegisterSource(ctx, connect.NewRequest(req))
	if err != nil {
		return fmt.Errorf("register source: %w", err)
	}
	if q.JSON {
		return writeJSON(w, res.Msg)
	}
	state := ""
	if res.Msg.Source.GetDisabled() {
		state = "; it is disabled"
	}
	fmt.Fprintf(w, "registered %s at position %d%s\n", res.Msg.Source.GetName(), res.Msg.Position, state)
	if res.Msg.Credential != "" {
		fmt.Fprintf(w, "its credential, shown this once: %s\n", res.Msg.Credential)
	}
	return nil
}
