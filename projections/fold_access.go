package projections

import (
	"math"
	"slices"
	"strconv"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// patientRow is one distinct patient of an event.
type patientRow struct {
	key                 uint64
	system, value, text string
}

// packs are the packed columns of the event's rows, and the values of its objects, which are searched for.
type packs struct {
	patient, reader, actor, labels, setting, objects []byte
	// parts and sensitivity are short: every row of the event may repeat them.
	parts, sensitivity []byte
	values             []string
	codes              uint64
}

// access folds an access event: a row for each distinct patient in both path tables, or one row when it names none.
func (f *folder) access(position uint64, e *v1.AccessEvent) {
	readerSystem, readerValue := ReaderIdentifier(e)
	a := accessFacts{
		position: position, event: e, occurred: occurredOf(e, f.out.received), readerSystem: readerSystem,
		readerValue: readerValue, readerKey: ReaderKey(readerSystem, readerValue),
		importKey: ImportKey(e.ImportId), pairKey: PairKey(e.RequestId), groupKey: GroupKey(readerGroup(e.Reader)),
	}
	f.out.live = f.out.live || len(e.ImportId) == 0
	f.distinctPatients(e)
	if f.accesses {
		f.lists(e)
		f.facts(&a)
		for i := range f.patients {
			f.byPatient(&a, i)
			f.byReader(&a, i)
			if i == 0 {
				f.shorten()
			}
		}
		f.identities(position, e)
		f.groups(&a)
		f.places(&a)
	}
	if f.rollups {
		f.extent(&a)
		for _, p := range f.patients {
			f.out.touches = append(f.out.touches, touchRow{
				reader: a.readerKey, patient: p.key, occurred: a.occurred, day: int32(dayOf(a.occurred)), position: position, breakGlass: e.BreakGlass,
			})
		}
	}
}

// accessFacts are what both path tables take from an event.
type accessFacts struct {
	position                  uint64
	event                     *v1.AccessEvent
	occurred                  int64
	readerSystem, readerValue string
	readerKey                 uint64
	importKey, pairKey        uint64
	groupKey                  uint64
}

// distinctPatients leaves the event's patients in f.patients, in the order that numbers them, and NoPatient alone when nobody is named.
func (f *folder) distinctPatients(e *v1.AccessEvent) {
	f.patients = f.patients[:0]
	f.named = proto.DistinctPatients(f.named[:0], e)
	for _, p := range f.named {
		row := patientRow{text: p.Text}
		if proto.Resolved(p) {
			row.system, row.value = p.Identifiers[0].System, p.Identifiers[0].Value
			row.key = PatientKey(row.system, row.value)
		} else {
			row.key = UnresolvedPatient
			f.out.unresolved = true
		}
		f.patients = append(f.patients, row)
	}
	if len(f.patients) == 0 {
		f.patients = append(f.patients, patientRow{})
	}
}

// distinct is a list without repetitions. Short lists are searched, long ones indexed: what a source sends is bounded in
// bytes only.
type distinct struct {
	list  []string
	index map[string]struct{}
}

const searchedLength = 16

func (d *distinct) reset() { d.list, d.index = d.list[:0], nil }

func (d *distinct) add(text string) {
	if len(d.list) < searchedLength {
		if !slices.Contains(d.list, text) {
			d.list = append(d.list, text)
		}
		return
	}
	if d.index == nil {
		d.index = make(map[string]struct{}, 2*searchedLength)
		for _, t := range d.list {
			d.index[t] = struct{}{}
		}
	}
	if _, ok := d.index[text]; !ok {
		d.index[text] = struct{}{}
		d.list = append(d.list, text)
	}
}

// maxRepeated bounds how many objects and labels the rows of one event repeat: 1,000 patients with 64 objects each. An
// event beyond it has them in its first row only; the journal has them all.
const maxRepeated = 64_000

// lists fills what every row of the event repeats.
func (f *folder) lists(e *v1.AccessEvent) {
	f.flags = append(f.flags[:0], e.Flags...)
	f.labels.reset()
	f.purposes.reset()
	f.types.reset()
	if f.conflict {
		f.flags = append(f.flags, FlagConflict)
	}
	for _, p := range e.Purposes {
		if text := codeOf(p); text != "" {
			f.purposes.add(text)
		}
	}
	for _, l := range e.Sensitivity {
		f.labels.add(l)
	}
	p := &f.packs
	p.objects, p.values = p.objects[:0], p.values[:0]
	for i, object := range e.Objects {
		for _, l := range object.Sensitivity {
			f.labels.add(l)
		}
		if object.Type != "" {
			f.types.add(object.Type)
		}
		p.objects = appendPacked(p.objects, i == 0, object.Type, object.Id.GetSystem(), object.Name, countText(object.Count))
		p.values = append(p.values, object.Id.GetValue())
	}
	p.parts, p.sensitivity = f.packList(p.parts[:0], f.types.list), f.packList(p.sensitivity[:0], f.labels.list)
	p.labels = p.labels[:0]
	for _, list := range []struct {
		mark   byte
		labels []string
	}{{LabelPurpose, f.purposes.list}, {LabelSensitivity, f.labels.list}, {LabelFlag, f.flags}} {
		for _, label := range list.labels {
			if len(p.labels) > 0 {
				p.labels = append(p.labels, packedSeparator)
			}
			p.labels = appendEscaped(append(p.labels, list.mark), label)
		}
	}
}

// Bounds of a packed list that every row of an event repeats.
const (
	maxListed      = 100
	maxListedBytes = 2000
)

// packList packs a list without repetitions, sorted, so that equal sets are equal texts.
func (f *folder) packList(to []byte, list []string) []byte {
	f.sorted = append(f.sorted[:0], list...)
	slices.Sort(f.sorted)
	for i, text := range f.sorted {
		if text == "" {
			continue
		}
		if i >= maxListed || len(to)+len(text) > maxListedBytes {
			break
		}
		to = appendPacked(to, len(to) == 0, text)
	}
	return to
}

// countText is an object's count; most state none.
func countText(n uint32) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(n), 10)
}

// shorten empties the lists after the first row of an event that would repeat too much.
func (f *folder) shorten() {
	elements := len(f.packs.values) + len(f.labels.list) + len(f.purposes.list) + len(f.flags)
	if elements*len(f.patients) <= maxRepeated {
		return
	}
	f.packs.objects, f.packs.values, f.packs.labels = f.packs.objects[:0], f.packs.values[:0], f.packs.labels[:0]
}

// facts packs what the rows of the event have in common.
func (f *folder) facts(a *accessFacts) {
	e, r, p := a.event, a.event.GetReader(), &f.packs
	p.actor = appendPacked(p.actor[:0], true, e.Source, a.readerSystem, a.readerValue, r.GetName(), r.GetRole().GetSystem(),
		r.GetRole().GetCode(), r.GetRole().GetDisplay(), r.GetDepartment())
	p.setting = appendPacked(p.setting[:0], true, e.ActionCode, nameOr(e.Application.GetName(), e.Application.GetId()),
		onBehalfOf(e.OnBehalfOf), e.Organization, e.Site, e.Workstation, e.NetworkAddress, e.Encounter.GetSystem())
	p.reader = appendPacked(p.reader[:0], true, a.readerSystem, a.readerValue)
	p.codes = Codes{
		Action: small(e.Action), Outcome: small(e.Outcome), Mode: small(e.Mode), ReaderType: small(r.GetType()),
		BreakGlass: e.BreakGlass, Patients: f.patientCount(),
	}.Number()
}

func (f *folder) byPatient(a *accessFacts, ordinal int) {
	w := f.row(accessesByPatient, a.position)
	if w == nil {
		return
	}
	e, p := a.event, &f.patients[ordinal]
	f.packs.patient = appendPacked(f.packs.patient[:0], true, p.system, p.value, p.text)
	w.u64(p.key)
	w.time(a.occurred)
	w.u64(a.position)
	w.u16(proto.PatientNumber(ordinal))
	w.bytes(f.packs.patient)
	w.time(f.out.received)
	w.i64(recordedDelay(e, a.occurred))
	w.u64(f.packs.codes)
	w.bytes(f.packs.actor)
	w.bytes(f.packs.labels)
	w.bytes(f.packs.setting)
	w.texts(f.packs.values...)
	w.bytes(f.packs.objects)
	w.text(e.Encounter.GetValue())
	w.u64(a.importKey)
	w.u64(a.pairKey)
	w.end()
}

func (f *folder) byReader(a *accessFacts, ordinal int) {
	w := f.row(accessesByReader, a.position)
	if w == nil {
		return
	}
	e := a.event
	w.u64(a.readerKey)
	w.time(a.occurred)
	w.u64(a.position)
	w.u16(proto.PatientNumber(ordinal))
	w.u64(f.patients[ordinal].key)
	w.bytes(f.packs.reader)
	w.time(f.out.received)
	w.u64(f.packs.codes)
	w.text(e.Site)
	w.text(e.Workstation)
	w.text(e.NetworkAddress)
	w.text(e.Source)
	w.u64(a.importKey)
	w.u64(a.pairKey)
	w.bytes(f.packs.parts)
	w.bytes(f.packs.sensitivity)
	w.u64(a.groupKey)
	w.end()
}

// patientCount is 0 for an event that names nobody.
func (f *folder) patientCount() uint16 {
	if f.patients[0].key == NoPatient {
		return 0
	}
	return saturate(len(f.patients))
}

// extent counts the event for its source and hour.
func (f *folder) extent(a *accessFacts) {
	hour := a.occurred - modulo(a.occurred, hourMicros)
	x := f.extentOf(extentKey{a.event.Source, hour}, a)
	x.firstOccurred, x.lastOccurred = min(x.firstOccurred, a.occurred), max(x.lastOccurred, a.occurred)
	x.lastPosition = a.position
	x.events++
	x.patientless += one(f.patients[0].key == NoPatient)
	x.unresolved += one(slices.ContainsFunc(f.patients, func(p patientRow) bool { return p.key == UnresolvedPatient }))
	x.breaking += one(a.event.BreakGlass)
	x.failed += one(a.event.Outcome > v1.Outcome_OUTCOME_SUCCESS)
}

// extentOf returns the row of a source and hour, made when the message first has it. Events come in order of time
// mostly: the last row is nearly always the one.
func (f *folder) extentOf(key extentKey, a *accessFacts) *extentRow {
	rows := f.out.extents
	if n := len(rows); n > 0 && rows[n-1].hour == key.at && rows[n-1].source == key.source {
		return &rows[n-1]
	}
	if i, ok := f.extents[key]; ok {
		return &rows[i]
	}
	if f.extents == nil {
		f.extents = map[extentKey]int{}
	}
	f.extents[key] = len(rows)
	f.out.extents = append(rows, extentRow{
		source: key.source, hour: key.at, firstOccurred: a.occurred, lastOccurred: a.occurred, firstPosition: a.position,
	})
	return &f.out.extents[len(rows)]
}

// saturate is a count in a UInt16: what lies beyond stays at its end.
func saturate(n int) uint16 { return uint16(min(n, math.MaxUint16)) }

// small is an enumeration's number in a UInt8; one that no version of the contract has is 0, unspecified.
func small[T ~int32](v T) uint8 {
	if v < 0 || v > math.MaxUint8 {
		return 0
	}
	return uint8(v)
}

const hourMicros = 3_600_000_000

// modulo is the remainder that is never negative, so that hours before 1970 begin where hours do.
func modulo(a, n int64) int64 { return ((a % n) + n) % n }

func one(b bool) uint16 {
	if b {
		return 1
	}
	return 0
}

func recordedDelay(e *v1.AccessEvent, occurred int64) int64 {
	if e.RecordedUs == 0 {
		return NoRecorded
	}
	return clampMicros(e.RecordedUs) - occurred
}

func codeOf(c *v1.Coding) string {
	if c.GetCode() != "" {
		return c.GetCode()
	}
	return c.GetDisplay()
}

func nameOr(name string, id *v1.Identifier) string {
	if name != "" {
		return name
	}
	return id.GetValue()
}

func onBehalfOf(r *v1.Reader) string {
	var id *v1.Identifier
	if len(r.GetIdentifiers()) > 0 {
		id = r.Identifiers[0]
	}
	return nameOr(r.GetName(), id)
}
