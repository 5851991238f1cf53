// Package csv reads delimited text (tab, pipe, comma, semicolon) by a mapping in YAML: access logs become access events,
// and lists of staff, rosters and watch lists become context facts. A row that cannot be read is a dead letter with its
// line and column; the rows beside it land.
package csv
