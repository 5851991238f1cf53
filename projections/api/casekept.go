package api

import (
	"context"
	"slices"
	"sync"

	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/cases"
)

// maxKeptSteps bounds the cases that are kept: 20,000 steps without their long texts are 20 MB. More are read for each question.
const maxKeptSteps = 20_000

// keptCases are all cases as of the last step of one. A page about an alert lists them twice, the list of cases and the metrics once, and
// they change when somebody works on one.
type keptCases struct {
	mu      sync.Mutex // guards the rest
	version uint64
	changed proto.Position
	all     []*cases.State
}

// allCases are all cases at the pin, without the texts of notes, questions and answers. The list is the caller's; the cases in it are
// shared, and must not be written. Which cases are within limits depends on their alerts: those are read each time.
func (p *pin) allCases(ctx context.Context) ([]*cases.State, error) {
	k, changed := &p.engine.cases, p.written.Cases
	if !p.live || changed > p.position || p.limits.Limited() {
		all, _, err := p.readCases(ctx)
		return all, err
	}
	k.mu.Lock()
	known, ok := k.all, k.all != nil && k.version == p.version && k.changed == changed
	k.mu.Unlock()
	if ok {
		return slices.Clone(known), nil
	}
	all, steps, err := p.readCases(ctx)
	if err != nil || steps > maxKeptSteps {
		return all, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.version != p.version || k.changed <= changed {
		k.version, k.changed, k.all = p.version, changed, append([]*cases.State{}, all...)
	}
	return all, nil
}
