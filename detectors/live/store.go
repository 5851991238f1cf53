package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/proto"
)

// store keeps snapshots: a directory each, with a file for every part and a manifest that says what belongs together. A snapshot is
// written under another name, synced, and renamed: it is there as a whole, or it is not.
type store struct {
	dir    string
	engine detectors.EngineConfig
	code   string
	log    *slog.Logger
	// writing ends when the snapshot that is being written is on disk.
	writing chan struct{}
	failed  error
	// left are files of days that only an older snapshot refers to; like failed, it belongs to whoever writes.
	left []string
}

const (
	manifestName = "manifest.json"
	prefix       = "snapshot-"
	unfinished   = "unfinished-"
	// keptSnapshots are two: the newest, and the one before in case it cannot be read.
	keptSnapshots = 2
)

// manifest says what a snapshot is.
type manifest struct {
	Position proto.Position `json:"position"`
	// Code is the version of the detectors, RuleSet the hash of the rule set in force: another version judges from the beginning.
	Code    string `json:"code"`
	RuleSet []byte `json:"rule_set"`
	Zone    string `json:"zone"`
	Marks   Marks  `json:"marks"`
	// Parts are the files, with their sizes; each carries sums of its own.
	Parts map[string]int64 `json:"parts"`
	// Spilled are the files of days that it refers to.
	Spilled []string `json:"spilled"`
}

func openStore(cfg Config, log *slog.Logger) (*store, error) {
	s := &store{dir: cfg.Dir, engine: cfg.Engine, code: detectors.CodeVersion, log: log}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory of detectors: %w", err)
	}
	return s, nil
}

// list names the snapshots, the newest first.
func (s *store) list() ([]string, error) {
	all, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	var out []string
	for _, e := range all {
		if e.IsDir() && strings.HasPrefix(e.Name(), prefix) {
			out = append(out, e.Name())
		}
	}
	slices.Sort(out)
	slices.Reverse(out)
	return out, nil
}

// restore makes an engine of the newest snapshot that is good; nil when there is none. What is left of one that was not finished is
// removed.
func (s *store) restore(ctx context.Context, marks Marks) (*detectors.Engine, error) {
	names, err := s.list()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		engine, err := s.read(name, marks)
		if err == nil {
			return engine, s.sweep(name, engine.Spilled())
		}
		s.log.WarnContext(ctx, "snapshot of detectors is of no use", slog.Any("err", err))
	}
	return nil, nil
}

// sweep removes what is left of snapshots that were not finished, those behind the one that is used, and the files that it does not
// need.
func (s *store) sweep(used string, spilled []string) error {
	all, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("sweep state of detectors: %w", err)
	}
	var errs []error
	for _, e := range all {
		if e.Name() != used && !slices.Contains(spilled, e.Name()) {
			errs = append(errs, os.RemoveAll(filepath.Join(s.dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// clear removes everything.
func (s *store) clear() error {
	if err := s.wait(); err != nil {
		s.failed = nil // it is made anew
	}
	return s.sweep("", nil)
}

// errNoUse says that a snapshot does not fit.
var errNoUse = errors.New("snapshot does not fit")

func (s *store) read(name string, marks Marks) (*detectors.Engine, error) {
	dir := filepath.Join(s.dir, name)
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	switch {
	case m.Code != s.code:
		return nil, fmt.Errorf("it was written by another version of the detectors: %w", errNoUse)
	case m.Zone != s.engine.Zone.String():
		return nil, fmt.Errorf("the site had another time zone: %w", errNoUse)
	case marks.before(m.Marks):
		return nil, fmt.Errorf("the streams hold less than it knows: %w", errNoUse)
	}
	engine, err := detectors.Restore(s.engine, func(part string) (io.ReadCloser, error) {
		file, err := os.Open(filepath.Join(dir, filepath.Base(part)))
		if err != nil {
			return nil, fmt.Errorf("open part: %w", err)
		}
		info, err := file.Stat()
		if err != nil || info.Size() != m.Parts[part] {
			_ = file.Close()
			return nil, fmt.Errorf("part %s is not as long as it was: %w", part, errors.Join(err, errNoUse))
		}
		return file, nil
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	if engine.Position() != m.Position || !slices.Equal(engine.RuleSet(), m.RuleSet) {
		return nil, fmt.Errorf("its parts are not of one snapshot: %w", errNoUse)
	}
	return engine, nil
}

func readManifest(dir string) (manifest, error) {
	var m manifest
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return m, fmt.Errorf("read manifest: %w", err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("read manifest: %w", err)
	}
	return m, nil
}

// saved is told what becomes of a snapshot.
type saved struct {
	stage func(string) error
	// stood is called when judging may go on, done when the snapshot is on disk, or is not.
	stood func()
	done  func(bytes int64, err error)
}

// save writes a snapshot. It returns when the engine may go on; the files are synced and renamed behind its back.
func (s *store) save(e *detectors.Engine, marks Marks, unused []string, told saved) error {
	m := manifest{
		Position: e.Position(), Code: s.code, RuleSet: e.RuleSet(), Zone: s.engine.Zone.String(), Marks: marks, Parts: map[string]int64{},
		Spilled: e.Spilled(),
	}
	s.left = append(s.left, unused...) // whatever becomes of this snapshot
	name := fmt.Sprintf("%s%020d", prefix, uint64(m.Position))
	work := filepath.Join(s.dir, unfinished+name)
	files, err := s.write(e, work, &m)
	told.stood()
	if err != nil {
		closeAll(files)
		told.done(0, err)
		return errors.Join(os.RemoveAll(work), told.stage("snapshot failed"))
	}
	if err := told.stage("snapshot written"); err != nil {
		closeAll(files)
		return err
	}
	done := make(chan struct{})
	s.writing = done
	go func() {
		defer close(done)
		bytes, err := s.finish(files, work, name, m, told.stage)
		if err == nil {
			s.left, err = s.drop(s.left)
		}
		s.failed = nil
		if errors.Is(err, errStage) {
			s.failed = err
		}
		told.done(bytes, err)
	}()
	return nil
}

// errStage marks what a test's stage returned.
var errStage = errors.New("stopped at a stage")

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// write writes the parts side by side.
func (s *store) write(e *detectors.Engine, work string, m *manifest) ([]*os.File, error) {
	if err := os.RemoveAll(work); err != nil {
		return nil, fmt.Errorf("make snapshot: %w", err)
	}
	if err := os.MkdirAll(work, 0o700); err != nil {
		return nil, fmt.Errorf("make snapshot: %w", err)
	}
	parts := e.Parts()
	files := make([]*os.File, 0, len(parts))
	for _, p := range parts {
		file, err := os.OpenFile(filepath.Join(work, p.Name), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return files, fmt.Errorf("make snapshot: %w", err)
		}
		files = append(files, file)
	}
	var all errgroup.Group
	for i, p := range parts {
		all.Go(func() error { return p.Write(files[i]) })
	}
	if err := all.Wait(); err != nil {
		return files, err //nolint:wrapcheck // says what failed
	}
	for i, p := range parts {
		info, err := files[i].Stat()
		if err != nil {
			return files, fmt.Errorf("make snapshot: %w", err)
		}
		m.Parts[p.Name] = info.Size()
	}
	return files, nil
}

// finish brings the parts to disk, then the manifest, then the name.
func (s *store) finish(files []*os.File, work, name string, m manifest, stage func(string) error) (int64, error) {
	var errs []error
	bytes := int64(0)
	for _, f := range files {
		errs = append(errs, f.Sync(), f.Close())
	}
	for _, p := range m.Parts {
		bytes += p
	}
	if err := errors.Join(errs...); err != nil {
		return 0, fmt.Errorf("sync snapshot: %w", err)
	}
	if err := stage("parts synced"); err != nil {
		return 0, fmt.Errorf("%w: %w", errStage, err)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		err = writeDurably(filepath.Join(work, manifestName), text)
	}
	if err == nil {
		err = syncDir(work)
	}
	if err != nil {
		return 0, fmt.Errorf("write manifest: %w", err)
	}
	if err := stage("manifest written"); err != nil {
		return 0, fmt.Errorf("%w: %w", errStage, err)
	}
	if err := os.RemoveAll(filepath.Join(s.dir, name)); err != nil {
		return 0, fmt.Errorf("name snapshot: %w", err)
	}
	if err := os.Rename(work, filepath.Join(s.dir, name)); err != nil {
		return 0, fmt.Errorf("name snapshot: %w", err)
	}
	if err := syncDir(s.dir); err != nil {
		return 0, fmt.Errorf("name snapshot: %w", err)
	}
	if err := stage("snapshot named"); err != nil {
		return 0, fmt.Errorf("%w: %w", errStage, err)
	}
	return bytes, nil
}

// drop removes old snapshots, and the files of days that none of the others refers to.
func (s *store) drop(unused []string) (left []string, err error) {
	names, err := s.list()
	if err != nil {
		return unused, err
	}
	var errs []error
	for _, name := range names[min(keptSnapshots, len(names)):] {
		errs = append(errs, os.RemoveAll(filepath.Join(s.dir, name)))
	}
	needed := map[string]bool{}
	for _, name := range names[:min(keptSnapshots, len(names))] {
		m, err := readManifest(filepath.Join(s.dir, name))
		if err != nil {
			return unused, errors.Join(append(errs, err)...)
		}
		for _, file := range m.Spilled {
			needed[file] = true
		}
	}
	for _, name := range unused {
		if needed[name] {
			left = append(left, name)
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return left, errors.Join(errs...)
}

// busy reports whether a snapshot is still being written.
func (s *store) busy() bool {
	if s.writing == nil {
		return false
	}
	select {
	case <-s.writing:
		return false
	default:
		return true
	}
}

// wait waits for the snapshot that is being written.
func (s *store) wait() error {
	if s == nil || s.writing == nil {
		return nil
	}
	<-s.writing
	return s.failed
}

func writeDurably(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Sync(), file.Close())
}

func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	return errors.Join(file.Sync(), file.Close())
}
