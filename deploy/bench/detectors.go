package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	decoding "github.com/readtrail/readtrail/deploy/dataset"
	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/evaluation"
	"github.com/readtrail/readtrail/ingest/simulate"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// thinned is how many events there are to one that the large hospital's state is made of: what lasts is kept by reader, by pair and
// by day, and each reader still has a few events a day. The days that are open are counted as if all events were there.
const thinned = 20

// detect measures the detectors: in this process, because what a journal and its followers cost has figures of its own.
func (b *bench) detect(ctx context.Context) error {
	for _, of := range []struct {
		figures []string
		measure func(context.Context) error
	}{
		{[]string{figDetect}, b.judging},
		{[]string{figDetectState, figDetectSnapshot, figDetectRestore}, b.remembering},
		{[]string{figAlert}, b.alerting},
	} {
		if !b.wants("detectors", of.figures) {
			continue
		}
		if err := of.measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

// fed is an engine with a simulated hospital on its way into it.
type fed struct {
	engine *detectors.Engine
	sim    *simulate.Hospital
	zone   *time.Location
	codec  *proto.Codec
	// sequence is that of the last batch, out counts what came out.
	sequence   uint64
	out, bytes int
}

func feed(cfg simulate.Config, dir string) (*fed, error) {
	sim, err := simulate.NewHospital(cfg)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	f := &fed{sim: sim, zone: sim.Config().Zone}
	if f.codec, err = proto.NewCodec(nil); err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	f.engine, err = detectors.NewEngine(f.config(dir))
	return f, err //nolint:wrapcheck // says what failed
}

func (f *fed) config(dir string) detectors.EngineConfig {
	return detectors.EngineConfig{
		Zone: f.zone, Dir: dir,
		Parse: func(*v1.RuleSet) (detectors.Settings, error) { return detectors.Settings{LearningDays: 7}, nil },
	}
}

// day is the beginning of a local day.
func (f *fed) day(n int) time.Time {
	from, _ := f.sim.Range()
	from = from.In(f.zone)
	return time.Date(from.Year(), from.Month(), from.Day()+n, 0, 0, 0, 0, f.zone)
}

// decodeInto decodes lines and hands over the items in parts.
func (f *fed) decodeInto(ctx context.Context, name string, lines iter.Seq[[]byte], size int, take func([]*v1.Item) error) error {
	var part []*v1.Item
	flush := func(text []byte) error {
		err := decoding.Decode(ctx, evaluation.File{Path: name, Body: bytes.NewReader(text)}, f.zone,
			func(item *v1.Item, _ *v1.FreeText) error {
				part = append(part, item)
				return nil
			})
		if err != nil || len(part) == 0 {
			return err //nolint:wrapcheck // says what failed
		}
		err = take(part)
		part = nil
		return err
	}
	var text []byte
	n := 0
	for l := range lines {
		text = append(append(text, l...), '\n')
		if n++; n%size == 0 {
			if err := flush(text); err != nil {
				return err
			}
			text = text[:0]
		}
	}
	return flush(text)
}

// apply makes a batch of items and has it judged. It returns the processor time that judging took.
func (f *fed) apply(ctx context.Context, at time.Time, items ...*v1.Item) (time.Duration, error) {
	in := make([]proto.BatchItem, len(items))
	for i, it := range items {
		var err error
		if in[i], err = proto.NewBatchItem(it, "", nil); err != nil {
			return 0, err //nolint:wrapcheck // says what failed
		}
	}
	f.sequence++
	data, err := f.codec.Encode(f.sequence, at, in)
	if err != nil {
		return 0, err //nolint:wrapcheck // says what failed
	}
	b, err := f.codec.Opened(f.sequence, data, in)
	if err != nil {
		return 0, err //nolint:wrapcheck // says what failed
	}
	begin := usedHere()
	err = f.engine.Apply(ctx, b, func(o detectors.Output) error {
		f.out++
		if o.Findings != nil {
			f.bytes += o.Findings.SizeVT()
		} else {
			f.bytes += o.Alert.SizeVT()
		}
		return nil
	})
	return usedHere() - begin, err //nolint:wrapcheck // says what failed
}

// usedHere is the processor time of this process.
func usedHere() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func resources(all iter.Seq[simulate.Resource]) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for r := range all {
			if !yield(r.JSON) {
				return
			}
		}
	}
}

func events(all iter.Seq[simulate.Event], every int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		n := 0
		for e := range all {
			if n++; n%every == 0 && !yield(e.JSON) {
				return
			}
		}
	}
}

func (f *fed) tick(ctx context.Context, at time.Time) (time.Duration, error) {
	return f.apply(ctx, at, &v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: at.UnixMicro()}}})
}

// begin writes the rule set, and what is known when it all begins.
func (f *fed) begin(ctx context.Context) error {
	at := f.day(0)
	if _, err := f.apply(ctx, at, &v1.Item{Body: &v1.Item_RuleSet{RuleSet: &v1.RuleSet{Hash: make([]byte, 16)}}}); err != nil {
		return err
	}
	take := func(items []*v1.Item) error {
		_, err := f.apply(ctx, at, items...)
		return err
	}
	if err := f.decodeInto(ctx, "people.ndjson", resources(f.sim.People()), 1000, take); err != nil {
		return err
	}
	for day := -24; day < 0; day++ {
		if err := f.decodeInto(ctx, "care.ndjson", resources(f.sim.Care(day)), 1000, take); err != nil {
			return err
		}
	}
	_, err := f.tick(ctx, at)
	return err
}

// live writes a day, with a tick a minute; every says which events of it there are. It returns the processor time of all but context.
func (f *fed) live(ctx context.Context, day, every int) (used time.Duration, n int, err error) {
	at := f.day(day)
	if err := f.decodeInto(ctx, "care.ndjson", resources(f.sim.Care(day)), 1000, func(items []*v1.Item) error {
		_, err := f.apply(ctx, at, items...)
		return err
	}); err != nil {
		return 0, 0, err
	}
	minute := at
	err = f.decodeInto(ctx, "AuditEvent.ndjson", events(f.sim.Events(day), every), 250, func(items []*v1.Item) error {
		last := time.UnixMicro(items[len(items)-1].GetAccess().GetOccurredUs())
		for minute.Add(time.Minute).Before(last) {
			minute = minute.Add(time.Minute)
			took, err := f.tick(ctx, minute)
			if err != nil {
				return err
			}
			used += took
		}
		n += len(items)
		took, err := f.apply(ctx, last, items...)
		used += took
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	took, err := f.tick(ctx, f.day(day+1))
	return used + took, n, err
}

// judging measures the processor time of an event in a hospital that is known.
func (b *bench) judging(ctx context.Context) error {
	f, err := feed(simulate.Config{Seed: 1, Staff: b.size.judged / 10, Patients: b.size.judged, Days: 16, Incidents: 60}, "")
	if err != nil {
		return err
	}
	if err := f.begin(ctx); err != nil {
		return err
	}
	var used time.Duration
	n := 0
	for day := range 16 {
		took, events, err := f.live(ctx, day, 1)
		if err != nil {
			return err
		}
		if day > 8 { // behind the learning days and the day of grace
			used, n = used+took, n+events
		}
	}
	s := f.engine.Stats()
	if s.Learning || n == 0 {
		return errors.New("nothing was judged")
	}
	b.add(figDetect, float64(n)/used.Seconds(), "%.1f us of processor time an event, all detectors on, context and decoding apart; %s events of %d readers",
		float64(used.Microseconds())/float64(n), number(float64(n)), s.Readers)
	return nil
}

// remembering measures what the engine of a large hospital holds, and how long it takes to keep and to restore.
func (b *bench) remembering(ctx context.Context) (err error) {
	dir, err := b.folder("detectors")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.done(dir)) }()
	before := heap()
	f, err := feed(simulate.Config{
		Seed: 2, Staff: b.size.readers, Patients: b.size.records, Days: b.size.days, Incidents: b.size.days * 2,
	}, dir)
	if err != nil {
		return err
	}
	b.say("a hospital of %d readers and %d records", b.size.readers, b.size.records)
	if err := f.begin(ctx); err != nil {
		return err
	}
	for day := range b.size.days {
		if _, _, err := f.live(ctx, day, thinned); err != nil {
			return err
		}
		if done := day + 1; done%10 == 0 {
			b.say("%d of %d days judged", done, b.size.days)
		}
	}
	f.sim, f.codec = nil, nil
	s := f.engine.Stats()
	held := heap() - before + float64(s.OpenAccesses)*(thinned-1)*100 // 80 bytes an access, 8 of its chain, its share of maps
	scale := 20_000 / float64(b.size.readers)
	b.add(figDetectState, held*scale/1e6, "%.0f MB for %s readers, %s records, %d days; one event in %d, the open days counted in full; times %.0f",
		held/1e6, number(float64(b.size.readers)), number(float64(b.size.records)), b.size.days, thinned, scale)
	stood, kept, size, err := keep(f.engine, dir)
	if err != nil {
		return err
	}
	b.add(figDetectSnapshot, kept.Seconds()*scale, "%.0f MB, of which judging stood still for %.2f s; times %.0f", float64(size)/1e6, stood.Seconds(), scale)
	cfg := f.config(dir)
	f.engine = nil
	runtime.GC()
	begin, used := time.Now(), usedHere()
	if _, err := detectors.Restore(cfg, func(name string) (io.ReadCloser, error) { return os.Open(filepath.Join(dir, name)) }); err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	b.add(figDetectRestore, time.Since(begin).Seconds()*scale, "%.2f s of processor time; times %.0f", (usedHere() - used).Seconds(), scale)
	return nil
}

func heap() float64 {
	runtime.GC()
	runtime.GC() // what lies in pools outlives one collection
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// keep writes a snapshot as the detectors do: all parts at the same time, then to disk.
func keep(e *detectors.Engine, dir string) (stood, kept time.Duration, size int64, err error) {
	begin := time.Now()
	parts := e.Parts()
	files, failed := make([]*os.File, len(parts)), make(chan error, len(parts))
	for i, p := range parts {
		if files[i], err = os.Create(filepath.Join(dir, p.Name)); err != nil {
			return 0, 0, 0, fmt.Errorf("make part: %w", err)
		}
		go func() { failed <- p.Write(files[i]) }()
	}
	for range parts {
		err = errors.Join(err, <-failed)
	}
	stood = time.Since(begin)
	for _, f := range files {
		info, statErr := f.Stat()
		if err = errors.Join(err, statErr, f.Sync(), f.Close()); err != nil {
			return 0, 0, 0, fmt.Errorf("keep part: %w", err)
		}
		size += info.Size()
	}
	return stood, time.Since(begin), size, nil
}
