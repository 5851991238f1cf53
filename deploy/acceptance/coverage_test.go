package acceptance_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// wards is a server whose clock the test turns, and the three sources that send to it.
type wards struct {
	s     *server
	clock string // the file that holds the time
	now   time.Time
	event int
}

var threeSources = []string{"ehr", "pacs", "lab"}

// How far the clock is turned at a time, by day and by night: below the ten minutes after which Readtrail would have been
// down.
const (
	dayStep   = 4 * time.Minute
	nightStep = 8 * time.Minute
)

// turn sets the clock, and returns once the journal has ticked by it.
func (w *wards) turn(to time.Time) {
	w.s.t.Helper()
	before := w.messages()
	w.set(to)
	for deadline := time.Now().Add(startTimeout); w.messages() < before+2; { // the first may have been on its way
		if time.Now().After(deadline) {
			w.s.t.Fatalf("the journal does not tick:\n%s", tail(w.s.log.String()))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// set writes the time where the server reads it.
func (w *wards) set(to time.Time) {
	w.s.t.Helper()
	w.now = to
	next := w.clock + ".next"
	if err := os.WriteFile(next, []byte(to.Format(time.RFC3339)), 0o600); err != nil {
		w.s.t.Fatal(err)
	}
	if err := os.Rename(next, w.clock); err != nil {
		w.s.t.Fatal(err)
	}
}

func (w *wards) messages() uint64 {
	w.s.t.Helper()
	res, err := w.s.questions().GetStatus(w.s.t.Context(), connect.NewRequest(&v1.GetStatusRequest{}))
	if err != nil {
		w.s.t.Fatalf("ask status: %v\n%s", err, tail(w.s.log.String()))
	}
	return res.Msg.JournalMessages
}

// access is one event as a source sends it.
func (w *wards) access(source string, at time.Time) string {
	w.event++
	return fmt.Sprintf(`{"resourceType":"AuditEvent","id":"%s-%d","type":{"code":"rest"},"action":"R","recorded":"%s","outcome":"0",`+
		`"agent":[{"who":{"identifier":{"system":"urn:staff","value":"u%d"}},"requestor":true}],"source":{"observer":{"display":"%s"}},`+
		`"entity":[{"what":{"identifier":{"system":"urn:mrn","value":"p%d"}},"role":{"code":"1"}}]}`+"\n",
		source, w.event, at.Format(time.RFC3339), w.event%5, source, w.event%3)
}

// history loads three weeks, the fewest that teach, of busy days and quiet nights of every source, as an import does.
func (w *wards) history(monday time.Time) {
	t := w.s.t
	t.Helper()
	for _, source := range threeSources {
		var b bytes.Buffer
		for day := range 21 {
			for at := monday.AddDate(0, 0, day-21).Add(7 * time.Hour); at.Hour() < 19; at = at.Add(3 * time.Minute) {
				b.WriteString(w.access(source, at))
			}
		}
		file := filepath.Join(filepath.Dir(w.clock), source+".ndjson")
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := w.s.run("sources", "set", source, "--zone", "UTC", "--identity", "native"); err != nil {
			t.Fatalf("register %s: %v\n%s", source, err, out)
		}
		if out, err := w.s.run("import", file, "--source", source, "--backfill"); err != nil {
			t.Fatalf("import %s: %v\n%s", source, err, out)
		}
	}
}

// live lets time pass until then. By day each source that speaks sends an event a step, by night nobody does.
func (w *wards) live(until time.Time, silent string) {
	w.s.t.Helper()
	day := func(at time.Time) bool { return at.Hour() >= 7 && at.Hour() < 19 }
	for w.now.Before(until) {
		if !day(w.now) && !day(w.now.Add(nightStep)) {
			w.turn(w.now.Add(nightStep))
			continue
		}
		if w.turn(w.now.Add(dayStep)); !day(w.now) {
			continue
		}
		for _, source := range threeSources {
			if source == silent {
				continue
			}
			target := "http://readtrail/fhir?" + url.Values{"source": {source}}.Encode()
			res, err := w.s.http.Post(target, "application/fhir+ndjson", strings.NewReader(w.access(source, w.now)))
			if err != nil {
				w.s.t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusCreated {
				w.s.t.Fatalf("post as %s: %s", source, res.Status)
			}
		}
	}
}

// gaps asks over the API what is not known, and tells it in words.
func (w *wards) gaps() (all []string) {
	t := w.s.t
	t.Helper()
	w.s.settle()
	res, err := w.s.questions().WhoViewed(t.Context(), connect.NewRequest(&v1.WhoViewedRequest{
		Patient: "urn:mrn|p1", Purpose: "acceptance", Page: &v1.Page{Size: 1},
	}))
	if err != nil {
		t.Fatal(err)
	}
	form := func(us int64) string {
		if us == 0 {
			return "now"
		}
		return time.UnixMicro(us).UTC().Format("Mon 15:04")
	}
	for _, g := range res.Msg.Header.Gaps {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s to %s", g.Source, g.Kind, form(g.FromUs), form(g.UntilUs))))
	}
	return all
}

// awaitGaps waits until the gaps are these: the coverage monitor follows the journal, and is a moment behind.
func (w *wards) awaitGaps(when string, want ...string) {
	t := w.s.t
	t.Helper()
	var got []string
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if got = w.gaps(); strings.Join(got, "\n") == strings.Join(want, "\n") {
			return
		}
	}
	t.Fatalf("%s: gaps\n%s\nwant\n%s", when, strings.Join(got, "\n"), strings.Join(want, "\n"))
}

// TestGapsAreNamed: after three weeks of history, one of three sources stops for two hours of a Monday: who-viewed, the API
// and the export name that gap. The quiet night after it raises none. Then Readtrail itself is down for two hours: that
// is told as its own, and no source is blamed.
//
// The binary's clock is turned by the test, some minutes at a time: the journal ticks, the sources send, and everything
// else is as it is.
func TestGapsAreNamed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	monday := time.Date(2026, 10, 26, 0, 0, 0, 0, time.UTC)
	w := &wards{s: s, clock: filepath.Join(filepath.Dir(s.dir), "clock")}
	at := func(day, hour int) time.Time { return monday.AddDate(0, 0, day).Add(time.Duration(hour) * time.Hour) }
	env := []string{"READTRAIL_FAULT_CLOCK=" + w.clock, "READTRAIL_JOURNAL_MAX_CLOCK_JUMP=1000h"}
	w.set(at(0, 12))
	s.mustStart(env...)
	w.history(monday)
	w.live(at(0, 13), "")
	w.awaitGaps("in an hour when all send")
	w.live(at(0, 14), "pacs")
	w.awaitGaps("while one is silent", "pacs KIND_SILENCE Mon 13:00 to now")
	w.live(at(0, 15), "pacs")
	w.live(at(0, 16), "")
	silence := "pacs KIND_SILENCE Mon 13:00 to Mon 15:04"
	w.awaitGaps("after two hours", silence)
	w.live(at(1, 9), "")
	w.awaitGaps("after a quiet night", silence)

	s.stop()
	w.set(at(1, 11))
	s.mustStart(env...)
	w.live(at(1, 12), "")
	// Until the journal was opened: the clock that the test turns stood while the server got up, the machine's did not.
	outage := "KIND_OUTAGE Tue 09:00 to Tue 10:59"
	w.awaitGaps("after Readtrail was down", silence, outage)

	text, err := s.run("who-viewed", "urn:mrn|p1", "--purpose", "acceptance")
	for _, want := range []string{
		"pacs: 2026-10-26 13:00", "Source pacs was silent from 2026-10-26 13:00:00 UTC to 2026-10-26 15:04:00 UTC", "Readtrail itself was down from 2026-10-27 09:00:00 UTC to 2026-10-27 10:59:5",
	} {
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("who-viewed: %v, does not say %q:\n%s", err, want, tail(text))
		}
	}
	export, err := s.run("who-viewed", "urn:mrn|p1", "--purpose", "acceptance", "--json", "--all")
	for _, want := range []string{`"KIND_SILENCE"`, `"KIND_OUTAGE"`, "Source pacs was silent"} {
		if err != nil || !strings.Contains(export, want) {
			t.Errorf("export: %v, does not say %q:\n%s", err, want, tail(export))
		}
	}
	sources, err := s.run("sources")
	if err != nil || !strings.Contains(sources, "silence 2026-10-26 13:00") || !strings.Contains(sources, "Readtrail itself: ") {
		t.Errorf("sources: %v\n%s", err, sources)
	}
	s.stop()
}
