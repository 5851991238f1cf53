package api

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// detecting is what the service was told of detectors.
type detecting struct {
	// site is the zone in which days are judged.
	site *time.Location
	// learning is how many days detectors learn before they judge any; 0: not told.
	learning int
}

const dayUs = 86_400_000_000

// dayText tells a local day, counted from 1970-01-01.
func dayText(day int32) string { return time.UnixMicro(int64(day) * dayUs).UTC().Format(time.DateOnly) }

// dayOf is the local day of a time.
func dayOf(us int64, zone *time.Location) int32 {
	_, offset := time.UnixMicro(us).In(zone).Zone()
	at := us + int64(offset)*1_000_000
	day := at / dayUs
	if at%dayUs < 0 {
		day--
	}
	return int32(day)
}

// judged is how far detectors have judged. The zero value: they never wrote anything.
type judged struct {
	position uint64
	at       int64
	// day is the latest that is judged as a whole, historyDay the latest of an import that declared itself backfill; 0: none.
	day, historyDay int32
	missing         []*v1.MissingContext
	// learningUntil is the day until which detectors learn; 0: they have learned, or it is not known.
	learningUntil int32
	// anyJudging is true when detectors ever wrote anything, everDay when a whole day is judged.
	anyJudging, everDay bool
}

// onceJudged is read by the first part of an answer that asks; the others wait for it.
type onceJudged struct {
	once   sync.Once
	judged judged
	err    error
}

// progress is how far detectors have judged, as known at the pin.
func (p *pin) progress(ctx context.Context) (judged, error) {
	d := &p.detected
	d.once.Do(func() { d.judged, d.err = p.findProgress(ctx) })
	return d.judged, d.err
}

func (p *pin) findProgress(ctx context.Context) (judged, error) {
	load := func() (judged, error) { return p.readProgress(ctx) }
	if !p.live || p.position != p.written.Position {
		return load()
	}
	// What was read holds until another message of findings is in the tables, or another gap of context.
	at := period{int64(p.written.Findings), int64(p.written.ContextGaps)}
	return kept(p, "detection_progress", at, min(p.written.ContextGaps, p.position), load)
}

func (p *pin) readProgress(ctx context.Context) (judged, error) {
	var j judged
	err := p.query(ctx, "detection_progress", store.Params{}, func(row store.Row) error {
		return row.Scan(&j.position, &j.at, &j.day, &j.historyDay)
	})
	if err != nil {
		return j, fmt.Errorf("read how far detectors have judged: %w", err)
	}
	err = p.query(ctx, "context_missing", store.Params{}, func(row store.Row) error {
		m := &v1.MissingContext{}
		j.missing = append(j.missing, m)
		return row.Scan(&m.Context, &m.SinceUs, &m.Blind)
	})
	if err != nil {
		return j, fmt.Errorf("read missing context: %w", err)
	}
	j.anyJudging, j.everDay = j.position > 0, j.day > 0
	return j, nil
}

// learns notes until when detectors learn, which they do before they judge any whole day: from the first day of which any source
// reported. now is the received time of the answer's position.
func (j *judged) learns(d detecting, sources []*source, now int64) {
	first := int64(0)
	for _, s := range sources {
		if s.first != 0 && (first == 0 || s.first < first) {
			first = s.first
		}
	}
	if j.everDay || j.historyDay > 0 || d.learning == 0 || first == 0 {
		return
	}
	// Where the history is older than that, the first days are judged as soon as they close.
	j.learningUntil = max(dayOf(first, d.site)+int32(d.learning), dayOf(now, d.site))
}

// judgedAny reports whether detectors ever wrote anything.
func (p *pin) judgedAny(ctx context.Context) (bool, error) {
	j, err := p.progress(ctx)
	return j.anyJudging, err
}

// proto is the progress as a header carries it; nil when nothing was ever judged and no context is missing.
func (j judged) proto() *v1.DetectionProgress {
	if !j.anyJudging && len(j.missing) == 0 && j.learningUntil == 0 {
		return nil
	}
	out := &v1.DetectionProgress{Position: j.position, AtUs: j.at, Missing: j.missing}
	if j.everDay {
		out.JudgedUntil = dayText(j.day)
	}
	if j.historyDay > 0 {
		out.HistoryUntil = dayText(j.historyDay)
	}
	if j.learningUntil > 0 {
		out.LearningUntil = dayText(j.learningUntil)
	}
	return out
}

// note says which of the accesses shown carry no verdict yet; empty: all may have one, or no detector judges at all.
func (j judged) note(shown []*v1.Access, zone *time.Location) string {
	if !j.anyJudging {
		return ""
	}
	for _, a := range shown {
		if a.Verdict != v1.Verdict_VERDICT_UNSPECIFIED || j.everDay && dayOf(a.OccurredUs, zone) <= j.day {
			continue
		}
		switch {
		case !j.everDay && j.historyDay > 0:
			return "Detectors have judged what was imported, up to " + dayText(j.historyDay) + ", and no day since: other accesses carry no verdict yet."
		case !j.everDay:
			return "Detectors have judged no whole day yet: accesses carry no verdict until they have."
		}
		return "Detectors have judged the days until " + dayText(j.day) + ": later accesses carry no verdict yet."
	}
	return ""
}

// streamRead is how many messages of a stream that detectors write are in the tables.
func (p *pin) streamRead(ctx context.Context, projector string) (sequence uint64, err error) {
	if p.live {
		if projector == projections.ProjectorFindings {
			return p.written.Findings, nil
		}
		return p.written.Alerts, nil
	}
	params := store.Params{"version": p.version, "projector": projector}
	err = p.query(ctx, "stream_watermark", params, func(row store.Row) error { return row.Scan(&sequence) })
	if err != nil {
		return 0, fmt.Errorf("read watermark of %s: %w", projector, err)
	}
	return sequence, nil
}
