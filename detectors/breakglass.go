package detectors

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
		tell: func(_ *teller, _ *Pair, g Grade) string {
			switch g {
			case 3:
				return "The glass was broken, and the reason that was given says nothing."
			case 2:
				return "The glass was broken, and in the three days around it the reader did nothing on the record."
			}
			return "The glass was broken."
		},
		normal: "A reason in words, and a note or an order within three days, would have made it normal.",
	}
}
