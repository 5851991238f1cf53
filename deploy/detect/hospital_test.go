package detect_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/readtrail/readtrail/deploy/dataset"
	"github.com/readtrail/readtrail/detectors/evaluation"
	"github.com/readtrail/readtrail/detectors/ruleset"
	"github.com/readtrail/readtrail/ingest/simulate"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// entry is an item with what is sealed beside it.
type entry struct {
	item *v1.Item
	free *v1.FreeText
}

// hospital is a simulated hospital as a journal would hold it: batches by the time at which they were received.
type hospital struct {
	tb      testing.TB
	sim     *simulate.Hospital
	zone    *time.Location
	codec   *proto.Codec
	keys    *proto.KeyRing
	batches []*proto.Batch
	// labelled are the events that are truly inappropriate, by id.
	labelled map[string]simulate.Label
	// midways are engines on the way through it, if tests share it, or through the one that it is a copy of.
	midways []*midway
	// reading is what was read of the simulated one, if several hospitals of one are made.
	reading *reading
}

// reading keeps what was read, by what it is. Nobody changes it.
type reading struct {
	mu  sync.Mutex
	all map[string][]entry
}

// again is a hospital of the same people and days without a batch, which reads them once for all that are made of one.
func (h *hospital) again(tb testing.TB) *hospital {
	out := *h
	out.tb, out.batches, out.midways = tb, nil, nil
	return &out
}

// once reads what is not kept yet.
func (h *hospital) once(what string, read func() []entry) []entry {
	if h.reading == nil {
		return read()
	}
	h.reading.mu.Lock()
	defer h.reading.mu.Unlock()
	out, have := h.reading.all[what]
	if !have {
		out = read()
		h.reading.all[what] = out
	}
	return out
}

func newHospital(tb testing.TB, cfg simulate.Config) *hospital {
	tb.Helper()
	h := &hospital{tb: tb, labelled: map[string]simulate.Label{}}
	var err error
	if h.sim, err = simulate.NewHospital(cfg); err != nil {
		tb.Fatal(err)
	}
	h.zone = h.sim.Config().Zone
	if h.keys, err = proto.OpenKeyRing(tb.TempDir(), make([]byte, 32)); err != nil {
		tb.Fatal(err)
	}
	if h.codec, err = proto.NewCodec(h.keys); err != nil {
		tb.Fatal(err)
	}
	return h
}

// start is the beginning of a local day.
func (h *hospital) start(day int) time.Time {
	from, _ := h.sim.Range()
	from = from.In(h.zone)
	return time.Date(from.Year(), from.Month(), from.Day()+day, 0, 0, 0, 0, h.zone)
}

// add puts entries behind the last batch, at most 1,000 in one.
func (h *hospital) add(at time.Time, entries ...entry) {
	h.tb.Helper()
	for part := range slices.Chunk(entries, 1000) {
		items := make([]proto.BatchItem, len(part))
		for i, e := range part {
			items[i] = h.item(e)
		}
		sequence := uint64(len(h.batches) + 1)
		data, err := h.codec.Encode(sequence, at, items)
		if err != nil {
			h.tb.Fatal(err)
		}
		b, err := h.codec.Decode(sequence, data)
		if err != nil {
			h.tb.Fatal(err)
		}
		h.batches = append(h.batches, b)
	}
}

// item is an entry on its way into a batch.
func (h *hospital) item(e entry) proto.BatchItem {
	h.tb.Helper()
	var sealed *v1.SealedItem
	if e.free != nil {
		sealed = &v1.SealedItem{FreeText: e.free}
	}
	out, err := proto.NewBatchItem(e.item, "simulated", sealed)
	if err != nil {
		h.tb.Fatal(err)
	}
	return out
}

func (h *hospital) decode(name string, body []byte) []entry {
	h.tb.Helper()
	var out []entry
	err := dataset.Decode(context.Background(), evaluation.File{Path: name, Body: bytes.NewReader(body)}, h.zone,
		func(item *v1.Item, free *v1.FreeText) error {
			out = append(out, entry{item, free})
			return nil
		})
	if err != nil {
		h.tb.Fatal(err)
	}
	return out
}

func lines(all func(func(simulate.Resource) bool)) []byte {
	var b bytes.Buffer
	for r := range all {
		b.Write(r.JSON)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// leftOut are entries without those of a type of resource.
func leftOut(all []entry, without string) []entry {
	if without == "" {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(e entry) bool { return e.item.GetContext().GetResourceType() == without })
}

// people is the house: everybody, and what delimited text says of them.
func (h *hospital) people(without string) []entry {
	out := slices.Clone(leftOut(h.once("people", func() []entry { return h.decode("people.ndjson", lines(h.sim.People())) }), without))
	for _, table := range simulate.Tables() {
		if table != without {
			out = append(out, h.once(table, func() []entry { return h.table(table) })...)
		}
	}
	return out
}

func (h *hospital) table(name string) (out []entry) {
	h.tb.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(h.sim.Table(name)); err != nil {
		h.tb.Fatal(err)
	}
	mapping, err := simulate.Mapping(name)
	if err != nil {
		h.tb.Fatal(err)
	}
	err = dataset.Decode(context.Background(), evaluation.File{Path: name, Mapping: mapping, Body: &b}, h.zone,
		func(item *v1.Item, free *v1.FreeText) error {
			out = append(out, entry{item, free})
			return nil
		})
	if err != nil {
		h.tb.Fatal(err)
	}
	return out
}

// care is what is documented of a day.
func (h *hospital) care(day int, without string) []entry {
	return leftOut(h.once(fmt.Sprint("care ", day), func() []entry { return h.decode("care.ndjson", lines(h.sim.Care(day))) }), without)
}

// events are those of a day, in order of time.
func (h *hospital) events(day int) []entry {
	return h.once(fmt.Sprint("events ", day), func() []entry { return h.someEvents(day, func([]byte) bool { return true }) })
}

// someEvents are those of a day that are kept, of which it is asked what they look like in the record system.
func (h *hospital) someEvents(day int, keep func(json []byte) bool) []entry {
	h.tb.Helper()
	var b bytes.Buffer
	for e := range h.sim.Events(day) {
		if !keep(e.JSON) {
			continue
		}
		b.Write(e.JSON)
		b.WriteByte('\n')
		if e.Label.Scenario != "" {
			h.labelled[e.ID] = e.Label
		}
	}
	return h.decode("AuditEvent.ndjson", b.Bytes())
}

func tick(at time.Time) entry {
	return entry{item: &v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: at.UnixMicro()}}}}
}

func ruleSet(tb testing.TB, change func(*ruleset.Config)) *v1.RuleSet {
	tb.Helper()
	cfg := ruleset.Config{
		TimeZone: simulate.DefaultZone, Budget: 20, Threshold: 220, LearningDays: 5, Grace: 24 * time.Hour, Recheck: 7 * 24 * time.Hour,
		Sample: 2, MaxAge: map[string]time.Duration{"care": 7 * 24 * time.Hour},
	}
	if change != nil {
		change(&cfg)
	}
	rs, err := ruleset.Make(cfg, "", "os:test")
	if err != nil {
		tb.Fatal(err)
	}
	return rs
}

func (h *hospital) rules(at time.Time, rs *v1.RuleSet) {
	h.add(at, entry{item: &v1.Item{Body: &v1.Item_RuleSet{RuleSet: rs}}})
}

// live writes days as they come: events every few minutes, ticks every hour, what was charted in the evening.
func (h *hospital) live(from, until int, without string) {
	for day := from; day < until; day++ {
		h.liveDay(day, h.care(day, without))
	}
}

func (h *hospital) liveDay(day int, care []entry) {
	events, next := h.events(day), 0
	for hour := range 24 {
		at := h.start(day).Add(time.Duration(hour+1) * time.Hour)
		first := next
		for next < len(events) && events[next].item.GetAccess().GetOccurredUs() < at.UnixMicro() {
			next++
		}
		for part := range slices.Chunk(events[first:next], 100) {
			last := part[len(part)-1].item.GetAccess().GetOccurredUs()
			h.add(time.UnixMicro(last).Add(time.Second), part...)
		}
		if hour == 20 {
			h.add(at, care...)
		}
		h.add(at, tick(at))
	}
}

// copy is a hospital of the same batches, to which others can be added.
func (h *hospital) copy(tb testing.TB) *hospital {
	out := *h
	out.tb, out.batches, out.midways = tb, slices.Clone(h.batches), slices.Clip(h.midways)
	return &out
}

// arrival is what comes in at a time.
type arrival struct {
	at      time.Time
	entries []entry
}

// after puts entries behind the batches that were received at or before a time, and moves the others up.
func (h *hospital) after(at time.Time, entries ...entry) {
	h.tb.Helper()
	h.insert(arrival{at, entries})
}

// insert is after for several times, and moves each batch once.
func (h *hospital) insert(all ...arrival) {
	h.tb.Helper()
	all = slices.DeleteFunc(slices.Clone(all), func(a arrival) bool { return len(a.entries) == 0 })
	slices.SortStableFunc(all, func(a, b arrival) int { return a.at.Compare(b.at) })
	var rest []*proto.Batch // of those behind the first arrival, what has not moved
	for i, a := range all {
		if i == 0 {
			n := receivedBy(h.batches, a.at)
			rest = slices.Clone(h.batches[n:])
			h.batches = h.batches[:n]
		}
		n := receivedBy(rest, a.at)
		h.move(rest[:n])
		rest = rest[n:]
		h.add(a.at, a.entries...)
	}
	h.move(rest)
}

// receivedBy counts the batches up to the last one that was received at or before a time.
func receivedBy(batches []*proto.Batch, at time.Time) int {
	n := len(batches)
	for n > 0 && batches[n-1].Head.ReceivedUs > at.UnixMicro() {
		n--
	}
	return n
}

// move puts what batches hold behind the last batch, as the journal would have it there. What was read of them is not read again.
func (h *hospital) move(batches []*proto.Batch) {
	h.tb.Helper()
	for _, b := range batches {
		held, err := b.Items()
		if err != nil {
			h.tb.Fatal(err)
		}
		items := make([]proto.BatchItem, len(held))
		for k, item := range held {
			var free *v1.FreeText
			if sealed, err := b.Original(k); err == nil {
				free = sealed.GetFreeText()
			}
			items[k] = h.item(entry{item, free})
		}
		sequence := uint64(len(h.batches) + 1)
		data, err := h.codec.Encode(sequence, b.Received(), items)
		if err != nil {
			h.tb.Fatal(err)
		}
		moved, err := h.codec.Opened(sequence, data, items)
		if err != nil {
			h.tb.Fatal(err)
		}
		h.batches = append(h.batches, moved)
	}
}

// before writes what was known when it all began.
func (h *hospital) before(without string) {
	at := h.start(0)
	h.add(at, h.people(without)...)
	for day := -24; day < 0; day++ {
		h.add(at, h.care(day, without)...)
	}
	h.add(at, tick(at))
}

// fortnight is a hospital of two weeks that tests share; they only read it. It has midways from the sixth day on, when the days before
// were studied.
var fortnight = sync.OnceValue(func() *hospital {
	tb := &quiet{}
	h := newHospital(tb, simulate.Config{Seed: 11, Staff: 150, Patients: 1500, Days: 14, Incidents: 45})
	h.rules(h.start(0), ruleSet(tb, nil))
	h.before("")
	h.live(0, 14, "")
	end := h.start(14)
	for hour := range 72 {
		at := end.Add(time.Duration(hour) * time.Hour)
		h.add(at, tick(at))
	}
	h.share(tb, h.start(5))
	return h
})
