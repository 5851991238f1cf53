package detectors

import "fmt"

// glassWeights are the grades of GlassRate, and what they weigh: half the logarithm of the likelihood ratio.
var glassWeights = [...]Weight{2 * bit, 4 * bit, 7 * bit, 10 * bit}

// breakGlass (D7): the glass was broken, and why. Misuse shows in a reason that says nothing, and in that nothing was done on the
// record within 72 hours (Epic's practice reviews every one; Texas Children's). A reason is the reader's own word: it is told, and explains
// nothing by itself (ADR 29).
func breakGlass() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "BreakGlassMisuse", Catalogue: "D7", Key: KeyPair, Peers: PeersSituation,
			Words: []string{
				"broke the glass and worked on the record", "broke the glass and did nothing on the record",
				"broke the glass without a reason",
			},
		},
		grade: func(_ *judge, p *Pair) Grade {
			if p.Signs&SignBreakGlass == 0 {
				return Quiet
			}
			switch {
			case p.typed() < 0: // prompted again within the window, nobody types it twice
				return 3
			case p.Reasons&personal == 0:
				return 2
			}
			return 1
		},
		tell: func(t *teller, _ *Pair, g Grade) string {
			switch g {
			case 3:
				return "The glass was broken, and the reason that was given says nothing."
			case 2:
				return "The glass was broken, and in the " + t.judge.numbers.inWords(noteDays, "day") + " around it the reader did nothing on the record."
			}
			return "The glass was broken."
		},
		normal: "A reason in words, and a note or an order within days, would have made it normal.",
	}
}

// glassRate (D7): a reader who breaks the glass of records much more often than their peers. The weight is half the logarithm of the
// likelihood ratio of two Poisson processes, as for serial looks. It is asked on the days on which the reader breaks it.
func glassRate() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "GlassRate", Catalogue: "D7", Key: KeyReader, Peers: PeersGroup,
			Words: []string{
				"broke the glass more often than usual among peers", "broke the glass much more often than usual among peers",
				"broke the glass many times more often than usual among peers", "broke the glass far more often than anybody among peers",
			},
			Weights: append([]Weight{-6 * bit}, glassWeights[:]...),
		},
		grade: func(j *judge, d *ReaderDay) Grade {
			b := j.looks(d.Reader, d.Base)
			if d.Glass == 0 || int64(b.glass) < j.numbers[glassRecords] {
				return Quiet
			}
			gain := poissonGain(uint64(b.glass), uint64(b.looked)*j.usualGlass(d.group(), b)) / 2
			for g := len(glassWeights); g > 0; g-- {
				if gain >= glassWeights[g-1] {
					return Grade(g)
				}
			}
			return Quiet
		},
		tell: func(t *teller, d *ReaderDay, _ Grade) string {
			return fmt.Sprintf("This reader broke the glass of %s in all, much more often than peers do.",
				count(int(t.judge.looks(d.Reader, d.Base).glass), "record"))
		},
		normal: "A duty for which protected records have to be opened, as consultants on call have it, would have made it normal.",
	}
}

// glassReason (D7): the glass was broken for a kind of reason that those of the reader's role hardly ever give: a nurse who has a
// question about a bill. It says nothing of roles that hardly ever break it, and nothing of reasons whose kind cannot be told.
func glassReason() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "GlassReason", Catalogue: "D7", Key: KeyPair, Peers: PeersGroup,
			Words: []string{"broke the glass for a reason that their role hardly ever gives"},
		},
		grade: func(j *judge, p *Pair) Grade {
			if p.Signs&SignBreakGlass == 0 {
				return Blind // what is usual is counted among broken glasses
			}
			why, role := p.why(), j.whys[p.Post.Role]
			if why <= WhyOther || role == nil {
				return Blind
			}
			own := &j.looks(p.Reader, p.Base).whys
			of, all, readers := role.others(why, own, numbers(j.state.SameStaff(p.Reader), p.Reader))
			switch {
			case int64(all) < j.numbers[whyRecords] || int64(readers) < j.numbers[whyReaders]:
				return Blind
			case int64(of)*1000 < int64(all)*j.numbers[whyPerMille]:
				return 1
			}
			return Quiet
		},
		tell: func(_ *teller, p *Pair, _ Grade) string {
			return fmt.Sprintf("The glass was broken for %s, which people who do the same work hardly ever name as their reason.", p.why())
		},
		normal: "A task of that kind which somebody gave to this reader would have made it normal.",
	}
}
