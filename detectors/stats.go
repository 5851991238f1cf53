package detectors

import "maps"

// Stats are what an engine counted since it was made: they are for metrics, and no part of what it judges by.
type Stats struct {
	Events, Accesses, Facts, Faults, BadRuleSets uint64
	// BadRuleSet is what was wrong with the latest rule set that could not be read: keys and values of the configuration.
	BadRuleSet string
	// Explained, Unexplained and NotAssessable are looks of judged days by their verdict.
	Explained, Unexplained, NotAssessable uint64
	// Findings are grades above quiet, by detector.
	Findings map[string]uint64
	// ExplainedFindings are those of them on pairs that are explained. Pairs are reader and record on a day, with a look.
	ExplainedFindings map[string]uint64
	Pairs             uint64
	// HeldBack are the readers' days on which an exemption held a finding back.
	HeldBack map[Exemption]uint64
	// ChancePairs were paired at random, where EngineConfig.Chance asks for it; ChanceFindings are the grades above quiet on them.
	ChancePairs    uint64
	ChanceFindings map[string]uint64
	// Days were judged. Shown and Unshown are alerts of closed days; Hard those raised on an open day, OpenDays how often a reader's
	// open day was looked at closely.
	Days, Shown, Unshown, Hard, OpenDays, Sampled, Retracted uint64
	// Reversed are verdicts that a late fact changed.
	Reversed uint64
	// What limits pushed out. EvictedKnown are alerts by whose decision nobody becomes a repeat offender any more, EvictedCare rows of
	// patients with more care than is held of one, EvictedAddresses network addresses and the networks that they are in,
	// EvictedStays stays of people with more than are held of one, EvictedEpisodes records without a reason that no series tells any more,
	// EvictedRevisable accesses without a reason that no late fact explains any more.
	EvictedReaders, EvictedHistories, EvictedAlerts, EvictedKnown, EvictedCare, EvictedAddresses, EvictedStays, EvictedEpisodes, EvictedRevisable uint64
	// What is held now.
	Readers, Histories, OpenAccesses, RecentAlerts, KeptAccesses, Lessons, Known, Addresses, Episodes, Revisable int
	Learning                                                                                                     bool
	Clock                                                                                                        int64
}

func newStats() Stats {
	return Stats{Findings: map[string]uint64{}, ExplainedFindings: map[string]uint64{}, ChanceFindings: map[string]uint64{}, HeldBack: map[Exemption]uint64{}}
}

func (s *Stats) alerts(shown bool) {
	if shown {
		s.Shown++
	} else {
		s.Unshown++
	}
}

// Stats are the counts as they stand.
func (e *Engine) Stats() Stats {
	s := e.stats
	s.Findings = maps.Clone(e.stats.Findings)
	s.ExplainedFindings, s.ChanceFindings = maps.Clone(e.stats.ExplainedFindings), maps.Clone(e.stats.ChanceFindings)
	s.HeldBack = maps.Clone(e.stats.HeldBack)
	s.Readers, s.Histories, s.OpenAccesses = len(e.judge.base), len(e.judge.history), e.book.inMemory()
	for _, im := range e.imports {
		s.OpenAccesses += im.book.inMemory()
	}
	s.RecentAlerts, s.KeptAccesses, s.Lessons = len(e.recent.alerts), e.recent.kept, len(e.lessons.seen[0])+len(e.lessons.seen[1])
	s.Known, s.EvictedCare, s.EvictedStays = len(e.past.alerts), uint64(e.state.Evicted()), uint64(e.state.EvictedStays())
	s.Addresses = len(e.judge.addresses) + len(e.judge.networks)
	s.Episodes, s.Revisable = e.series.n, int(e.revise.accesses())
	s.Learning, s.Clock = e.learning, e.clock
	return s
}

// count counts the verdicts and findings of what was not counted before of a judged day.
func (e *Engine) count(c *closed) {
	e.stats.Days++
	add := func(scales []Scale, g *grades, explained bool) {
		for i := range scales {
			if g[i] != Quiet && g[i] != Blind {
				e.stats.Findings[scales[i].Name]++
				if explained {
					e.stats.ExplainedFindings[scales[i].Name]++
				}
			}
		}
	}
	for i := range c.readers {
		d := &c.readers[i]
		if !d.counted {
			add(e.judge.readers.scales, &d.grades, d.Records > 0 && d.Unexplained == 0 && d.Blind == 0)
		}
		e.countHeldBack(d)
		for k := range d.Pairs {
			p := &d.Pairs[k]
			if p.Looks == 0 || p.counted {
				continue
			}
			n := uint64(p.Looks)
			e.stats.Pairs++
			switch v, _ := p.verdict(); v {
			case Explained:
				e.stats.Explained += n
			case NotAssessable:
				e.stats.NotAssessable += n
			default:
				e.stats.Unexplained += n
			}
			add(e.judge.pairs.scales, &p.grades, p.Explained())
		}
	}
	for i := range c.records {
		if !c.records[i].counted {
			add(e.judge.records.scales, &c.records[i].grades, false)
		}
	}
}

// Faults is how many facts could not be read.
func (e *Engine) Faults() uint64 { return e.stats.Faults }
