package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/queries"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
)

// beside loads the same rows into PostgreSQL, where it is installed, and asks the same two questions of both: the
// statement that reads a record, and the one that reads a reader's month.
func (b *bench) beside(ctx context.Context) (err error) {
	programs, version := findPostgres()
	switch {
	case b.size.postgres == 0:
		b.note("PostgreSQL was not compared with.")
		return nil
	case programs == "":
		b.note("PostgreSQL is not installed here: nothing is compared with it.")
		return nil
	}
	_, p, e, err := b.populated(ctx, b.size.postgres)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	db, err := b.startPostgres(ctx, programs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.stop()) }()
	rows, copied, err := b.copyRows(ctx, e, db)
	if err != nil {
		return err
	}
	b.note("PostgreSQL %s on the same %s accesses: one table, B-trees on (patient, occurred) and (reader, occurred), shared_buffers 1 GB.",
		version, number(float64(rows)))
	b.compare(comparison{
		what: "rows into tables and indices", unit: "rows/s", ours: perSecond(int(p.Events), p.Inserting), postgresql: perSecond(rows, copied),
	})
	if err := b.compareSizes(ctx, e, db, rows); err != nil {
		return err
	}
	return b.compareQuestions(ctx, e, db)
}

// findPostgres returns the directory of PostgreSQL's programs, the newest where there are several; "" for none.
func findPostgres() (dir, version string) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil && len(found) == 0 {
		found = append(found, path)
	}
	slices.Sort(found)
	for _, path := range slices.Backward(found) {
		dir := filepath.Dir(path)
		out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output() //nolint:gosec // found in the system's places
		if fields := strings.Fields(string(out)); err == nil && len(fields) > 2 {
			return dir, fields[2]
		}
	}
	return "", ""
}

// postgres is a private cluster that listens on a unix socket alone.
type postgres struct {
	programs, dir string
	cmd           *exec.Cmd
	gone          chan struct{}
	log           *tail
}

// startPostgres makes a cluster and starts it. PostgreSQL refuses to run as root, so root runs it as "postgres", else
// "nobody", who must be able to reach the directory.
func (b *bench) startPostgres(ctx context.Context, programs string) (*postgres, error) {
	db := &postgres{programs: programs, dir: filepath.Join(b.dir, "postgres"), gone: make(chan struct{}), log: &tail{}}
	if err := os.RemoveAll(db.dir); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	if err := os.MkdirAll(db.dir, 0o755); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		uid, gid, err := nobody()
		if err != nil {
			return nil, err
		}
		attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := errors.Join(os.Chown(db.dir, uid, gid), os.Chmod(b.dir, 0o711)); err != nil { //nolint:gosec // the server runs as another user and must get through
			return nil, fmt.Errorf("start PostgreSQL: %w", err)
		}
	}
	data := filepath.Join(db.dir, "data")
	make := exec.CommandContext(ctx, filepath.Join(programs, "initdb"), "-D", data, "-U", "bench", "-A", "trust", "--no-locale", "-E", "UTF8") //nolint:gosec // found in the system's places
	make.Dir, make.SysProcAttr = db.dir, attributes
	if out, err := make.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make a PostgreSQL cluster: %w: %s", err, out)
	}
	db.cmd = exec.Command(filepath.Join(programs, "postgres"), "-D", data, "-k", db.dir, "-c", "listen_addresses=", //nolint:gosec // found in the system's places
		"-c", "shared_buffers=1GB", "-c", "max_wal_size=4GB", "-c", "timezone=UTC")
	db.cmd.Dir, db.cmd.SysProcAttr, db.cmd.Stdout, db.cmd.Stderr = db.dir, attributes, db.log, db.log
	if err := db.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	go func() {
		_ = db.cmd.Wait() // stop is told by gone
		close(db.gone)
	}()
	for begin := time.Now(); ; time.Sleep(pollEvery) {
		_, err := db.run(ctx, "SELECT 1")
		if err == nil {
			return db, nil
		}
		if time.Since(begin) > startTimeout || ctx.Err() != nil {
			return nil, errors.Join(fmt.Errorf("start PostgreSQL: %w: %s", err, db.log), db.stop())
		}
	}
}

func nobody() (uid, gid int, err error) {
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, err1 := strconv.Atoi(u.Uid)
			gid, err2 := strconv.Atoi(u.Gid)
			return uid, gid, errors.Join(err1, err2)
		}
	}
	return 0, 0, errors.New("start PostgreSQL: there is no user postgres or nobody to run it as")
}

// stop ends the cluster fast: sessions are cut off, data are written.
func (db *postgres) stop() error {
	_ = db.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-db.gone:
		return nil
	case <-time.After(stopTimeout):
		_ = db.cmd.Process.Kill()
		<-db.gone
		return errors.New("PostgreSQL did not stop and was killed")
	}
}

// run runs a script in one session and returns what psql writes.
func (db *postgres) run(ctx context.Context, script string, options ...string) (string, error) {
	args := append([]string{"-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", db.dir, "-U", "bench", "-d", "postgres"}, options...)
	psql := exec.CommandContext(ctx, filepath.Join(db.programs, "psql"), args...) //nolint:gosec // found in the system's places
	psql.Stdin = strings.NewReader(script)
	out, err := psql.Output()
	if err != nil {
		return "", fmt.Errorf("run psql: %w", err)
	}
	return string(out), nil
}

// copyRows writes the engine's rows to a file and times COPY of it into the indexed table.
func (b *bench) copyRows(ctx context.Context, e *engine, db *postgres) (rows int, took time.Duration, err error) {
	path := filepath.Join(db.dir, "rows.tsv")
	defer os.Remove(path)
	if rows, err = e.exportRows(ctx, path); err != nil {
		return 0, 0, err
	}
	if _, err := db.run(ctx, statement("postgres_table")); err != nil {
		return 0, 0, err
	}
	begin := time.Now()
	if _, err := db.run(ctx, `\copy accesses FROM '`+path+`'`); err != nil {
		return 0, 0, err
	}
	took = time.Since(begin)
	_, err = db.run(ctx, "VACUUM ANALYZE accesses;")
	return rows, took, err
}

// exportStretch is how many messages' rows are sorted at a time, about 200,000 rows.
const exportStretch = 50

// exportRows writes all rows as text.
func (e *engine) exportRows(ctx context.Context, path string) (rows int, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, fmt.Errorf("export rows: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out := bufio.NewWriterSize(f, 1<<20)
	last, err := e.one(ctx, "last_position")
	if err != nil {
		return 0, err
	}
	for sequence := uint64(0); sequence <= proto.Position(last).Sequence(); sequence += exportStretch {
		params := store.Params{"from": uint64(proto.At(sequence, 0)), "until": uint64(proto.At(sequence+exportStretch, 0))}
		err := e.Query(ctx, statement("postgres_rows"), params, func(row store.Row) error {
			var line string
			if err := row.Scan(&line); err != nil {
				return err //nolint:wrapcheck // says what failed
			}
			rows++
			_, _ = out.WriteString(line) // Flush reports what failed
			return out.WriteByte('\n')
		})
		if err != nil {
			return 0, fmt.Errorf("export rows: %w", err)
		}
	}
	return rows, out.Flush()
}

// compareSizes weighs both path tables beside the table and its indices.
func (b *bench) compareSizes(ctx context.Context, e *engine, db *postgres, rows int) error {
	_, tables, err := e.weigh(ctx)
	if err != nil {
		return err
	}
	ours := uint64(0)
	for _, t := range tables {
		if strings.HasPrefix(t.table, "accesses_by_") {
			ours += t.bytes
		}
	}
	out, err := db.run(ctx, "SELECT pg_total_relation_size('accesses');")
	if err != nil {
		return err
	}
	theirs, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
	if err != nil {
		return fmt.Errorf("weigh PostgreSQL's table: %w", err)
	}
	b.compare(comparison{
		what: "tables and indices", unit: "bytes/row", ours: float64(ours) / float64(rows), postgresql: theirs / float64(rows), lower: true,
	})
	return nil
}

// compareQuestions asks both for the same records and months, twice, and takes the second time.
func (b *bench) compareQuestions(ctx context.Context, e *engine, db *postgres) error {
	size := b.size
	size.rows = b.size.postgres
	records, err := e.records(ctx, size)
	if err != nil {
		return err
	}
	months, err := e.months(ctx, size)
	if err != nil {
		return err
	}
	set, err := queries.For(1, queries.Whole)
	if err != nil {
		return fmt.Errorf("read statements: %w", err)
	}
	for _, q := range []struct {
		what, ours, theirs string
		subjects           []subject
		params             func(of subject) store.Params
	}{
		{"who viewed a record: its events, p95", "record_events", "postgres_record", records, recordParams},
		{"a reader's month: its events, p95", "reader_events", "postgres_reader", months, readerParams},
	} {
		ours, err := e.timeOurs(ctx, set[q.ours], q.subjects, q.params)
		if err != nil {
			return err
		}
		theirs, err := db.time(ctx, statement(q.theirs), q.subjects)
		if err != nil {
			return err
		}
		b.compare(comparison{
			what: q.what, unit: "ms", ours: milliseconds(quantile(ours, 0.95)), postgresql: milliseconds(quantile(theirs, 0.95)), lower: true,
		})
	}
	return nil
}

func recordParams(of subject) store.Params {
	return store.Params{
		"keys": []uint64{projections.Key(of.system, of.value)}, "packed": []string{projections.Pack(of.system, of.value)}, "rules": false, "ruled": []string{}, "from": int64(0), "until": farFuture,
		"position": uint64(math.MaxUint64), "start_occurred": farFuture, "start_position": uint64(math.MaxUint64),
	}
}

func readerParams(of subject) store.Params {
	params := recordParams(of)
	params["from"], params["until"], params["patients"] = of.from, of.until, uint32(1)
	return params
}

// farFuture is the year 2299, in microseconds.
const farFuture = int64(10_413_000_000_000_000)

// timeOurs runs a statement of the query service for each subject, over the connection that the service uses.
func (e *engine) timeOurs(ctx context.Context, sql string, of []subject, params func(subject) store.Params) ([]time.Duration, error) {
	var took []time.Duration
	for round := range 2 {
		for _, s := range of {
			rows := uint64(0)
			begin := time.Now()
			own := used(sql, params(s))
			err := e.Query(ctx, sql, own, func(store.Row) error {
				rows++
				return nil
			})
			if err != nil {
				return nil, fmt.Errorf("ask ClickHouse: %w", err)
			}
			if rows == 0 {
				return nil, errors.New("ask ClickHouse: no rows")
			}
			if round == 1 {
				took = append(took, time.Since(begin))
			}
		}
	}
	return took, nil
}

// time runs a statement for each subject in one session; psql says how long each took.
func (db *postgres) time(ctx context.Context, sql string, of []subject) ([]time.Duration, error) {
	var script strings.Builder
	script.WriteString("\\timing on\n\\o /dev/null\n")
	for range 2 {
		for _, s := range of {
			script.WriteString(strings.NewReplacer("VALUE", s.value, "FROM_US", fmt.Sprint(s.from), "UNTIL_US", fmt.Sprint(s.until)).Replace(sql) + "\n")
		}
	}
	out, err := db.run(ctx, script.String())
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[0] != "Time:" {
			continue
		}
		ms, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			return nil, fmt.Errorf("read psql's times: %w", err)
		}
		took = append(took, time.Duration(ms*float64(time.Millisecond)))
	}
	if len(took) != 2*len(of) {
		return nil, fmt.Errorf("read psql's times: %d of %d", len(took), 2*len(of))
	}
	return took[len(of):], nil
}
