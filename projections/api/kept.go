package api

import (
	"sync"

	"github.com/readtrail/readtrail/proto"
)

// maxKept bounds what is kept: the largest are lists of at most maxGaps gaps, 128 of which are 20 MB.
const maxKept = 128

// keptKey says what was read: which statement, for which period, of which version, as of which change of its table. What
// was read then holds until the table changes again.
type keptKey struct {
	statement string
	at        period
	version   uint64
	changed   proto.Position
	// limits are those that the rows were read within, as text.
	limits string
}

// keptRows are answers of statements whose tables change seldom: registrations, coverage, what sources sent.
type keptRows struct {
	mu   sync.Mutex // guards rows
	rows map[keptKey]any
}

func (k *keptRows) get(key keptKey) (any, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	rows, ok := k.rows[key]
	return rows, ok
}

func (k *keptRows) put(key keptKey, rows any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rows == nil || len(k.rows) >= maxKept {
		k.rows = map[keptKey]any{}
	}
	k.rows[key] = rows
}

// kept returns what load read before, when nothing has changed since. changed is the watermark at which the table's rows
// were written last, as far as the projector of this process tells. Callers share the result: it must not be written.
func kept[T any](p *pin, statement string, at period, changed proto.Position, load func() (T, error)) (T, error) {
	key := keptKey{statement, at, p.version, changed, p.limits.Key()}
	if !p.live || changed > p.position {
		// Nobody tells of changes, or the answer is as of before the last one: then it holds at this position only.
		key.changed = p.position
	}
	if rows, ok := p.engine.kept.get(key); ok {
		if known, ok := rows.(T); ok {
			return known, nil
		}
	}
	rows, err := load()
	if err != nil {
		var none T
		return none, err
	}
	p.engine.kept.put(key, rows)
	return rows, nil
}
