package main

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/readtrail/readtrail/projections/embedded"
	"github.com/readtrail/readtrail/projections/store"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// statement returns a statement of sql/, without the comments that are for people.
func statement(name string) string {
	text, err := sqlFiles.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err) // a file that every run needs is missing from the binary
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(strings.TrimSpace(line), "--") {
			b.WriteString(line)
		}
	}
	return strings.TrimSpace(b.String())
}

// engine is the ClickHouse engine over a data directory whose server does not run, or runs with its DSN.
type engine struct {
	*store.Store
	engine *embedded.Engine
}

// engineMemory is what the engine may use here: the default of `readtrail up`.
const engineMemory = 2 << 30

func openEngine(ctx context.Context, binary, home string) (*engine, error) {
	child, err := embedded.Start(ctx, embedded.Config{
		Dir: filepath.Join(home, "data", "clickhouse"), Command: []string{binary, "engine"}, MemoryLimit: engineMemory,
	})
	if err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	db, err := store.Open(ctx, store.Config{DSN: child.DSN(), QueryTimeout: time.Hour})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the engine: %w", err), child.Close())
	}
	return &engine{Store: db, engine: child}, nil
}

func (e *engine) close() error { return errors.Join(e.Close(), e.engine.Close()) }

// exec runs the statements of a file of sql/, in order.
func (e *engine) exec(ctx context.Context, name string, params store.Params) error {
	for text := range strings.SplitSeq(statement(name), ";\n") {
		if text = strings.TrimSuffix(strings.TrimSpace(text), ";"); text == "" {
			continue
		}
		if err := e.Exec(ctx, text, used(text, params)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// used are the parameters that a statement names.
func used(text string, params store.Params) store.Params {
	own := store.Params{}
	for key, value := range params {
		if strings.Contains(text, "{"+key+":") {
			own[key] = value
		}
	}
	return own
}

// one reads a single number.
func (e *engine) one(ctx context.Context, name string) (n uint64, err error) {
	err = e.Query(ctx, statement(name), nil, func(row store.Row) error { return row.Scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return n, nil
}

// settle waits until no merge has run for a while, at most so long.
func (e *engine) settle(ctx context.Context, most time.Duration) error {
	const quiet = 2 * time.Second
	calm := time.Now()
	for end := calm.Add(most); time.Now().Before(end) && time.Since(calm) < quiet; {
		running, err := e.one(ctx, "merges")
		if err != nil {
			return err
		}
		if running > 0 {
			calm = time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // says what happened
		case <-time.After(pollEvery):
		}
	}
	return nil
}

// weights are bytes by table, the heaviest first.
type weights []weight

type weight struct {
	table              string
	bytes, rows, parts uint64
}

// per tells bytes an event of the heaviest tables.
func (w weights) per(events int) string {
	var out []string
	for _, t := range w[:min(len(w), 4)] {
		out = append(out, fmt.Sprintf("%s %.1f", t.table, float64(t.bytes)/float64(events)))
	}
	return strings.Join(out, ", ")
}

// weigh returns the bytes on disk of all tables.
func (e *engine) weigh(ctx context.Context) (total uint64, tables weights, err error) {
	if err := e.settle(ctx, 2*time.Minute); err != nil {
		return 0, nil, err
	}
	err = e.Query(ctx, statement("weights"), nil, func(row store.Row) error {
		var t weight
		if err := row.Scan(&t.table, &t.bytes, &t.rows, &t.parts); err != nil {
			return err //nolint:wrapcheck // says what failed
		}
		total += t.bytes
		tables = append(tables, t)
		return nil
	})
	if err != nil {
		return 0, nil, fmt.Errorf("weigh tables: %w", err)
	}
	slices.SortFunc(tables, func(a, b weight) int { return cmp.Compare(b.bytes, a.bytes) })
	return total, tables, nil
}
