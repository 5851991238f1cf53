package projections

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/readtrail/readtrail/projections/store"
)

// final reports whether trying again is pointless, or would do harm: the journal is damaged, or somebody else writes.
func final(err error) bool { return alarm(err) || errors.Is(err, ErrSuperseded) }

// refused returns ClickHouse's code when it refuses a statement for a reason that does not pass by itself, such as a
// missing table, a quota or a right that was taken away; 0 for everything else.
func refused(err error) int32 {
	if errors.Is(err, store.ErrUnavailable) {
		return 0
	}
	return store.Code(err)
}

// Trouble says in a sentence what keeps the projections from getting on until someone acts; empty when nothing does. It
// names no host and no person.
func (p *Projector) Trouble() string {
	p.mu.Lock()
	err := p.stopped
	if err == nil {
		err = p.refused
	}
	streams := p.troubledStreams()
	p.mu.Unlock()
	var failed *store.Error
	switch {
	case err == nil:
		return streams
	case errors.Is(err, ErrForeign):
		return "they do not get on: the ClickHouse database holds those of another journal; give each server a database of its own"
	case errors.Is(err, ErrSuperseded):
		return "they have stopped: another process writes to the same ClickHouse database; stop one of the two, and start the other anew"
	case errors.Is(err, ErrSchema):
		return "they wait for `readtrail rebuild`: their tables are of another release"
	case alarm(err):
		return "they have stopped: the journal is damaged; the log says where"
	case errors.As(err, &failed):
		return fmt.Sprintf("they do not get on: ClickHouse refuses what they write with code %d %s", failed.Code, failed.Name)
	}
	return "they do not get on; the log says why"
}

// setRefused notes what ClickHouse refuses, or, with nil, that it does no more.
func (p *Projector) setRefused(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && p.refused == nil {
		return
	}
	p.refused = err
	p.metrics.refused.Reset()
	if err != nil {
		p.metrics.refused.WithLabelValues(strconv.Itoa(int(refused(err)))).Set(1)
	}
}

// setStreamTrouble notes what keeps a stream from getting on, or, with nil, that it gets on.
func (p *Projector) setStreamTrouble(name string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		delete(p.streamTrouble, name)
		return
	}
	p.streamTrouble[name] = err
}

// troubledStreams says which streams of the detectors do not get on, and why. The lock is held.
func (p *Projector) troubledStreams() string {
	for _, name := range []string{ProjectorFindings, ProjectorAlerts} {
		err := p.streamTrouble[name]
		var failed *store.Error
		switch {
		case err == nil:
			continue
		case alarm(err):
			return "those of " + name + " have stopped: their stream is damaged; the log says where"
		case errors.As(err, &failed):
			return fmt.Sprintf("those of %s do not get on: ClickHouse refuses what they write with code %d %s", name, failed.Code, failed.Name)
		}
		return "those of " + name + " do not get on; the log says why"
	}
	return ""
}
