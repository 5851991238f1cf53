package simulate_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/readtrail/readtrail/ingest/simulate"
)

// afternoon moves the clock of a bubble, which begins in 2000, to a working day of the hospital.
func afternoon() func() time.Time {
	began := time.Now()
	at := time.Date(2026, time.March, 4, 20, 0, 0, 0, time.UTC)
	return func() time.Time { return at.Add(time.Since(began)) }
}

func TestLiveKeepsItsRateAndTheTime(t *testing.T) {
	h := hospital(t, small())
	for _, rate := range []int{1, 20, 4000 / slowdown} {
		seen := map[string]bool{}
		for range 2 { // a restart repeats no id
			synctest.Test(t, func(t *testing.T) {
				now := afternoon()
				// Each run begins at a time of its own.
				time.Sleep(time.Duration(len(seen)) * time.Millisecond)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second+time.Millisecond)
				defer cancel()
				n := 0
				sources := map[string]int{}
				err := h.Live(ctx, simulate.LiveConfig{Rate: rate, Now: now}, func(_ context.Context, events []simulate.Event) error {
					for _, e := range events {
						if seen[e.ID] {
							t.Fatalf("event %s comes twice", e.ID)
						}
						seen[e.ID] = true
						a := decode(t, &e)
						if !a.Recorded.Equal(now().Truncate(time.Millisecond)) || a.ID != e.ID || e.Label != (simulate.Label{}) {
							t.Fatalf("event %s has the time %s at %s", e.ID, a.Recorded, now())
						}
						sources[e.Source]++
						n++
					}
					return nil
				})
				if err != nil || n != 10*rate {
					t.Errorf("%d events in ten seconds at %d/s: %v", n, rate, err)
				}
				if rate >= 1000 && (sources[simulate.SourcePACS] == 0 || sources[simulate.SourceLab] == 0) {
					t.Errorf("events by source: %v", sources)
				}
			})
		}
	}
}

func TestLiveDoesNotFloodAfterAnOutage(t *testing.T) {
	h := hospital(t, small())
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour+10*time.Second)
		defer cancel()
		n, first := 0, true
		err := h.Live(ctx, simulate.LiveConfig{Rate: 100, Now: afternoon()}, func(_ context.Context, events []simulate.Event) error {
			if n += len(events); first {
				first = false
				time.Sleep(time.Hour)
			}
			return nil
		})
		if err != nil || n > 13*100 || n < 9*100 {
			t.Errorf("%d events in ten seconds and an outage of an hour at 100/s: %v", n, err)
		}
	})
	broken := errors.New("broken")
	err := h.Live(t.Context(), simulate.LiveConfig{Rate: 1000, Every: time.Millisecond}, func(context.Context, []simulate.Event) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("a broken sink gives %v", err)
	}
	if err := h.Live(t.Context(), simulate.LiveConfig{Rate: -1}, nil); err == nil {
		t.Error("a negative rate is accepted")
	}
}

func tokens() map[string]string {
	m := map[string]string{}
	for _, source := range simulate.Sources() {
		m[source] = "secret-" + source
	}
	return m
}

// server is a round tripper that answers from a list and keeps what it took.
type server struct {
	t       *testing.T
	answers []int
	retry   string
	taken   map[string]string // source to body
	times   []time.Time
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Content-Type") != "application/fhir+ndjson" || r.Method != http.MethodPost || r.URL.Path != "/fhir" {
		s.t.Errorf("request %s %s %s", r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	}
	if source := r.URL.Query().Get("source"); r.Header.Get("Authorization") != "Bearer secret-"+source {
		s.t.Errorf("the token of %s is missing", source)
	}
	s.times = append(s.times, time.Now())
	code := http.StatusOK
	if len(s.answers) > 0 {
		code, s.answers = s.answers[0], s.answers[1:]
	}
	if code == 0 {
		return nil, errors.New("connection reset")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if code == http.StatusOK {
		s.taken[r.URL.Query().Get("source")] += string(body)
	}
	header := http.Header{}
	if code == http.StatusServiceUnavailable {
		header.Set("Retry-After", s.retry)
	}
	return &http.Response{StatusCode: code, Status: http.StatusText(code), Header: header, Body: io.NopCloser(bytes.NewReader(nil)), Request: r}, nil
}

func TestPosterRepeatsUntilTheServerHasAll(t *testing.T) {
	h := hospital(t, tiny())
	var events []simulate.Event
	want := map[string]string{}
	for e := range h.Events(1) {
		events = append(events, e)
		want[e.Source] += string(e.JSON) + "\n"
	}
	synctest.Test(t, func(t *testing.T) {
		s := &server{t: t, answers: []int{503, 200, 0, 502, 200}, retry: "7", taken: map[string]string{}}
		p, err := simulate.NewPoster(simulate.PosterConfig{URL: "http://server.example/", Tokens: tokens(), Client: &http.Client{Transport: s}})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Events(t.Context(), events); err != nil {
			t.Fatal(err)
		}
		for _, source := range simulate.Sources() {
			if s.taken[source] != want[source] || want[source] == "" {
				t.Errorf("source %s: %d bytes arrived of %d", source, len(s.taken[source]), len(want[source]))
			}
		}
		if waited := s.times[1].Sub(s.times[0]); waited != 7*time.Second {
			t.Errorf("waited %s after a Retry-After of 7", waited)
		}
		n, err := p.Resources(t.Context(), h.Recent(2))
		if err != nil || n < 1000 {
			t.Errorf("%d resources: %v", n, err)
		}
	})
}

func TestPosterGivesUp(t *testing.T) {
	h := hospital(t, tiny())
	var events []simulate.Event
	for e := range h.Events(0) {
		events = append(events, e)
		if len(events) == 10 {
			break
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s := &server{t: t, answers: []int{403}, taken: map[string]string{}}
		p, err := simulate.NewPoster(simulate.PosterConfig{URL: "http://server.example", Tokens: tokens(), Client: &http.Client{Transport: s}})
		if err != nil {
			t.Fatal(err)
		}
		err = p.Events(t.Context(), events)
		if err == nil || len(s.times) != 1 || strings.Contains(err.Error(), "secret") {
			t.Errorf("a refusal gives %v after %d attempts", err, len(s.times))
		}
		for range 1000 {
			s.answers = append(s.answers, 503)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := p.Events(ctx, events); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a cancelled post gives %v", err)
		}
	})
	for _, url := range []string{"", "ftp://x", "://", "server"} {
		if _, err := simulate.NewPoster(simulate.PosterConfig{URL: url}); err == nil {
			t.Errorf("the address %q is accepted", url)
		}
	}
}
