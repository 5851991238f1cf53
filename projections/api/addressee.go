package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// AddresseeDoubt says why a question in a case, with what it shows, may not reach whom it is put to; nil: nothing is doubtful. It answers
// no person, so it is no question; the command that asks is journaled. Limits that only the identity provider states are known once they
// sign in, and not here.
func (s *Service) AddresseeDoubt(ctx context.Context, to string, id proto.EventID, shown [][]byte) (*v1.AddresseeDoubt, error) {
	ctx = proto.WithGlass(ctx, "")
	p, _, err := s.standOnCases(ctx, 0, keyset{})
	if err != nil {
		return nil, err
	}
	known, err := s.askers(ctx, p)
	if err != nil {
		return nil, err
	}
	doubt := &v1.AddresseeDoubt{}
	who, found := known[to]
	if !found {
		who = proto.Caller{Name: to}
		doubt.Unknown, doubt.Alike = true, alikeName(to, known)
	}
	if err := s.hiddenFrom(ctx, who, id, shown, doubt); err != nil {
		return nil, err
	}
	if !doubt.Unknown && !doubt.CaseHidden && doubt.AccessesHidden == 0 {
		return nil, nil //nolint:nilnil // nothing is doubtful, and nothing failed
	}
	return doubt, nil
}

// askers are all who ever asked, with the role in which they did last, and whom the configuration or a token names.
func (s *Service) askers(ctx context.Context, p *pin) (map[string]proto.Caller, error) {
	known := map[string]proto.Caller{}
	err := p.queryWhole(ctx, "askers", store.Params{}, func(row store.Row) error {
		var c proto.Caller
		err := row.Scan(&c.Name, &c.Role)
		known[c.Name] = c
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read who asked: %w", err)
	}
	for name := range known { // whether a token holds is for the register to say
		if strings.HasPrefix(name, "token:") {
			delete(known, name)
		}
	}
	for _, c := range s.cfg.Askers() {
		c.Role = cmp.Or(c.Role, known[c.Name].Role)
		known[c.Name] = c
	}
	return known, nil
}

// hiddenFrom finds what limits keep of a question from whom it is put to: the case, with which it is not there, or accesses that it shows.
func (s *Service) hiddenFrom(ctx context.Context, who proto.Caller, id proto.EventID, shown [][]byte, doubt *v1.AddresseeDoubt) error {
	limits := s.cfg.Limits(who)
	if !limits.Limited() {
		return nil
	}
	p, _, err := s.standOnCases(proto.WithCaller(ctx, who), 0, keyset{})
	if err != nil {
		return err
	}
	steps, err := p.caseSteps(ctx, id.String())
	if err != nil {
		return err
	}
	if doubt.CaseHidden = len(steps) == 0; doubt.CaseHidden {
		return nil
	}
	events, err := s.shownEvents(ctx, shown)
	for _, event := range events {
		if !limits.Within(event) {
			doubt.AccessesHidden++
		}
	}
	return err
}

// alikeName is the known name that an unknown one was most likely meant to be: the same but for case or for how they sign in, or one or two
// letters apart; empty: there is none.
func alikeName(to string, known map[string]proto.Caller) string {
	type near struct {
		name string
		far  int
	}
	var all []near
	_, wanted, _ := strings.Cut(strings.ToLower(to), ":")
	most := 1
	if len(wanted) >= 8 {
		most = 2
	}
	for name := range known {
		kind, rest, _ := strings.Cut(name, ":")
		if !slices.Contains([]string{"oidc", "os", "token"}, kind) {
			continue
		}
		if far := editsBetween([]rune(wanted), []rune(strings.ToLower(rest)), most); far <= most {
			all = append(all, near{name, far})
		}
	}
	if len(all) == 0 {
		return ""
	}
	return slices.MinFunc(all, func(a, b near) int { return cmp.Or(cmp.Compare(a.far, b.far), strings.Compare(a.name, b.name)) }).name
}

// editsBetween is how many letters have to be added, left out, put for others or swapped with their neighbours to make one text of another
// (optimal string alignment); more than most is told as most+1.
func editsBetween(a, b []rune, most int) int {
	if max(len(a)-len(b), len(b)-len(a)) > most {
		return most + 1
	}
	before, last := []int(nil), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range b {
			same := 1
			if a[i] == b[j] {
				same = 0
			}
			next[j+1] = min(last[j]+same, last[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, last = last, next
	}
	return min(last[len(b)], most+1)
}
