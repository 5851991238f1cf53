package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Batch collects the rows of one insert. It is used by one goroutine.
type Batch interface {
	// Column is the i-th of the columns named to Insert, for appending whole slices; all columns must end up with as
	// many rows.
	Column(i int) Column
	// Append adds one row, a value for each column. It is slower than Column.
	Append(values ...any) error
	// Rows is the number of rows so far.
	Rows() int
}

// Column takes values of one column.
type Column interface {
	// Append adds a slice of values, such as []string, []uint64 or []time.Time.
	Append(slice any) error
	// AppendRow adds one value.
	AppendRow(value any) error
}

// Insert writes the rows that fill appends to columns of table, as one block: one part in each partition it touches. A
// nil error means that they are written, and on disk when the table syncs its inserts; an ErrUnavailable means that
// nobody knows; any other error that nothing was written. An empty batch writes nothing.
func (s *Store) Insert(ctx context.Context, table string, columns []string, fill func(Batch) error) error {
	return s.InsertAs(ctx, "", table, columns, fill)
}

// InsertAs is Insert with a name by which Cancel finds the statement while it runs; a unique part is added to it.
func (s *Store) InsertAs(ctx context.Context, name, table string, columns []string, fill func(Batch) error) error {
	if len(columns) == 0 {
		return errors.New("clickhouse insert: no columns")
	}
	id := ""
	if name != "" {
		id = s.queryID(name)
	}
	key := table + "\x00" + strings.Join(columns, "\x00")
	running := s.context(ctx, id, nil)
	cached := s.columns.get(key)
	if cached != nil {
		running = clickhouse.Context(running, clickhouse.WithColumnNamesAndTypes(cached))
	}
	prepared, err := s.conn.PrepareBatch(running, insertStatement(table, columns), driver.WithCloseOnFlush())
	if err != nil {
		return wrap(ctx, "insert", err)
	}
	defer func() { _ = prepared.Close() }() // gives the connection back when fill fails; harmless after Send
	if cached == nil {
		s.columns.put(key, columnTypes(prepared))
	}
	if err := fill(&batch{prepared}); err != nil {
		return err
	}
	if prepared.Rows() == 0 {
		return nil
	}
	if err := prepared.Send(); err != nil {
		s.columns.forget()
		return wrap(ctx, "insert", err)
	}
	return nil
}

func insertStatement(table string, columns []string) string {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = "`" + c + "`"
	}
	return fmt.Sprintf("INSERT INTO %s (%s)", table, strings.Join(quoted, ", "))
}

func columnTypes(b driver.Batch) []clickhouse.ColumnNameAndType {
	var types []clickhouse.ColumnNameAndType
	for _, c := range b.Columns() {
		types = append(types, clickhouse.ColumnNameAndType{Name: c.Name(), Type: string(c.Type())})
	}
	return types
}

type batch struct{ driver.Batch }

func (b *batch) Column(i int) Column { return batchColumn{b.Batch.Column(i)} }

func (b *batch) Append(values ...any) error {
	if err := b.Batch.Append(values...); err != nil {
		return clientError("insert", err)
	}
	return nil
}

type batchColumn struct{ column driver.BatchColumn }

func (c batchColumn) Append(slice any) error {
	if err := c.column.Append(slice); err != nil {
		return clientError("insert", err)
	}
	return nil
}

func (c batchColumn) AppendRow(value any) error {
	if err := c.column.AppendRow(value); err != nil {
		return clientError("insert", err)
	}
	return nil
}
