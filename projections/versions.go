package projections

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/readtrail/readtrail/projections/store"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

//go:embed sql/*.sql
var sqlFiles embed.FS

// ErrSchema marks tables that were made by a migration that has changed since. Rebuild makes new ones.
var ErrSchema = errors.New("tables were made by another migration")

// Stages of a version.
const (
	stageBuilding uint8 = 1
	stageReady    uint8 = 2
	stageRetired  uint8 = 3
	stageGone     uint8 = 4
)

// registryMigration makes the tables outside the versions.
const registryMigration = "0001_registry.sql"

// query returns the text of a file in sql/. A file that is missing is a mistake of this package, found by every test.
func query(name string) string {
	text, err := sqlFiles.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// queryOn is query for one table.
func queryOn(name, table string) string { return strings.ReplaceAll(query(name), "TABLE_NAME", table) }

// statements returns the statements of a migration for a version, without comments.
func statements(text string, version uint32) []string {
	text = strings.ReplaceAll(text, "_vN", "_v"+strconv.FormatUint(uint64(version), 10))
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "--") {
			b.WriteString(line)
		}
	}
	var out []string
	for s := range strings.SplitSeq(b.String(), ";\n") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// migration is one numbered file.
type migration struct {
	name, text, sum string
}

// migrations returns the files in order.
func migrations() ([]migration, error) {
	entries, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	out := make([]migration, 0, len(entries))
	for _, e := range entries {
		text, err := migrationFiles.ReadFile("migrations/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		sum := sha256.Sum256([]byte(strings.Join(statements(string(text), 0), ";\n")))
		out = append(out, migration{name: e.Name(), text: string(text), sum: hex.EncodeToString(sum[:])})
	}
	return out, nil
}

// registry reads and writes the tables outside the versions.
type registry struct {
	store *store.Store
}

// prepare makes the tables outside the versions. It is safe to repeat.
func (r registry) prepare(ctx context.Context) error {
	all, err := migrations()
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.name != registryMigration {
			continue
		}
		for _, s := range statements(m.text, 0) {
			if err := r.store.Exec(ctx, s, nil); err != nil {
				return fmt.Errorf("make registry: %w", err)
			}
		}
	}
	return nil
}

// former returns the tables of a version for which another one stands.
func (r registry) former(ctx context.Context, version uint32) (bases []string, err error) {
	params := store.Params{"database": r.store.Database(), "tables": replacedIn(version)}
	err = r.store.Query(ctx, query("exists"), params, func(row store.Row) error {
		var name string
		err := row.Scan(&name)
		bases = append(bases, strings.TrimSuffix(name, nameIn("", version)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for tables of earlier releases: %w", err)
	}
	return bases, nil
}

// tableName finds the names in a statement that may be those of tables.
var tableName = regexp.MustCompile(`\w+`)

// superfluous reports whether a statement is about a table for which another one stands, and which is not there: no version makes one any more.
func superfluous(statement string, version uint32, former []string) bool {
	return slices.ContainsFunc(tableName.FindAllString(statement, -1), func(name string) bool {
		base, ok := strings.CutSuffix(name, nameIn("", version))
		return ok && slices.Contains(replaced, base) && !slices.Contains(former, base)
	})
}

// migrate makes the tables of a version, or applies the migrations that it has not seen. A crash in between leaves
// statements that are safe to repeat.
func (r registry) migrate(ctx context.Context, version uint32) error {
	seen := map[string]string{}
	err := r.store.Query(ctx, query("migrations"), store.Params{"version": version}, func(row store.Row) error {
		var name, sum string
		if err := row.Scan(&name, &sum); err != nil {
			return err
		}
		seen[name] = sum
		return nil
	})
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	former, err := r.former(ctx, version)
	if err != nil {
		return err
	}
	all, err := migrations()
	if err != nil {
		return err
	}
	for _, m := range all {
		sum, ok := seen[m.name]
		switch {
		case m.name == registryMigration || sum == m.sum:
			continue
		case ok:
			return fmt.Errorf("migrate version %d: %s: %w", version, m.name, ErrSchema)
		}
		if err := r.apply(ctx, version, m, former); err != nil {
			return err
		}
	}
	return nil
}

// apply runs one migration and records it. former are the tables of earlier releases that stand.
func (r registry) apply(ctx context.Context, version uint32, m migration, former []string) error {
	for _, s := range statements(m.text, version) {
		if superfluous(s, version, former) {
			continue
		}
		if err := r.store.Exec(ctx, s, nil); err != nil {
			return fmt.Errorf("migrate version %d: %s: %w", version, m.name, err)
		}
	}
	params := store.Params{"version": version, "name": m.name, "sha256": m.sum}
	if err := r.store.Exec(ctx, query("set_migration"), params); err != nil {
		return fmt.Errorf("record migration: %w", err)
	}
	return nil
}

// active returns the version that answers and the number of its flip; 0 before the first.
func (r registry) active(ctx context.Context) (version, flip uint32, err error) {
	err = r.store.Query(ctx, query("active"), nil, func(row store.Row) error { return row.Scan(&version, &flip) })
	if err != nil {
		return 0, 0, fmt.Errorf("read active version: %w", err)
	}
	return version, flip, nil
}

// flip makes a version answer, in one row.
func (r registry) flip(ctx context.Context, version uint32) error {
	_, flip, err := r.active(ctx)
	if err != nil {
		return err
	}
	if err := r.stage(ctx, version, stageReady); err != nil {
		return err
	}
	err = r.store.InsertAs(ctx, flipStatement, "active", []string{"flip", "version"}, func(b store.Batch) error {
		return b.Append(flip+1, version)
	})
	if err != nil {
		return fmt.Errorf("flip to version %d: %w", version, err)
	}
	return nil
}

func (r registry) stage(ctx context.Context, version uint32, stage uint8) error {
	if err := r.store.Exec(ctx, query("set_stage"), store.Params{"version": version, "stage": stage}); err != nil {
		return fmt.Errorf("set stage of version %d: %w", version, err)
	}
	return nil
}

// stages returns every version and its stage.
func (r registry) stages(ctx context.Context) (map[uint32]uint8, error) {
	out := map[uint32]uint8{}
	err := r.store.Query(ctx, query("versions"), nil, func(row store.Row) error {
		var version uint32
		var stage uint8
		if err := row.Scan(&version, &stage); err != nil {
			return err
		}
		out[version] = stage
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read versions: %w", err)
	}
	return out, nil
}

// drop removes the tables of a version. It is safe to repeat; the version is marked first, so that a crash in between
// leaves one that is dropped again and never built further.
func (r registry) drop(ctx context.Context, version uint32) error {
	if err := r.stage(ctx, version, stageRetired); err != nil {
		return err
	}
	for _, t := range []*table{tables[accessesByPatient], tables[accessesByReader]} {
		if err := r.store.Exec(ctx, "DROP VIEW IF EXISTS "+t.fieldsName(version)+" SYNC", nil); err != nil {
			return fmt.Errorf("drop version %d: %w", version, err)
		}
	}
	names := replacedIn(version)
	for _, t := range allTables() {
		names = append(names, t.name(version))
	}
	for _, name := range names {
		if err := r.dropTable(ctx, name); err != nil {
			return err
		}
	}
	return r.stage(ctx, version, stageGone)
}

// replace takes over what stands in the tables of an earlier release, and drops them. It is for whoever has fenced the version, and whose inserts
// into writes: nobody else writes any of them by then. It is safe to repeat, and to break off: rows merge by key.
func (r registry) replace(ctx context.Context, version uint32, into *store.Store, log *slog.Logger) error {
	former, err := r.former(ctx, version)
	if err != nil {
		return err
	}
	for _, base := range former {
		about := []any{slog.String("table", base), slog.Any("version", version)}
		log.InfoContext(ctx, "taking over a table of an earlier release, no questions are answered meanwhile", about...)
		for _, s := range statements(query("replace_"+base), version) {
			if err := into.Exec(ctx, s, nil); err != nil {
				return fmt.Errorf("take over %s: %w", base, err)
			}
		}
		if err := r.dropTable(ctx, nameIn(base, version)); err != nil {
			return err
		}
		log.InfoContext(ctx, "table of an earlier release taken over", about...)
	}
	return nil
}

func (r registry) dropTable(ctx context.Context, name string) error {
	if err := r.store.Exec(ctx, "DROP TABLE IF EXISTS "+name+" SYNC", nil); err != nil {
		return fmt.Errorf("drop %s: %w", name, err)
	}
	return nil
}

// first makes version 1 answer when nothing does, and returns the version that does. Migrations that the active version
// has not seen are applied. prepare comes before it.
func (r registry) first(ctx context.Context) (uint32, error) {
	version, _, err := r.active(ctx)
	if err != nil {
		return 0, err
	}
	if version == 0 {
		stages, err := r.stages(ctx)
		if err != nil {
			return 0, err
		}
		version = 1
		for v := range stages {
			version = max(version, v)
		}
		if err := r.migrate(ctx, version); err != nil {
			return 0, err
		}
		return version, r.flip(ctx, version)
	}
	return version, r.migrate(ctx, version)
}

// ActiveVersion is the version that answers; 0 when there is none yet. A question resolves it once.
func ActiveVersion(ctx context.Context, s *store.Store) (uint32, error) {
	version, _, err := registry{s}.active(ctx)
	return version, err
}
