package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
)

// columnsOf are columns of every type, and what they hold, a line a row.
type columnsOf struct {
	small  store.UInt16s
	number store.UInt64s
	signed store.Int64s
	at     *store.Times
	text   store.Strings
	label  *store.Labels
	list   *store.Lists
	lines  []string
}

func newColumnsOf() *columnsOf {
	return &columnsOf{at: store.NewTimes(), label: store.NewLabels(), list: store.NewLists()}
}

func (c *columnsOf) columns() []store.AnswerColumn {
	return []store.AnswerColumn{&c.small, &c.number, &c.signed, c.at, &c.text, c.label, c.list}
}

func (c *columnsOf) take(rows int) error {
	texts, lists := store.Texts(&c.text), store.TextLists(c.list)
	for i := range rows {
		c.lines = append(c.lines, fmt.Sprintf("%d %d %d %d %q %q %q", c.small[i], c.number[i], c.signed[i], c.at.Data[i], texts[i],
			c.label.Values[i], lists[i]))
	}
	return nil
}

// manyRows gives rows of several blocks, some of them empty in each column.
const manyRows = `SELECT toUInt16(number % 65536) AS small, number * 100000000000 AS big, toInt64(number) - 500 AS signed,
	fromUnixTimestamp64Micro(toInt64(number) * 1000001, 'UTC') AS at, if(number % 3 = 0, '', repeat('x\0;', number % 50)) AS text,
	toLowCardinality(toString(number % 7)) AS label, arrayMap(i -> concat('é', toString(i)), range(number % 4)) AS list
	FROM numbers({n:UInt64}) SETTINGS max_block_size = 1000, max_threads = 1`

// TestQueryColumns: an answer by column, over either protocol, is the one by row.
func TestQueryColumns(t *testing.T) {
	s := storetest.Open(t)
	ways := map[string]func(context.Context, string, store.Params, []store.AnswerColumn, func(int) error) error{
		"http": s.QueryColumns, "encoded": s.QueryEncoded,
	}
	for _, n := range []uint64{0, 1, 3, 9_500} {
		params := func() store.Params { return store.Params{"n": n} }
		var want []string
		err := s.Query(t.Context(), "SELECT toString(small), toString(big), toString(signed), toString(toUnixTimestamp64Micro(at)), text, label, list FROM ("+
			strings.Replace(manyRows, " SETTINGS max_block_size = 1000, max_threads = 1", "", 1)+") SETTINGS max_block_size = 1000, max_threads = 1", params(), func(row store.Row) error {
			var small, number, signed, at, text, label string
			var list []string
			err := row.Scan(&small, &number, &signed, &at, &text, &label, &list)
			want = append(want, fmt.Sprintf("%s %s %s %s %q %q %q", small, number, signed, at, text, label, list))
			return err
		})
		if err != nil {
			t.Fatal(store.Detail(err))
		}
		if uint64(len(want)) != n {
			t.Fatalf("%d rows of %d", len(want), n)
		}
		for way, query := range ways {
			c := newColumnsOf()
			if err := query(t.Context(), manyRows, params(), c.columns(), c.take); err != nil {
				t.Fatalf("%s: %v: %s", way, err, store.Detail(err))
			}
			if diff := cmp.Diff(want, c.lines); diff != "" {
				t.Errorf("%s, %d rows: %.2000s", way, n, diff)
			}
		}
	}
}

// TestQueryColumnsTogether: answers that are asked for at the same time, each over a connection of its own, most of which are new.
func TestQueryColumnsTogether(t *testing.T) {
	s := storetest.Open(t)
	var asking sync.WaitGroup
	var mu sync.Mutex
	lines := map[int]int{}
	for range 4 {
		asking.Go(func() {
			c := newColumnsOf()
			if err := s.QueryColumns(t.Context(), manyRows, store.Params{"n": uint64(2_000)}, c.columns(), c.take); err != nil {
				t.Errorf("%v (%s)", err, store.Detail(err))
			}
			mu.Lock()
			defer mu.Unlock()
			lines[len(c.lines)]++
		})
	}
	asking.Wait()
	if lines[2_000] != 4 {
		t.Errorf("answers by their lines: %v", lines)
	}
}

// TestQueryColumnsFails: what fails is said, whether the statement, its columns, its reader or its time; a reader that has enough is no failure, and
// the store answers afterwards.
func TestQueryColumnsFails(t *testing.T) {
	s := storetest.Open(t)
	enough, broken := store.Stop(), errors.New("broken")
	ways := map[string]func(context.Context, string, store.Params, []store.AnswerColumn, func(int) error) error{
		"http": s.QueryColumns, "encoded": s.QueryEncoded,
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for way, query := range ways {
		for name, c := range map[string]struct {
			ctx    context.Context
			sql    string
			params store.Params
			take   func(int) error
			fails  func(error) bool
		}{
			"statement": {t.Context(), "SELECT nothing", nil, nil, func(err error) bool { return store.Code(err) == 47 }},
			"in the middle": {
				t.Context(), strings.Replace(manyRows, "number * 100000000000", "throwIf(number = 5000)", 1),
				store.Params{"n": uint64(9000)},
				nil,
				func(err error) bool { return store.Code(err) == 395 },
			},
			"parameter":  {t.Context(), manyRows, nil, nil, func(err error) bool { return err != nil }},
			"too few":    {t.Context(), "SELECT toUInt16(1)", nil, nil, func(err error) bool { return err != nil }},
			"wrong type": {t.Context(), strings.Replace(manyRows, "toInt64(number) - 500", "toString(number)", 1), store.Params{"n": uint64(3)}, nil, func(err error) bool { return err != nil }},
			"time":       {over, manyRows, store.Params{"n": uint64(3)}, nil, func(err error) bool { return errors.Is(err, context.Canceled) }},
			"reader":     {t.Context(), manyRows, store.Params{"n": uint64(9000)}, func(int) error { return broken }, func(err error) bool { return errors.Is(err, broken) }},
			"enough":     {t.Context(), manyRows, store.Params{"n": uint64(9000)}, func(int) error { return enough }, func(err error) bool { return err == nil }},
			"a marker in a text": {
				t.Context(), strings.Replace(manyRows, "repeat('x\\0;', number % 50)", "'__exception__\\r\\n'", 1),
				store.Params{"n": uint64(9)},
				nil,
				func(err error) bool { return err == nil },
			},
		} {
			columns := newColumnsOf()
			take := c.take
			if take == nil {
				take = columns.take
			}
			if err := query(c.ctx, c.sql, c.params, columns.columns(), take); !c.fails(err) {
				t.Errorf("%s, %s: %v: %s", way, name, err, store.Detail(err))
			}
			if name == "a marker in a text" && len(columns.lines) != 9 {
				t.Errorf("%s, %s: %d rows", way, name, len(columns.lines))
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Fatalf("%s, after %s: %v", way, name, err)
			}
		}
		// Blocks are missing: that is no answer.
		ending, end := context.WithCancel(t.Context())
		blocks := 0
		err := query(ending, manyRows, store.Params{"n": uint64(9000)}, newColumnsOf().columns(), func(int) error {
			blocks++
			end()
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: its time ended after %d blocks: %v", way, blocks, err)
		}
	}
}
