package cli_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/alecthomas/kong"

	"github.com/readtrail/readtrail/dashboards/cli"
	rt "github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// fixed answers each question with what it was given.
type fixed struct {
	readtrailv1connect.UnimplementedQueryServiceHandler
	letters *v1.ListDeadLettersResponse
	letter  *v1.GetDeadLetterResponse
	event   *v1.GetEventResponse
}

func (f *fixed) ListDeadLetters(context.Context, *connect.Request[v1.ListDeadLettersRequest]) (*connect.Response[v1.ListDeadLettersResponse], error) {
	return connect.NewResponse(f.letters), nil
}

func (f *fixed) GetDeadLetter(context.Context, *connect.Request[v1.GetDeadLetterRequest]) (*connect.Response[v1.GetDeadLetterResponse], error) {
	return connect.NewResponse(f.letter), nil
}

func (f *fixed) GetEvent(context.Context, *connect.Request[v1.GetEventRequest]) (*connect.Response[v1.GetEventResponse], error) {
	return connect.NewResponse(f.event), nil
}

func (f *fixed) connection(t *testing.T) *cli.Connection {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	on, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(readtrailv1connect.NewQueryServiceHandler(f))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(on) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	conn, err := cli.Target{}.Open(socket)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// A path of hundreds of characters would push the columns behind it off the screen; machines get all of it.
func TestLongElements(t *testing.T) {
	long := "Bundle.entry[17].resource" + strings.Repeat(".extension[0]", 60) + ".valueInstant"
	short := "Bundle.entry[17].resource.agent[0].who.reference"
	f := &fixed{letters: &v1.ListDeadLettersResponse{
		Header: header(),
		Counts: []*v1.DeadLetterCount{{Source: "ehr", Reason: "invalid_value", DeadLetters: 2}},
		DeadLetters: []*v1.DeadLetterRow{
			{Position: 4096, Source: "ehr", Reason: "invalid_value", Element: long, Message: "no instant"},
			{Position: 4097, Source: "ehr", Reason: "invalid_value", Element: short, Message: "no reference"},
		},
	}}
	conn := f.connection(t)
	list := func(q cli.DeadLettersList) string {
		var out bytes.Buffer
		if err := q.Run(t.Context(), conn, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	table := list(cli.DeadLettersList{})
	for line := range strings.Lines(table) {
		if n := len([]rune(line)); n > 160 {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
	if !strings.Contains(table, "Bundle.entry[17].resourc…") || !strings.Contains(table, ".valueInstant ") || !strings.Contains(table, short+" ") {
		t.Errorf("the table is\n%s", table)
	}
	for _, q := range []cli.Output{{JSON: true}, {Format: "csv"}} {
		if out := list(cli.DeadLettersList{Output: q}); !strings.Contains(out, long) {
			t.Errorf("%+v is shortened:\n%s", q, out)
		}
	}
}

// Right after an import the projection may not have read it: then nothing is promised about it.
func TestNoDeadLetters(t *testing.T) {
	for journal, want := range map[uint64]string{
		8191:  "No dead letters: everything that came in became an event.\n",
		12288: "No dead letters up to position 8191; what stands behind it, up to 12288, is not read yet.\n",
	} {
		f := &fixed{letters: &v1.ListDeadLettersResponse{Header: &v1.AnswerHeader{Position: 8191, JournalPosition: journal}}}
		var out bytes.Buffer
		if err := (cli.DeadLettersList{}).Run(t.Context(), f.connection(t), &out); err != nil || out.String() != want {
			t.Errorf("it says %q, %v", out.String(), err)
		}
	}
}

// Where the id is not told, its position stands alone.
func TestRetriedTo(t *testing.T) {
	for want, d := range map[string]*v1.DeadLetterRow{
		"  retried to  -\n":                    {Position: 8},
		"  retried to  position 4097\n":        {Position: 8, RetriedPosition: 4097},
		"  retried to  e5a at position 4097\n": {Position: 8, RetriedPosition: 4097, RetriedEventId: "e5a"},
	} {
		f := &fixed{letter: &v1.GetDeadLetterResponse{Header: header(), DeadLetter: d}}
		var out bytes.Buffer
		if err := (cli.DeadLettersShow{DeadLetter: "8"}).Run(t.Context(), f.connection(t), &out); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("not %q in %s, %v", want, out.String(), err)
		}
	}
}

// An event's id has one spelling: what one answer says, another question takes.
func TestEventIDsAreSpelledAlike(t *testing.T) {
	id := func(key string) rt.EventID {
		return rt.NewEventID(rt.EventIdentity{Recorded: time.Unix(1_772_409_600, 0), Source: "ehr", Key: []byte(key)})
	}
	event, imported, other := id("a"), id("b"), id("c")
	f := &fixed{event: &v1.GetEventResponse{
		Header: header(), Position: 4096, Original: []byte("{}"), ConflictsWith: other.Bytes(),
		Event: &v1.AccessEvent{
			EventId: event.Bytes(), ImportId: imported.Bytes(),
			// What a source says stays as it says it.
			SourceEventId: `"eventId": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="`,
		},
	}}
	conn := f.connection(t)
	for _, json := range []bool{true, false} {
		var out bytes.Buffer
		if err := (cli.Event{Event: "4096", Purpose: "p", JSON: json}).Run(t.Context(), conn, &out); err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(out.String(), ":  ", ": ")
		for _, want := range []string{`"eventId": "` + event.String() + `"`, `"importId": "` + imported.String() + `"`, `\"eventId\": \"AAAAAAAAAAAAAAAAAAAAAAAAAAA=\"`} {
			if !strings.Contains(text, want) {
				t.Errorf("json %v: no %s in\n%s", json, want, text)
			}
		}
		if json && !strings.Contains(text, `"conflictsWith": "`+other.String()+`"`) {
			t.Errorf("the other event is not named:\n%s", text)
		}
	}
}

// TestEventSaysHowItWasJudged: the reason, and what documents it.
func TestEventSaysHowItWasJudged(t *testing.T) {
	f := &fixed{event: &v1.GetEventResponse{
		Header: header(), Position: 4096, Event: &v1.AccessEvent{}, Verdict: v1.Verdict_VERDICT_EXPLAINED,
		Explanation: v1.Explanation_EXPLANATION_APPOINTMENT, Standing: v1.Standing_STANDING_FINAL,
		Document: &v1.Document{Type: "Appointment", Id: "9", FromUs: 1_772_409_600e6, UntilUs: 1_772_411_400e6},
	}}
	var out bytes.Buffer
	if err := (cli.Event{Event: "4096", Purpose: "p"}).Run(t.Context(), f.connection(t), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"why           appointment\n", "documented by Appointment/9, on 2 March 2026\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

// TestEveryRoleCanBeGivenToAToken: none is forgotten when there is one more.
func TestEveryRoleCanBeGivenToAToken(t *testing.T) {
	for _, role := range rt.Roles() {
		var cmd cli.TokensCreate
		parser, err := kong.New(&cmd, kong.Exit(func(int) {}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse([]string{"jo", "--role", role}); err != nil || cmd.Role != role {
			t.Errorf("%s: %v, and the role is %q", role, err, cmd.Role)
		}
	}
}
