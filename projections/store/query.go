package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"regexp"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sys/unix"
)

// Params are the values of a statement's {name:Type} parameters. They travel beside the SQL and are read by the server
// with the type that the statement names; nothing is ever pasted into SQL. Strings may hold any byte. A time keeps its
// microseconds for a DateTime64 parameter. nil is NULL and needs a Nullable type.
type Params map[string]any

// Row is one row of an answer. Scan into fresh variables: a NULL may leave an old value untouched.
type Row interface {
	// Scan copies the columns, in order, into pointers.
	Scan(dest ...any) error
	// Columns are the names of the columns.
	Columns() []string
}

// errStop ends a query early without being an error.
var errStop = errors.New("stop")

// Stop returns the error that makes a scan function end its query early, without the query failing.
func Stop() error { return errStop }

// Exec runs a statement that returns no rows.
func (s *Store) Exec(ctx context.Context, sql string, params Params) error {
	s.columns.forget()
	args, err := arguments(sql, params)
	if err != nil {
		return err
	}
	return wrap(ctx, "exec", s.conn.Exec(s.context(ctx, "", nil), sql, args...))
}

// Query calls scan for each row of the answer, in order, while it arrives. When scan fails the query is cancelled and
// its error returned as it is. Rows that have been scanned before a failure are not taken back.
func (s *Store) Query(ctx context.Context, sql string, params Params, scan func(Row) error) error {
	return s.query(ctx, sql, params, nil, scan)
}

// QueryStats is Query that also says what the answer cost. The server sends the answer only when it is complete, so it
// is for tests, benchmarks and answers of a known size.
func (s *Store) QueryStats(ctx context.Context, sql string, params Params, scan func(Row) error) (Stats, error) {
	ctx, gauge := measured(ctx)
	err := s.query(ctx, sql, params, Settings{"wait_end_of_query": "1"}, scan)
	return gauge.read(), err
}

func (s *Store) query(ctx context.Context, sql string, params Params, extra Settings, scan func(Row) error) error {
	args, err := arguments(sql, params)
	if err != nil {
		return err
	}
	if !s.http {
		delete(extra, "wait_end_of_query") // a setting of the HTTP interface alone
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := s.conn.Query(s.context(running, "", extra), sql, args...)
	if err != nil {
		return wrap(ctx, "query", err)
	}
	err = scanAll(rows, scan)
	if err != nil {
		cancel() // else Close would read the rest of the answer
	}
	closing := rows.Close()
	switch {
	case errors.Is(err, errStop):
		return nil
	case err != nil:
		return err
	case rows.Err() != nil:
		return wrap(ctx, "query", rows.Err())
	}
	return wrap(ctx, "query", closing)
}

func scanAll(rows driver.Rows, scan func(Row) error) error {
	for rows.Next() {
		if err := scan(row{rows}); err != nil {
			return err
		}
	}
	return nil
}

type row struct{ rows driver.Rows }

func (r row) Columns() []string { return r.rows.Columns() }

func (r row) Scan(dest ...any) error {
	if err := r.rows.Scan(dest...); err != nil {
		return &Error{Op: "scan", cause: errors.New("a column does not fit its variable"), detail: err.Error()}
	}
	return nil
}

// parameterUse finds {name:Type}, which clickhouse-go wants to see before it passes parameters on.
var parameterUse = regexp.MustCompile(`\{\s*(\w+)\s*:`)

// arguments checks that the statement's parameters and the values are the same set: a value too many is a typing
// mistake that ClickHouse would not report.
func arguments(sql string, params Params) ([]any, error) {
	used := map[string]bool{}
	for _, m := range parameterUse.FindAllStringSubmatch(sql, -1) {
		used[m[1]] = true
	}
	args := make([]any, 0, len(params))
	for name, value := range params {
		if !used[name] {
			return nil, fmt.Errorf("clickhouse: the statement has no parameter %s", name)
		}
		args = append(args, clickhouse.Named(name, value))
	}
	for name := range used {
		if _, ok := params[name]; !ok {
			return nil, fmt.Errorf("clickhouse: parameter %s has no value", name)
		}
	}
	return args, nil
}

// queryID names a statement so that Cancel finds it. The moment in it, on a clock that all processes of this machine
// share, lets the embedded engine refuse a statement that was sent before a Cancel and arrives after it.
func (s *Store) queryID(name string) string {
	var t unix.Timespec
	_ = unix.ClockGettime(bootClock, &t) // a zero moment only weakens that refusal
	return fmt.Sprintf("%s%d-%s", s.statements(name), t.Nano(), rand.Text())
}

// statements is how the ids of all statements of a name in this database begin: a server's other databases have writers of
// the same name.
func (s *Store) statements(name string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s.database)) // does not fail
	return fmt.Sprintf("%016x-%s-", h.Sum64(), name)
}
