package simulate_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest/simulate"
)

// badges are the rows of badges.csv by employee; a stay whose end was not told lasts half a day here.
func badges(t *testing.T, rows [][]string) (stays map[string][][2]time.Time, open int) {
	t.Helper()
	stays = map[string][][2]time.Time{}
	for _, r := range rows[1:] {
		in, err := time.Parse(time.RFC3339, r[1])
		if err != nil {
			t.Fatal(err)
		}
		out := in.Add(12 * time.Hour)
		if r[2] == "" {
			open++
		} else if out, err = time.Parse(time.RFC3339, r[2]); err != nil {
			t.Fatal(err)
		} else if all := stays[r[0]]; !out.After(in) || len(all) > 0 && in.Before(all[len(all)-1][0]) {
			t.Fatalf("a stay from %s until %s", in, out)
		}
		stays[r[0]] = append(stays[r[0]], [2]time.Time{in, out})
	}
	return stays, open
}

// Who works in the house is mostly there by their badge, and mostly not where their account is lent and they are out: neither always, nor
// never. The same hospital has the same rows.
func TestBadges(t *testing.T) {
	cfg := small()
	cfg.Incidents, cfg.Weights = 120, map[string]int{simulate.ScenarioSharedAccount: 1000}
	h := hospital(t, cfg)
	rows := h.Table("badges.csv")
	if !slices.EqualFunc(rows, h.Table("badges.csv"), slices.Equal[[]string]) {
		t.Error("asked twice, the rows differ")
	}
	stays, open := badges(t, rows)
	inside := func(who string, at time.Time) bool {
		return slices.ContainsFunc(stays[who], func(s [2]time.Time) bool { return !at.Before(s[0]) && !at.After(s[1]) })
	}
	at, in, lent := 0, 0, map[string]bool{}
	for day := range cfg.Days {
		for e := range h.Events(day) {
			a := decode(t, &e)
			seat := false
			for i := range a.Agent {
				seat = seat || strings.HasPrefix(a.Agent[i].Network.Address, "WS-")
			}
			who := a.reader()
			if who == "" || !seat || e.Label.Scenario == simulate.ScenarioTerminated {
				continue
			}
			there := inside(who, a.Recorded)
			if e.Label.Scenario == simulate.ScenarioSharedAccount {
				lent[e.Label.Incident] = lent[e.Label.Incident] || !there
				continue
			}
			if at++; there {
				in++
			}
		}
	}
	if share := in * 100 / max(at, 1); at < 10_000 || share < 80 || share > 97 {
		t.Errorf("of %d accesses in the house %d %% are by people who are there by their badge", at, share)
	}
	out := 0
	for _, missing := range lent {
		if missing {
			out++
		}
	}
	if len(lent) < 30 || out*100 < len(lent)*30 || out*100 > len(lent)*75 {
		t.Errorf("in %d of %d lent accounts the owner is out", out, len(lent))
	}
	if n := len(rows) - 1; open*1000 < n*8 || open*1000 > n*40 {
		t.Errorf("%d of %d stays have no end", open, n)
	}
	t.Logf("%d rows, %d open; %d of %d accesses; %d of %d lent", len(rows)-1, open, in, at, out, len(lent))
}
