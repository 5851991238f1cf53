// Package projections is the read side: it folds the journal into ClickHouse tables that answer questions. The tables are
// thrown away and rebuilt at will; the journal is the only truth.
package projections
