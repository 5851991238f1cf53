package detectors

import "fmt"

// What grows by repetition alone.
const (
	repeatedName = "RepeatedLooks"
	serialName   = "SerialLooks"
	// Kinds of misuse that show in it.
	serialScenario    = "serial"
	curiosityScenario = "curiosity"
)

// repeatedLooks (D23): the same record on several days without any reason.
func repeatedLooks() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: repeatedName, Catalogue: "D23", Key: KeyPair, Peers: PeersSituation,
			Words: []string{"on several days without a reason", "on many days without a reason"},
		},
		grade: func(j *judge, p *Pair) Grade {
			if p.Reasons != 0 {
				return Blind // what is usual is counted among looks without a reason
			}
			switch n := int64(p.History.aloneDays()); {
			case n >= j.numbers[manyRepeatedDays]:
				return 2
			case n >= j.numbers[repeatedDays]:
				return 1
			}
			return Quiet
		},
		tell: func(t *teller, p *Pair, _ Grade) string {
			return fmt.Sprintf("The same reader opened the record of %s on %s without a known reason.", t.record(p.Patient), count(p.History.aloneDays(), "day"))
		},
	}
}

// serialLooks (D21): a reader who opens records without a reason much more often than their peers: nearly 15 % of what is missed
// (Bluesight). The weight is half the logarithm of the likelihood ratio of two Poisson processes, the reader's own rate against
// the peers': half, because readers differ more than chance alone makes them.
func serialLooks() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: serialName, Catalogue: "D21", Key: KeyPair, Peers: PeersGroup, Needs: NeedsCare,
			Words: []string{
				"more records without a reason than usual among peers", "many more records without a reason than usual among peers",
				"many times more records without a reason than usual among peers", "far more records without a reason than anybody among peers",
			},
			Weights: []Weight{-bit, bit, 3 * bit, 5 * bit, 7 * bit},
		},
		grade: func(j *judge, p *Pair) Grade {
			if p.Reasons != 0 || p.Blind != 0 {
				return Blind
			}
			switch w := j.excess(p) / 2; {
			case w >= 8*bit:
				return 4
			case w >= 5*bit:
				return 3
			case w >= 3*bit:
				return 2
			case w >= bit:
				return 1
			}
			return Quiet
		},
		tell: func(t *teller, p *Pair, _ Grade) string {
			return fmt.Sprintf("This reader opened %s without a reason in all, much more than peers do.", count(int(t.judge.looks(p.Reader, p.Base).alone), "record"))
		},
	}
}

// excess is the logarithm of how much more likely the reader's records without a reason are at the reader's own rate than at that
// of the peers, the reader left out of them.
func (j *judge) excess(p *Pair) Weight {
	b := j.looks(p.Reader, p.Base)
	if int64(b.alone) < j.numbers[serialRecords] {
		return 0
	}
	return poissonGain(uint64(b.alone), uint64(b.looked)*j.usualAlone(p.Of.group(), b))
}

// poissonGain is the logarithm of the likelihood ratio of a Poisson process with its own rate against one with the expected rate,
// given in millionths: k log2(k/e) - (k-e) log2(euler). 0 when there are no more than expected.
func poissonGain(k, expected uint64) Weight {
	have := k * million
	if have <= expected {
		return 0
	}
	const perUnit = million / 369 // 369/256 is log2(euler)
	gain := int64(k) * int64(ratio(have, max(expected, million/10)))
	return Weight(min(max(gain-int64(have-expected)/perUnit, 0), int64(40*bit)))
}
