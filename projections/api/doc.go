// Package api is the query service: it answers "who viewed this record?" and its siblings from the ClickHouse
// projections, applies identity links and pairing when the question is asked, and journals every question before its
// answer leaves.
package api
