package store

import (
	"context"
	"io"
)

// InsertDecoded is InsertNative as the native protocol does it.
func (s *Store) InsertDecoded(ctx context.Context, name, table string, columns []string, block io.Reader) error {
	return s.insertDecoded(ctx, name, table, columns, block)
}
