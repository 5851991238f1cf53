package queries_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/projections/queries"
)

// reading finds where a statement reads a table.
var reading = regexp.MustCompile(`\b(?:FROM|JOIN)\s+(\w+)_v[0-9]+\b`)

// TestNoStatementForgetsLimits walks every statement and every table that it reads: for an asker with limits it is not there, or each
// reading of accesses, and of what rests on accesses, stands under their limits.
func TestNoStatementForgetsLimits(t *testing.T) {
	t.Parallel()
	whole, err := queries.For(7, queries.Whole)
	if err != nil {
		t.Fatal(err)
	}
	within, err := queries.For(7, queries.Within)
	if err != nil {
		t.Fatal(err)
	}
	outside, err := queries.For(7, queries.Outside)
	if err != nil {
		t.Fatal(err)
	}
	rules, read := queries.Rules(), map[string]bool{}
	for name, sql := range whole {
		if strings.Contains(sql, "limit_") {
			t.Errorf("%s: an asker without limits pays for them", name)
		}
		refused, accesses, rests := false, 0, 0
		for _, use := range reading.FindAllStringSubmatch(sql, -1) {
			read[use[1]] = true
			switch rules[use[1]] {
			case "accesses":
				accesses++
			case "derived":
				rests++
			case "open":
			case "refused":
				refused = true
			default:
				t.Errorf("%s reads %s, of which nothing says how askers with limits may", name, use[1])
			}
		}
		limited, there := within[name]
		if there == refused {
			t.Errorf("%s: in the set for askers with limits %v, reads what they are refused %v", name, there, refused)
		}
		// A condition on accesses says {limit_nothing} once; one on what rests on accesses holds such a condition.
		if n := strings.Count(limited, "{limit_nothing:Bool}"); there && n < accesses+rests {
			t.Errorf("%s reads %d times from limited tables, and is limited %d times:\n%s", name, accesses+rests, n, limited)
		}
		if got, there := outside[name]; there != (accesses > 0 && rests == 0 && !refused) || there && strings.Count(got, "NOT (NOT {limit_nothing:Bool}") != accesses {
			t.Errorf("%s: what is outside: %v\n%s", name, there, got)
		}
	}
	for table := range rules {
		if !read[table] && table != "watermarks" && table != "versions" && table != "active" {
			t.Errorf("no statement reads %s", table)
		}
	}
}

// TestLimitsBindTheWholeCondition: what a statement asks for, with OR or without, is asked for within the limits, in each subquery on its
// own; a table that nobody decided about is refused, and one that is read without a condition is an error.
func TestLimitsBindTheWholeCondition(t *testing.T) {
	t.Parallel()
	got, ok, err := queries.Limited(`SELECT position FROM accesses_by_reader_vN PREWHERE reader_key IN (1) WHERE a = 1 OR b IN (SELECT c FROM verdicts_vN WHERE d) LIMIT 3`, queries.Within)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if want := regexp.MustCompile(`(?s)^SELECT position FROM accesses_by_reader_vN PREWHERE reader_key IN \(1\) WHERE \(NOT \{limit_nothing:Bool\}.*\) AND \( a = 1 OR b IN \(SELECT c FROM verdicts_vN WHERE d\) \)\s+LIMIT 3$`); !want.MatchString(got) {
		t.Error(got)
	}
	for _, sql := range []string{"SELECT 1 FROM accesses_by_reader_vN", "SELECT 1 FROM (SELECT 1 FROM alerts_vN GROUP BY 1) WHERE 1"} {
		if _, ok, err := queries.Limited(sql, queries.Within); err == nil || ok {
			t.Errorf("%s: %v, %v", sql, ok, err)
		}
	}
	if _, ok, err := queries.Limited("SELECT 1 FROM brand_new_vN WHERE 1", queries.Within); err != nil || ok {
		t.Errorf("a table that nobody decided about: %v, %v", ok, err)
	}
}
