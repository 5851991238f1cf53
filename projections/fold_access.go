package projections

import (
	"slices"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// patientRow is one distinct patient of an event.
type patientRow struct {
	key                 uint64
	system, value, text string
}

// objectLists are an event's objects, column by column.
type objectLists struct {
	types, systems, values, names []string
	counts                        []uint32
}

// access folds an access event: a row for each distinct patient in both path tables, or one row when it names none.
func (f *folder) access(position uint64, e *v1.AccessEvent) {
	readerSystem, readerValue := ReaderIdentifier(e)
	a := accessFacts{
		position: position, event: e, occurred: occurredOf(e, f.out.received), readerSystem: readerSystem,
		readerValue: readerValue, readerKey: ReaderKey(readerSystem, readerValue),
		importKey: ImportKey(e.ImportId), pairKey: PairKey(e.RequestId),
	}
	f.distinctPatients(e)
	if f.accesses {
		f.lists(e)
		for i := range f.patients {
			f.byPatient(&a, i)
			f.byReader(&a, i)
		}
		f.identities(position, e)
	}
	if f.rollups {
		f.extent(&a)
		for _, p := range f.patients {
			f.out.touches = append(f.out.touches, touchRow{
				reader: a.readerKey, patient: p.key, occurred: a.occurred, position: position, breakGlass: e.BreakGlass,
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
}

// distinctPatients leaves the event's patients in f.patients: each key once, each unresolved text once, and NoPatient
// alone when nobody is named.
func (f *folder) distinctPatients(e *v1.AccessEvent) {
	f.patients = f.patients[:0]
	for _, p := range e.Patients {
		row := patientRow{text: p.Text}
		if proto.PatientKey(p) != "" {
			row.system, row.value = p.Identifiers[0].System, p.Identifiers[0].Value
			row.key = PatientKey(row.system, row.value)
		} else if p.Text != "" || len(p.Identifiers) > 0 {
			row.key = UnresolvedPatient
		} else {
			continue
		}
		same := func(o patientRow) bool {
			if row.key == UnresolvedPatient {
				return o.key == UnresolvedPatient && o.text == row.text
			}
			return o.system == row.system && o.value == row.value
		}
		if !slices.ContainsFunc(f.patients, same) {
			f.patients = append(f.patients, row)
		}
	}
	if len(f.patients) == 0 {
		f.patients = append(f.patients, patientRow{})
	}
}

// lists fills the lists that every row of the event repeats.
func (f *folder) lists(e *v1.AccessEvent) {
	f.flags, f.labels, f.purposes = append(f.flags[:0], e.Flags...), f.labels[:0], f.purposes[:0]
	if f.conflict {
		f.flags = append(f.flags, FlagConflict)
	}
	for _, p := range e.Purposes {
		if text := codeOf(p); text != "" && !slices.Contains(f.purposes, text) {
			f.purposes = append(f.purposes, text)
		}
	}
	label := func(labels []string) {
		for _, l := range labels {
			if !slices.Contains(f.labels, l) {
				f.labels = append(f.labels, l)
			}
		}
	}
	label(e.Sensitivity)
	o := &f.objects
	o.types, o.systems, o.values, o.names, o.counts = o.types[:0], o.systems[:0], o.values[:0], o.names[:0], o.counts[:0]
	for _, object := range e.Objects {
		label(object.Sensitivity)
		o.types, o.names, o.counts = append(o.types, object.Type), append(o.names, object.Name), append(o.counts, object.Count)
		o.systems, o.values = append(o.systems, object.Id.GetSystem()), append(o.values, object.Id.GetValue())
	}
}

func (f *folder) byPatient(a *accessFacts, ordinal int) {
	w := f.row(accessesByPatient, a.position)
	if w == nil {
		return
	}
	e, p, r := a.event, &f.patients[ordinal], a.event.GetReader()
	w.u64(p.key)
	w.time(a.occurred)
	w.u64(a.position)
	w.u16(uint16(ordinal))
	w.u16(f.patientCount())
	w.text(p.system)
	w.text(p.value)
	w.text(p.text)
	w.time(f.out.received)
	w.i64(recordedDelay(e, a.occurred))
	w.u8(uint8(e.Action))
	w.text(e.ActionCode)
	w.u8(uint8(e.Outcome))
	w.u8(uint8(e.Mode))
	w.text(a.readerSystem)
	w.text(a.readerValue)
	w.text(r.GetName())
	w.u8(uint8(r.GetType()))
	w.text(r.GetRole().GetSystem())
	w.text(r.GetRole().GetCode())
	w.text(r.GetRole().GetDisplay())
	w.text(r.GetDepartment())
	w.texts(f.objects.types...)
	w.texts(f.objects.systems...)
	w.texts(f.objects.values...)
	w.texts(f.objects.names...)
	w.u32s(f.objects.counts...)
	w.text(e.Encounter.GetSystem())
	w.text(e.Encounter.GetValue())
	w.text(nameOr(e.Application.GetName(), e.Application.GetId()))
	w.text(onBehalfOf(e.OnBehalfOf))
	w.text(e.Organization)
	w.text(e.Site)
	w.text(e.Workstation)
	w.text(e.NetworkAddress)
	w.texts(f.purposes...)
	w.bool(e.BreakGlass)
	w.texts(f.labels...)
	w.text(e.Source)
	w.texts(f.flags...)
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
	w.u16(uint16(ordinal))
	w.u64(f.patients[ordinal].key)
	w.text(a.readerSystem)
	w.text(a.readerValue)
	w.time(f.out.received)
	w.u8(uint8(e.Action))
	w.u8(uint8(e.Outcome))
	w.u8(uint8(e.Mode))
	w.bool(e.BreakGlass)
	w.text(e.Site)
	w.text(e.Workstation)
	w.text(e.NetworkAddress)
	w.text(e.Source)
	w.u64(a.importKey)
	w.u64(a.pairKey)
	w.end()
}

// patientCount is 0 for an event that names nobody.
func (f *folder) patientCount() uint16 {
	if f.patients[0].key == NoPatient {
		return 0
	}
	return uint16(len(f.patients))
}

// extent counts the event for its source and hour.
func (f *folder) extent(a *accessFacts) {
	hour := a.occurred - modulo(a.occurred, hourMicros)
	rows := f.out.extents
	i := slices.IndexFunc(rows, func(x extentRow) bool { return x.hour == hour && x.source == a.event.Source })
	if i < 0 {
		i = len(rows)
		rows = append(rows, extentRow{
			source: a.event.Source, hour: hour, firstOccurred: a.occurred, lastOccurred: a.occurred, firstPosition: a.position,
		})
	}
	x := &rows[i]
	x.firstOccurred, x.lastOccurred = min(x.firstOccurred, a.occurred), max(x.lastOccurred, a.occurred)
	x.lastPosition = a.position
	x.events++
	x.patientless += one(f.patients[0].key == NoPatient)
	x.unresolved += one(slices.ContainsFunc(f.patients, func(p patientRow) bool { return p.key == UnresolvedPatient }))
	x.breaking += one(a.event.BreakGlass)
	x.failed += one(a.event.Outcome > v1.Outcome_OUTCOME_SUCCESS)
	f.out.extents = rows
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
		return noRecorded
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
