package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/readtrail/readtrail/ingest/simulate"
)

const (
	// years is how far back the data go.
	years = 10
	// perHead is how many events a member of staff causes in a day (see simulate.Config).
	perHead = 40
	// patientsPerHead is how many records there are for each of the staff.
	patientsPerHead = 20
	seed            = 1
)

// decade is the first day of the ten years of imported data. It is fixed: everybody measures the same bytes.
var decade = time.Date(2016, time.January, 4, 0, 0, 0, 0, time.UTC)

// newHospital makes a hospital of which staff people cause events on any day of ten years.
func newHospital(staff int) (*simulate.Hospital, error) {
	h, err := simulate.NewHospital(simulate.Config{
		Seed: seed, Staff: staff, Patients: staff * patientsPerHead, Start: decade, Days: years * 365, NoStory: true,
	})
	if err != nil {
		return nil, fmt.Errorf("make the hospital: %w", err)
	}
	return h, nil
}

// scattered are the numbers of days spread over ten years, in no order: an export of history does not come by time, and
// ids whose times lie far apart are what the index of seen events finds hardest.
func scattered(n int) []int {
	days := make([]int, n)
	for i := range days {
		days[i] = i * years * 365 / n
	}
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // which day comes first is no secret
	random.Shuffle(n, func(i, j int) { days[i], days[j] = days[j], days[i] })
	return days
}

// dataset is newline-delimited AuditEvents on disk, a file for each source that reports them.
type dataset struct {
	files  []sourceFile
	events int
	bytes  int64
}

type sourceFile struct {
	source, path string
	events       int
}

// writeDataset writes events of the given days of a hospital, at most so many.
func writeDataset(ctx context.Context, dir string, h *simulate.Hospital, days []int, events int) (*dataset, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("write dataset: %w", err)
	}
	d := &dataset{}
	out := map[string]*bufio.Writer{}
	index := map[string]int{}
	for i, source := range simulate.Sources() {
		f, err := os.Create(filepath.Join(dir, source+".ndjson"))
		if err != nil {
			return nil, fmt.Errorf("write dataset: %w", err)
		}
		defer f.Close()
		d.files = append(d.files, sourceFile{source: source, path: f.Name()})
		out[source], index[source] = bufio.NewWriterSize(f, 1<<20), i
	}
	for _, day := range days {
		for e := range h.Events(day) {
			if d.events == events {
				break
			}
			w := out[e.Source]
			_, _ = w.Write(e.JSON) // Flush reports what failed
			_ = w.WriteByte('\n')
			d.files[index[e.Source]].events++
			d.events++
			d.bytes += int64(len(e.JSON)) + 1
		}
		if err := ctx.Err(); err != nil {
			return nil, err //nolint:wrapcheck // says what happened
		}
	}
	for _, w := range out {
		if err := w.Flush(); err != nil {
			return nil, fmt.Errorf("write dataset: %w", err)
		}
	}
	if d.events < events {
		return nil, fmt.Errorf("write dataset: the days hold %d events, not %d", d.events, events)
	}
	return d, nil
}

// decadeOf writes a dataset of so many events over ten years.
func decadeOf(ctx context.Context, dir string, events int) (*dataset, error) {
	h, err := newHospital(simulate.DefaultStaff)
	if err != nil {
		return nil, err
	}
	// Weekends are quiet: a third more days than the average needs, and at least a week.
	days := max(events*4/3/(simulate.DefaultStaff*perHead), 7)
	return writeDataset(ctx, dir, h, scattered(days), events)
}

// stream hands out single events of one source for senders, each a different one.
type stream struct {
	h      *simulate.Hospital
	source string
	day    int
	next   []simulate.Event
}

// take returns the next n events.
func (s *stream) take(n int) []simulate.Event {
	for len(s.next) < n {
		for e := range s.h.Events(s.day) {
			if e.Source == s.source {
				s.next = append(s.next, e)
			}
		}
		s.day++
	}
	out := s.next[:n:n]
	s.next = s.next[n:]
	return out
}
