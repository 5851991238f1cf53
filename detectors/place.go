package detectors

// strangePlace: from a workstation where the reader never works, or from outside.
func strangePlace() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "StrangePlace", Catalogue: "D17", Key: KeyPair, Peers: PeersSituation,
			Words: []string{"from a workstation unusual for them", "from a workstation of another department"},
		},
		grade: func(j *judge, p *Pair) Grade {
			if home := j.homeOf(p.Accesses[0].Workstation); home != 0 && home != p.Post.Department && home != p.Post.DutyDepartment {
				return 2
			}
			if w := p.Accesses[0].Workstation; w != 0 && j.known(p.Base) && p.Base.uses(w) <= 1 {
				return 1
			}
			return Quiet
		},
		tell: func(t *teller, p *Pair, g Grade) string {
			if g == 2 {
				home := t.judge.homeOf(p.Accesses[0].Workstation)
				return "It came from a workstation of " + t.judge.state.DepartmentName(home) + ", where this reader does not work."
			}
			return "It came from a workstation that this reader does not use otherwise."
		},
	}
}
