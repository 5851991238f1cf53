package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"time"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// A column holds the block of the answer that is at hand. Numbers are read with Row, times as their number of microseconds in Data, texts with Texts
// and TextLists, whose rows stay.
type (
	// UInt16s are of the type UInt16.
	UInt16s = chproto.ColUInt16
	// UInt64s are of the type UInt64.
	UInt64s = chproto.ColUInt64
	// Int64s are of the type Int64.
	Int64s = chproto.ColInt64
	// Strings are of the type String.
	Strings = chproto.ColStr
	// Times are of the type DateTime64(6).
	Times = chproto.ColDateTime64
	// Labels are texts of the type LowCardinality(String), in Values.
	Labels = chproto.ColLowCardinality[string]
	// Lists are of the type Array(String).
	Lists = chproto.ColArr[string]
	// AnswerColumn is one of these.
	AnswerColumn = chproto.ColResult
)

// NewTimes returns an empty column.
func NewTimes() *Times { return new(Times).WithPrecision(chproto.PrecisionMicro) }

// NewLabels returns an empty column.
func NewLabels() *Labels { return new(Strings).LowCardinality() }

// NewLists returns an empty column.
func NewLists() *Lists { return new(Strings).Array() }

// Texts are the rows of a column. They share their memory, which is free when none of them is used.
func Texts(c *Strings) []string {
	all, out := string(c.Buf), make([]string, len(c.Pos))
	for i, p := range c.Pos {
		out[i] = all[p.Start:p.End]
	}
	return out
}

// TextLists are the rows of a column. They share their memory, which is free when none of them is used.
func TextLists(c *Lists) [][]string {
	all, out, begin := Texts(c.Data.(*Strings)), make([][]string, len(c.Offsets)), uint64(0)
	for i, end := range c.Offsets {
		out[i] = all[begin:end:end]
		begin = end
	}
	return out
}

// QueryColumns calls take for each block of the answer, when the columns, which are as many as the answer's and of its types, hold its rows. Of wide
// rows it takes a fraction of the time of Query, which asks for each value by itself. The server sends the answer only when it is complete: it
// is for answers of a known size.
func (s *Store) QueryColumns(ctx context.Context, sql string, params Params, columns []AnswerColumn, take func(rows int) error) error {
	return s.queryColumns(ctx, sql, params, columns, take)
}

// QueryColumnsStats is QueryColumns that also says what the answer cost.
func (s *Store) QueryColumnsStats(ctx context.Context, sql string, params Params, columns []AnswerColumn, take func(rows int) error) (Stats, error) {
	ctx, gauge := measured(ctx)
	err := s.queryColumns(ctx, sql, params, columns, take)
	return gauge.read(), err
}

// formatted are settings of the HTTP interface: the answer is complete before it is sent, so that nothing in it can be taken for an exception, and
// its blocks are of revision 0.
var formatted = Settings{"wait_end_of_query": "1", "client_protocol_version": "0"}

func (s *Store) queryColumns(ctx context.Context, sql string, params Params, columns []AnswerColumn, take func(rows int) error) error {
	if !s.http {
		return s.queryEncoded(ctx, sql, params, columns, take)
	}
	args, err := arguments(sql, params)
	if err != nil {
		return err
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	answer, err := s.conn.QueryFormat(s.context(running, "", formatted), "Native", sql, args...)
	if err != nil {
		err = wrap(ctx, "query", err)
		if Code(err) != 0 || ctx.Err() != nil {
			return err
		}
		// A connection that is new asks the server who it is, with these settings, and does not understand the answer. Rows make one.
		return s.queryEncoded(ctx, sql, params, columns, take)
	}
	err = decodeColumns(ctx, answer, columns, take)
	if err != nil {
		cancel() // else Close would read the rest of the answer
	}
	return ended(ctx, err, answer.Close())
}

// ended is what came of an answer: what its reader said, else of closing it.
func ended(ctx context.Context, err, closing error) error {
	switch {
	case errors.Is(err, errStop):
		return nil
	case err != nil:
		return err
	}
	return wrap(ctx, "query", closing)
}

// decodeColumns reads blocks in the Native format (revision 0) until they end.
func decodeColumns(ctx context.Context, answer io.Reader, columns []AnswerColumn, take func(rows int) error) error {
	results := make(chproto.Results, len(columns))
	for i, c := range columns {
		results[i].Data = c
	}
	r := chproto.NewReader(answer)
	for {
		var block chproto.Block
		switch err := block.DecodeRawBlock(r, 0, results); {
		case errors.Is(err, io.EOF) && block.Columns == 0: // between two blocks
			return nil
		case ctx.Err() != nil: // also where this block came whole
			return wrap(ctx, "query", ctx.Err())
		case broken(err):
			return wrap(ctx, "query", err)
		case err != nil:
			return &Error{Op: "scan", cause: errors.New("a column does not fit its variable"), detail: err.Error()}
		case block.Rows == 0:
			continue
		}
		if err := take(block.Rows); err != nil {
			return err
		}
	}
}

// encodedRows is how many rows queryEncoded makes a block of.
const encodedRows = 4096

// queryEncoded is QueryColumns over the native protocol, which has no such statement, and over a new connection: rows are read one by one and encoded,
// which is slower.
func (s *Store) queryEncoded(ctx context.Context, sql string, params Params, columns []AnswerColumn, take func(rows int) error) error {
	var block *proto.Block
	var values []any
	flush := func() error {
		if block == nil || block.Rows() == 0 {
			return nil
		}
		var b chproto.Buffer
		if err := block.Encode(&b, 0); err != nil {
			return clientError("query", err)
		}
		block = nil
		return decodeColumns(ctx, bytes.NewReader(b.Buf), columns, take)
	}
	args, err := arguments(sql, params)
	if err != nil {
		return err
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := s.conn.Query(s.context(running, "", nil), sql, args...)
	if err != nil {
		return wrap(ctx, "query", err)
	}
	err = func() error {
		for rows.Next() {
			if block == nil {
				block, values = &proto.Block{ServerContext: &column.ServerContext{Timezone: time.UTC}}, nil
				for _, c := range rows.ColumnTypes() {
					if err := block.AddColumn(c.Name(), column.Type(c.DatabaseTypeName())); err != nil {
						return clientError("query", err)
					}
					values = append(values, reflect.New(c.ScanType()).Interface())
				}
			}
			if err := (row{rows}).Scan(values...); err != nil {
				return err
			}
			plain := make([]any, len(values))
			for i, v := range values {
				plain[i] = reflect.ValueOf(v).Elem().Interface()
			}
			if err := block.Append(plain...); err != nil {
				return clientError("query", err)
			}
			if block.Rows() == encodedRows {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		if rows.Err() != nil {
			return wrap(ctx, "query", rows.Err())
		}
		return flush()
	}()
	if err != nil {
		cancel()
	}
	return ended(ctx, err, rows.Close())
}
