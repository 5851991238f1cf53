// Package store is the only way to ClickHouse: a server over clickhouse:// or http(s)://, or the embedded engine over
// http+unix://. It is a thin layer over clickhouse-go that pins settings, names parameters, classifies errors and keeps
// identifiers out of them.
package store
