package store

import (
	"context"
	"io"
)

// InsertDecoded is InsertNative as the native protocol does it.
func (s *Store) InsertDecoded(ctx context.Context, name, table string, columns []string, block io.Reader) error {
	return s.insertDecoded(ctx, name, table, columns, block)
}

// QueryEncoded is QueryColumns as the native protocol does it.
func (s *Store) QueryEncoded(ctx context.Context, sql string, params Params, columns []AnswerColumn, take func(rows int) error) error {
	return s.queryEncoded(ctx, sql, params, columns, take)
}
