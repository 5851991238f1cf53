package store

import (
	"context"
	"fmt"
	"io"
	"time"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// InsertNative writes one block that the caller has encoded in ClickHouse's Native format (revision 0), for writers that
// build columns faster than Insert takes values. Its types may differ from the table's where ClickHouse converts, such
// as String for LowCardinality(String). What a nil error and other errors mean is as with Insert; name is as with
// InsertAs, "" for none.
//
// Over HTTP the bytes go as they are. The native protocol has no such statement: there the block is decoded and
// inserted row by row, which is slower.
func (s *Store) InsertNative(ctx context.Context, name, table string, columns []string, block io.Reader) error {
	if !s.http {
		return s.insertDecoded(ctx, name, table, columns, block)
	}
	id := ""
	if name != "" {
		id = s.queryID(name)
	}
	err := s.conn.InsertFormat(s.context(ctx, id, nil), "Native", insertStatement(table, columns), block)
	return wrap(ctx, "insert", err)
}

// insertDecoded is InsertNative through a batch.
func (s *Store) insertDecoded(ctx context.Context, name, table string, columns []string, block io.Reader) error {
	decoded := proto.Block{ServerContext: &column.ServerContext{Timezone: time.UTC}}
	if err := decoded.Decode(chproto.NewReader(block), 0); err != nil {
		return clientError("insert", err)
	}
	if len(decoded.Columns) != len(columns) {
		return clientError("insert", fmt.Errorf("%d columns in a block for %d", len(decoded.Columns), len(columns)))
	}
	return s.InsertAs(ctx, name, table, columns, func(b Batch) error {
		values := make([]any, len(columns))
		for row := range decoded.Rows() {
			for i, c := range decoded.Columns {
				values[i] = c.Row(row, false)
			}
			if err := b.Append(values...); err != nil {
				return err
			}
		}
		return nil
	})
}
