package detectors

import (
	"context"
	"maps"
	"slices"
	"time"
)

// stuckImport is how long an import that has begun may rest before it counts as ended: whoever ran it is not coming back.
const stuckImport = 7 * 24 * time.Hour

// recheckEvery is how often alerts are held against what became known since.
const recheckEvery = 10 * time.Minute

// tick moves the clock, and closes the days whose period of grace is over.
func (e *Engine) tick(ctx context.Context, entry *Entry, at int64) error {
	e.clock = max(e.clock, at)
	if !e.inForce {
		return nil
	}
	e.judge.coverage = e.coverage()
	e.out.begin(entry)
	for _, id := range slices.Sorted(maps.Keys(e.imports)) {
		im := e.imports[id]
		if im.last == 0 {
			im.last = e.clock // it began before the journal's first tick
		}
		if im.ended || e.clock-im.last > stuckImport.Microseconds() {
			if err := e.endImport(ctx, entry, im); err != nil {
				return err
			}
		}
	}
	if through := localDay(e.clock-e.settings.Grace.Microseconds(), e.cfg.Zone) - 1; through > e.through {
		e.through = through
		if err := e.closeDue(ctx); err != nil {
			return err
		}
	}
	if every := recheckEvery.Microseconds(); e.clock/every != e.checked {
		e.checked = e.clock / every
		e.recheck()
		return e.reviseDays()
	}
	return nil
}

// closeDue closes the days that are over. In the learning period they are held until there are enough of them.
func (e *Engine) closeDue(ctx context.Context) error {
	due := slices.DeleteFunc(e.book.days(), func(d day) bool { return d > e.through })
	if len(due) == 0 {
		return nil
	}
	if e.learning {
		if len(due) < e.settings.LearningDays {
			return e.keepSmall(e.book)
		}
		return e.study(ctx, e.book.take(due), nil)
	}
	for _, d := range due {
		if err := e.closeDay(d); err != nil {
			return err
		}
	}
	e.forget()
	return nil
}

// closeDay judges one day by what the days before taught, and learns from it. What it teaches about readers and pairs counts for
// the day itself, as it does in a study.
func (e *Engine) closeDay(d day) error {
	accesses, err := e.book.load(d)
	if err != nil {
		return err
	}
	j := e.judge
	j.coverage = e.coverage()
	j.forgetWholes()
	accesses, rejoined := e.rejoin(d, accesses)
	c := j.explained(d, accesses)
	if d <= e.latest { // of a day that was closed before, no more than this is at hand
		c.extent = keptOfIt
	}
	e.markCounted(c, rejoined)
	j.learn(c, e.lessons)
	j.remember(c)
	j.graded(c)
	j.weigh(c)
	e.unitsJudged(j, c, false)
	if err := e.holdRevisable(c, false); err != nil {
		return err
	}
	if len(rejoined) > 0 {
		e.accountedFor(c)
	}
	all := j.candidates(c)
	for i := range all {
		all[i].detach(true, c.then)
	}
	priors := e.priors(j.spreads)
	if err := e.queue(d, all, priors, nil); err != nil {
		return err
	}
	e.sample(c, priors)
	e.settleHard(c)
	j.observe(c, j.rates3, &priors)
	if d > e.latest { // what comes late of the days before makes nothing older
		e.latest = d
		if e.taught++; e.taught%fadeDays == 0 {
			j.fade()
			e.lessons.turn()
		}
	}
	j.tables = e.lessons.tables()
	for _, r := range j.rates3 {
		r.settle()
	}
	if j.held = priors; e.settings.Queue.Prior == 0 {
		j.share()
	}
	p := e.book.pages[d]
	if before := e.wroteThen[d]; before != nil {
		maps.Copy(before, p.wrote) // what was written on the day as it was closed first stays known
	} else {
		e.wroteThen[d] = p.wrote
	}
	e.book.take([]day{d})
	e.spill.drop(p)
	return nil
}

// priors are how common misuse is by the weights counted, or as configured.
func (e *Engine) priors(spreads [3]*spread) [3]Weight {
	var out [3]Weight
	for key := range out {
		if out[key] = e.settings.Queue.Prior; out[key] == 0 {
			out[key] = spreads[key].prior()
		}
	}
	return out
}

// study judges days together, as a backfill is judged: what is usual is learned from the same days. of is the import, nil for live days.
func (e *Engine) study(ctx context.Context, book *Book, of *importing) error {
	backfill := of != nil
	days := book.days()
	s, err := NewStudy(e.config(), e.state, book)
	if err != nil {
		return err
	}
	s.judge.coverage = e.coverage()
	e.judge.coverage = s.judge.coverage
	s.judge.wrote = func(d day, key pairKey) bool { return book.wrote(d, key) || e.wrote(d, key) }
	s.Progress, s.Judged, s.Found = e.cfg.Observer.Progress, e.cfg.Observer.Judged, e.cfg.Observer.Found
	s.units = func(c *closed) error {
		e.unitsJudged(s.judge, c, backfill)
		return e.holdRevisable(c, backfill)
	}
	s.keep = days[len(days)-1] - day(e.settings.Recheck/(24*time.Hour))
	if backfill {
		s.keep = days[len(days)-1] + 1
	}
	s.ranked = func(d day, all []Candidate, priors [3]Weight) error { return e.queue(d, all, priors, of) }
	tally, err := s.Run(ctx, nil)
	if err != nil {
		return err
	}
	if e.cfg.Observer.Studied != nil {
		e.cfg.Observer.Studied(tally)
	}
	e.adopt(s, days, backfill)
	for _, d := range days {
		p := book.pages[d]
		if !backfill {
			e.wroteThen[d] = p.wrote
		}
		e.spill.drop(p)
	}
	if !backfill {
		e.closeHard(days)
	} else {
		e.endImported()
	}
	e.forget()
	return nil
}

// adopt takes over what a study learned: all of it when nothing was known yet, else of those who were not known.
func (e *Engine) adopt(s *Study, days []day, backfill bool) {
	if e.learning && (!backfill || len(days) >= e.settings.LearningDays) {
		e.judge = s.judge
		e.judge.wrote, e.judge.apart, e.judge.held = e.wrote, true, e.priors(s.judge.spreads)
		e.lessons, e.taught, e.latest = s.lessons, len(days), days[len(days)-1]
		e.learning = false
		return
	}
	for id, b := range s.judge.base {
		if e.judge.base[id] == nil {
			e.judge.base[id] = b
		}
	}
	for key, h := range s.judge.history {
		if _, known := e.judge.history[key]; !known {
			e.judge.history[key] = h
		}
	}
	for id, b := range s.judge.benches {
		if e.judge.benches[id] == nil {
			e.judge.benches[id] = b
		}
	}
	e.judge.adoptAddresses(s.judge)
}

// endImport judges a backfill.
func (e *Engine) endImport(ctx context.Context, entry *Entry, im *importing) error {
	if !e.inForce {
		im.ended = true // nothing is judged before the first rule set
		return nil
	}
	e.out.begin(entry)
	delete(e.imports, im.id)
	if len(im.book.pages) == 0 {
		return nil
	}
	return e.study(ctx, im.book, im)
}
