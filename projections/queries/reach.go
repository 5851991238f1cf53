package queries

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// Reach is which rows the statements of a set find.
type Reach uint8

const (
	// Whole finds every row: the asker is not limited.
	Whole Reach = iota
	// Within finds what is within the limits of the asker. A statement over a table that cannot be limited is not in the set.
	Within
	// Outside finds the accesses that are not: they are counted, never shown. Only statements over accesses alone are in the set.
	Outside
)

// rule says how a table is read for an asker with limits.
type rule uint8

const (
	// refused: its rows cannot be told apart by site and department, so nothing is read from it.
	refused rule = iota
	// accesses: each row is an access, and limits/<table>.sql says which are within.
	accesses
	// derived: each row rests on accesses, and limits/<table>.sql says which rest on accesses within alone.
	derived
	// open: it says nothing of an access, or is read for rows that the answer has already.
	open
)

// rules are those of every table: a table that stands in none is refused.
func rules() map[string]rule {
	return map[string]rule{
		"accesses_by_patient": accesses, "accesses_by_patient_fields": accesses, "accesses_by_reader": accesses, "accesses_by_reader_fields": accesses,
		"reader_groups": derived, "alerts": derived, "findings": derived, "cases": derived,

		// Read by the positions or ids of rows that were found within.
		"verdicts": open, "documents": open, "decisions": open, "backfill_releases": open,
		// Who is who: identities and where they live, not who looked at whom.
		"context": open, "identities": open, "patient_addresses": open,
		// What answers rest on: how complete sources are, how far detectors and projections have read. Nobody is named, nothing is counted.
		"sources": open, "source_extents": open, "source_hours": open, "coverage": open, "context_gaps": open, "judged": open, "imports": open,
		"watermarks": open, "versions": open, "active": open, "broken_glass": open,
		// Leads to accesses, whose own limits hold.
		"place_readers": open,
		// What people ask again, not what was answered. Which of others' views an asker with limits is told, the answer decides.
		"views": open,

		// A look through Readtrail happens at no site. What did not become an event has none that is known. A frozen scope counts
		// everything. Counts by source know no site.
		"questions": refused, "dead_letters": refused, "dead_letter_retries": refused, "frozen_scopes": refused, "source_counts": refused,
	}
}

// tableUse finds the tables that a statement reads.
var tableUse = regexp.MustCompile(`\b(?:FROM|JOIN)\s+(\w+)_vN\b`)

// limited puts the limits of an asker into a statement; false: the statement has no place in a set of this reach.
func limited(sql string, reach Reach) (string, bool, error) {
	if reach == Whole {
		return sql, true, nil
	}
	known, found := rules(), false
	for _, use := range tableUse.FindAllStringSubmatch(sql, -1) {
		switch r := known[use[1]]; {
		case r == refused, reach == Outside && r == derived:
			return "", false, nil
		default:
			found = found || r == accesses
		}
	}
	if reach == Outside && !found {
		return "", false, nil
	}
	sql, err := limit(sql, reach == Outside, func(table string) bool { return known[table] == accesses || known[table] == derived })
	return sql, err == nil, err
}

// limit puts into every reading of some tables what limits/ says of them. The last comes first, so that places in the text hold.
func limit(sql string, not bool, is func(table string) bool) (string, error) {
	for _, at := range slices.Backward(tableUse.FindAllStringSubmatchIndex(sql, -1)) {
		table := sql[at[2]:at[3]]
		if !is(table) {
			continue
		}
		condition, err := conditionOf(table)
		if err != nil {
			return "", err
		}
		if not {
			condition = "NOT (" + condition + ")"
		}
		from, to, err := whereOf(sql, at[1])
		if err != nil {
			return "", fmt.Errorf("table %s: %w", table, err)
		}
		sql = sql[:from] + " (" + condition + "\n) AND (" + sql[from:to] + ")\n" + sql[to:]
	}
	return sql, nil
}

// conditionOf is what limits/ says of a table; the accesses that it reads itself are limited too.
func conditionOf(table string) (string, error) {
	name := table
	if table == "accesses_by_reader_fields" {
		name = "accesses_by_reader" // the view has the table's columns
	}
	text, err := Files.ReadFile("limits/" + name + ".sql")
	if err != nil {
		return "", fmt.Errorf("read limits: %w", err)
	}
	known := rules()
	return limit(withoutComments(string(text)), false, func(inner string) bool { return inner != table && known[inner] == accesses })
}

// errNoWhere refuses a statement that reads a table without a WHERE: there is no place for the limits.
var errNoWhere = errors.New("it is read without a WHERE")

// clauseWord finds what may follow a FROM.
var clauseWord = regexp.MustCompile(`\b(PREWHERE|WHERE|GROUP BY|HAVING|WINDOW|ORDER BY|LIMIT|SETTINGS|UNION|FROM|SELECT)\b|[()]`)

// whereOf finds the condition of the WHERE that belongs to a table read before at: where it begins and ends.
func whereOf(sql string, at int) (from, to int, err error) {
	depth, begun := 0, false
	for _, m := range clauseWord.FindAllStringIndex(sql[at:], -1) {
		word := sql[at+m[0] : at+m[1]]
		switch {
		case word == "(":
			depth++
		case word == ")" && depth > 0:
			depth--
		case depth > 0:
		case word == "PREWHERE" && !begun:
		case word == "WHERE" && !begun:
			from, begun = at+m[1], true
		case begun:
			return from, at + m[0], nil
		default:
			return 0, 0, errNoWhere
		}
	}
	if !begun {
		return 0, 0, errNoWhere
	}
	return from, len(sql), nil
}
