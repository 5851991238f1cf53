package detectors

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// lot is a pair that was drawn.
type lot struct {
	hash uint64
	pair *Pair
}

// sample draws pairs of a closed day beside each ranked queue, so that what the detectors miss is found too: by the hash of the deployment's
// key, rule set, day and pair, so that a replay draws the same ones and nobody who does not hold the key can say beforehand which.
func (e *Engine) sample(c *closed, priors [3]Weight) {
	n := e.settings.Sample
	if n <= 0 || e.out.out == nil {
		return
	}
	best := make([][]lot, len(e.queues.all)+1)
	key := binary.LittleEndian.AppendUint32(slices.Concat(e.cfg.AlertKey, e.ruleSet), uint32(c.at))
	size := len(key)
	for i := range c.readers {
		for k := range c.readers[i].Pairs {
			p := &c.readers[i].Pairs[k]
			if p.Looks == 0 || p.Signs&(SignPatient|SignSystem) != 0 {
				continue
			}
			key = binary.LittleEndian.AppendUint32(key[:size], uint32(p.Reader))
			key = binary.LittleEndian.AppendUint32(key, uint32(p.Patient))
			h := xxhash.Sum64(key)
			of := &best[e.queueOfPair(p)]
			if len(*of) == 4*n && h >= (*of)[len(*of)-1].hash {
				continue
			}
			at, _ := slices.BinarySearchFunc(*of, h, func(d lot, h uint64) int { return cmp.Compare(d.hash, h) })
			*of = slices.Insert(*of, at, lot{h, p})
			*of = (*of)[:min(len(*of), 4*n)] // some may be alerts already
		}
	}
	for at, of := range best {
		e.draw(c, of, e.queues.name(at), priors)
	}
}

// draw raises what was drawn of one queue, up to as many as are configured.
func (e *Engine) draw(c *closed, best []lot, queue string, priors [3]Weight) {
	n := e.settings.Sample
	for _, d := range best {
		if n == 0 {
			return
		}
		if id := e.storyID(ShapePair, c.at, d.pair.Reader, d.pair.Patient); e.recent.alerts[id] != nil || e.past.alerts[id] != nil ||
			e.judge.underAny(pairKey{d.pair.Reader, d.pair.Patient}, func(k pairKey) bool { return e.series.has(k.reader, k.patient, c.at) }) {
			continue
		}
		a := Alert{Candidate: e.judge.pairCandidate(d.pair), Queue: queue}
		a.detach(false, nil)
		a.Score = a.Weight + priors[a.key]
		if _, story := e.goesOn(&a, ""); story != nil {
			continue
		}
		n--
		e.stats.Sampled++
		e.raise(&a, sentAs{sampled: true})
	}
}
