package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"github.com/readtrail/readtrail/proto"
)

// sighting is what the index knows of an event id: where it stands first, and a check of what it says.
type sighting struct {
	position proto.Position
	content  [proto.ContentCheckSize]byte
}

// mark says up to which batch the index is complete, and which batch that was: another journal has another root there.
type mark struct {
	sequence uint64
	root     proto.Hash
}

// seen is the index of event ids. Its key is the whole id (4 bytes of event second, 16 of hash), so two events are taken
// for one only if SHA-256 cut to 128 bits collides; ids of a time lie together, so that a feed touches few blocks.
// It has no write-ahead log: every write carries the mark, so that after a crash it is a whole, older index, and the
// journal brings it up to date.
type seen struct {
	db  *pebble.DB
	dir string
	log *slog.Logger
	// broken is set by the first error: the index is opened again, or rebuilt, before it is used for another append.
	broken atomic.Bool
	shut   atomic.Bool
}

const (
	sightingSize = 8 + proto.ContentCheckSize
	markSize     = 8 + 32
	// memTable bounds what a crash leaves to replay: about 200,000 ids, a few seconds.
	memTable = 8 << 20
	// bloomBits an id: one look-up in a hundred for an unknown id reads a block in vain.
	bloomBits = 10
	// suspectFile beside the index says that it must be rebuilt.
	suspectFile = "suspect"
)

func markKey() []byte { return []byte("mark") }

// openSeen opens the index in dir, empty where it is absent, unreadable or suspect: the caller replays the journal.
func openSeen(dir string, cache int64, log *slog.Logger) (*seen, error) {
	if _, err := os.Stat(filepath.Join(dir, suspectFile)); err == nil {
		log.Warn("index of seen events is suspect and is rebuilt from the journal")
		if err := os.RemoveAll(dir); err != nil {
			return nil, fmt.Errorf("remove suspect index: %w", err)
		}
	}
	s, err := openPebble(dir, cache, log)
	if err == nil {
		return s, nil
	}
	log.Warn("index of seen events cannot be opened and is rebuilt from the journal", slog.Any("err", err))
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("remove unreadable index: %w", err)
	}
	if s, err = openPebble(dir, cache, log); err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	return s, nil
}

func openPebble(dir string, cache int64, log *slog.Logger) (*seen, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make index directory: %w", err)
	}
	blocks := pebble.NewCache(cache)
	defer blocks.Unref()
	s := &seen{dir: dir, log: log}
	listener := pebble.EventListener{
		DataCorruption: func(pebble.DataCorruptionInfo) { suspect(dir) },
		BackgroundError: func(err error) {
			log.Warn("index of seen events cannot write", slog.Any("err", err))
		},
	}
	opts := &pebble.Options{
		DisableWAL: true, Cache: blocks, MemTableSize: memTable, MaxOpenFiles: 500,
		FormatMajorVersion: pebble.FormatNewest, Logger: indexLog{log: log, dir: dir}, EventListener: &listener,
	}
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	s.db = db
	return s, nil
}

// suspect makes the next start rebuild the index. It is best effort: without it the start meets the same corruption.
func suspect(dir string) {
	_ = os.WriteFile(filepath.Join(dir, suspectFile), nil, 0o600)
}

func (s *seen) get(id proto.EventID) (sighting, bool, error) {
	value, closer, err := s.db.Get(id[:])
	if errors.Is(err, pebble.ErrNotFound) {
		return sighting{}, false, nil
	}
	if err != nil {
		return sighting{}, false, s.fault("look up in index", err)
	}
	defer closer.Close() // releases a block of the cache
	if len(value) != sightingSize {
		return sighting{}, false, s.fault("look up in index", fmt.Errorf("value of %d bytes: %w", len(value), pebble.ErrCorruption))
	}
	return decodeSighting(value), true, nil
}

func decodeSighting(value []byte) sighting {
	out := sighting{position: proto.Position(binary.BigEndian.Uint64(value))}
	copy(out.content[:], value[8:])
	return out
}

// fewIDs are looked up one by one.
const fewIDs = 16

// find looks ids up together and returns what is known of them; the ids are sorted. In their order, one pass reads few blocks and
// opens each file once: a quarter of what as many gets take.
func (s *seen) find(ids []proto.EventID) (map[proto.EventID]sighting, error) {
	known := map[proto.EventID]sighting{}
	if len(ids) < fewIDs {
		for _, id := range ids {
			if at, ok, err := s.get(id); err != nil {
				return nil, err
			} else if ok {
				known[id] = at
			}
		}
		return known, nil
	}
	slices.SortFunc(ids, func(a, b proto.EventID) int { return bytes.Compare(a[:], b[:]) })
	it, err := s.db.NewIter(nil)
	if err != nil {
		return nil, s.fault("look up in index", err)
	}
	for i := range ids {
		if !it.SeekPrefixGE(ids[i][:]) { // the whole key is its prefix
			continue
		}
		value, err := it.ValueAndErr()
		if err == nil && len(value) != sightingSize {
			err = fmt.Errorf("value of %d bytes: %w", len(value), pebble.ErrCorruption)
		}
		if err != nil {
			return nil, s.fault("look up in index", errors.Join(err, it.Close()))
		}
		known[ids[i]] = decodeSighting(value)
	}
	// An error of the pass, too, is told here: until then it may have looked as if an id were not known.
	if err := it.Close(); err != nil {
		return nil, s.fault("look up in index", err)
	}
	return known, nil
}

// put records one batch: its sightings and the mark, all or nothing.
func (s *seen) put(m mark, ids []proto.EventID, at []sighting) error {
	batch := s.db.NewBatchWithSize(len(ids)*(proto.EventIDSize+sightingSize+4) + 128)
	defer batch.Close() //nolint:errcheck // memory only
	var value [sightingSize]byte
	for i, id := range ids {
		binary.BigEndian.PutUint64(value[:], uint64(at[i].position))
		copy(value[8:], at[i].content[:])
		if err := batch.Set(id[:], value[:], nil); err != nil {
			return s.fault("write index", err)
		}
	}
	var encoded [markSize]byte
	binary.BigEndian.PutUint64(encoded[:], m.sequence)
	copy(encoded[8:], m.root[:])
	if err := batch.Set(markKey(), encoded[:], nil); err != nil {
		return s.fault("write index", err)
	}
	if err := batch.Commit(pebble.NoSync); err != nil {
		return s.fault("write index", err)
	}
	return nil
}

// learn enters a batch that was read from the journal. An id that is known keeps its first position.
func (s *seen) learn(b *proto.Batch) error {
	items, err := b.Items()
	if err != nil {
		return err
	}
	var ids, fresh []proto.EventID
	var at, first []sighting
	for i, it := range items {
		if len(it.Content) != proto.ContentCheckSize {
			continue // it has no id
		}
		id, err := proto.ItemID(it)
		if err != nil || id.IsZero() {
			return fmt.Errorf("item %d of batch %d has a content check and no id: %w", i, b.Sequence(), proto.ErrCorrupt)
		}
		ids = append(ids, id)
		at = append(at, sighting{position: b.Position(i), content: [proto.ContentCheckSize]byte(it.Content)})
	}
	known, err := s.find(slices.Clone(ids))
	if err != nil {
		return err
	}
	for i, id := range ids {
		if _, ok := known[id]; !ok {
			fresh, first = append(fresh, id), append(first, at[i])
		}
	}
	return s.put(mark{b.Sequence(), proto.Hash(b.Head.Root)}, fresh, first)
}

// mark returns how far the index goes; the zero mark for an empty one.
func (s *seen) mark() (mark, error) {
	value, closer, err := s.db.Get(markKey())
	if errors.Is(err, pebble.ErrNotFound) {
		return mark{}, nil
	}
	if err != nil {
		return mark{}, s.fault("read index mark", err)
	}
	defer closer.Close() // releases a block of the cache
	if len(value) != markSize {
		return mark{}, s.fault("read index mark", fmt.Errorf("%d bytes: %w", len(value), pebble.ErrCorruption))
	}
	m := mark{sequence: binary.BigEndian.Uint64(value)}
	copy(m.root[:], value[8:])
	return m, nil
}

// fault remembers that the index failed; a corrupt one is rebuilt when it is opened next.
func (s *seen) fault(doing string, err error) error {
	s.broken.Store(true)
	if pebble.IsCorruptionError(err) {
		suspect(s.dir)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// close makes everything durable: without a write-ahead log that is a flush. It may be called again.
func (s *seen) close() error {
	if s.shut.Swap(true) {
		return nil
	}
	err := s.db.Flush()
	if err := errors.Join(err, s.db.Close()); err != nil {
		return fmt.Errorf("close index: %w", err)
	}
	return nil
}

// indexLog passes on what pebble has to say. Pebble calls Fatalf where it cannot go on, and must not return from it:
// the process ends, the next start rebuilds the index, and nothing that was acknowledged is lost.
type indexLog struct {
	log *slog.Logger
	dir string
}

func (l indexLog) Infof(string, ...any) {}

func (l indexLog) Errorf(format string, args ...any) {
	l.log.Log(context.Background(), slog.LevelError, "index of seen events", slog.String("text", fmt.Sprintf(format, args...)))
}

func (l indexLog) Fatalf(format string, args ...any) {
	suspect(l.dir)
	l.Errorf(format, args...)
	panic("index of seen events: " + fmt.Sprintf(format, args...))
}
