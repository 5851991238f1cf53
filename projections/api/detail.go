package api

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// unpacked reads a packed text once an answer: a record's rows repeat few readers and labels.
func unpacked[T any](known map[string]T, text string, unpack func(string) T) T {
	value, ok := known[text]
	if !ok {
		value = unpack(text)
		known[text] = value
	}
	return value
}

// actor is who did it, and the source that says so.
type actor struct {
	source                 string
	reader                 ident
	readerName, department string
	role                   coding
}

func unpackActor(text string) actor {
	f := fields(text)
	return actor{
		source: f(0), reader: ident{f(1), f(2)}, readerName: f(3), role: coding{f(4), f(5), f(6)}, department: f(7),
	}
}

// fields gives the fields of a packed text by number; one that is not there is empty.
func fields(text string) func(i int) string {
	all := projections.Unpack(text)
	return func(i int) string {
		if i < len(all) {
			return all[i]
		}
		return ""
	}
}

// labels are the lists of an event.
type labels struct{ purposes, sensitivity, flags []string }

func unpackLabels(text string) labels {
	var l labels
	for _, field := range projections.Unpack(text) {
		if field == "" {
			continue
		}
		switch label := field[1:]; field[0] {
		case projections.LabelPurpose:
			l.purposes = append(l.purposes, label)
		case projections.LabelSensitivity:
			l.sensitivity = append(l.sensitivity, label)
		case projections.LabelFlag:
			l.flags = append(l.flags, label)
		}
	}
	return l
}

// detail is what a row of the patient-first table says that only a page shows, still packed.
type detail struct {
	// delay is from when it occurred to when it was recorded, in microseconds; projections.NoRecorded: nobody says when it was.
	delay                                int64
	importKey                            uint64
	patient, setting, objects, encounter string
	values                               []string
}

// scanDetail reads one row of access_details.sql: the event, or one more patient of it. imports collects the accesses that
// an import brought.
func scanDetail(r store.Row, full map[uint64]*v1.Access, imports map[uint64][]*v1.Access) error {
	a := &v1.Access{}
	var codes uint64
	var actor, labels string
	var d detail
	var occurred, received time.Time
	err := r.Scan(&a.Position, &occurred, &d.delay, &received, &codes, &d.patient, &actor, &labels, &d.setting, &d.values,
		&d.objects, &d.encounter, &d.importKey)
	if err != nil {
		return err
	}
	a.OccurredUs, a.ReceivedUs = occurred.UnixMicro(), received.UnixMicro()
	known := full[a.Position]
	if known == nil {
		known = a
		full[a.Position] = a
		describe(a, projections.CodesOf(codes), unpackActor(actor), unpackLabels(labels))
		d.fill(a)
		if d.importKey != 0 {
			imports[d.importKey] = append(imports[d.importKey], a)
		}
	}
	addPatient(known, d.patient)
	return nil
}

// fill adds what the row says to the access.
func (d *detail) fill(a *v1.Access) {
	if d.delay != projections.NoRecorded {
		a.RecordedUs = a.OccurredUs + d.delay
	}
	a.Objects = unpackObjects(d.objects, d.values)
	f := fields(d.setting)
	a.ActionCode, a.Application, a.OnBehalfOf, a.Organization = f(0), f(1), f(2), f(3)
	a.Site, a.Workstation, a.NetworkAddress = f(4), f(5), f(6)
	if d.encounter != "" {
		a.Encounter = &v1.Identifier{System: f(7), Value: d.encounter}
	}
}

// unpackPatient is who a row is about; the zero value where only a text says it.
func unpackPatient(text string) ident {
	f := fields(text)
	return ident{f(0), f(1)}
}

// addPatient adds one more patient of the event, up to a bound.
func addPatient(a *v1.Access, packed string) {
	if len(a.Patients) >= patientsShown {
		return
	}
	f := fields(packed)
	p := &v1.Patient{Text: f(2)}
	if id := (ident{f(0), f(1)}); id.value != "" {
		p.Identifiers = []*v1.Identifier{id.proto()}
	}
	if p.Identifiers != nil || p.Text != "" {
		a.Patients = append(a.Patients, p)
	}
}

func describe(a *v1.Access, c projections.Codes, by actor, l labels) {
	a.Action, a.Outcome, a.Mode, a.BreakGlass = v1.Action(c.Action), v1.Outcome(c.Outcome), v1.AccessMode(c.Mode), c.BreakGlass
	// Rows share their lists: whoever adds to one makes it anew.
	a.Source, a.Purposes, a.Sensitivity, a.Flags = by.source, slices.Clip(l.purposes), slices.Clip(l.sensitivity), slices.Clip(l.flags)
	a.Reader = &v1.Reader{Name: by.readerName, Type: v1.ReaderType(c.ReaderType), Department: by.department, Role: by.role.proto()}
	if by.reader.value != "" && !by.reader.byName() {
		a.Reader.Identifiers = []*v1.Identifier{by.reader.proto()}
	}
}

// objectFields are the fields of each object in a packed text: type, system, name, count.
const objectFields = 4

// unpackObjects puts an event's objects together; the values stand apart, because they are searched for.
func unpackObjects(text string, values []string) []*v1.Object {
	f := fields(text)
	var out []*v1.Object
	for i, value := range values {
		o := &v1.Object{Type: f(objectFields * i), Name: f(objectFields*i + 2)}
		if value != "" {
			o.Id = &v1.Identifier{System: f(objectFields*i + 1), Value: value}
		}
		if n, err := strconv.ParseUint(f(objectFields*i+3), 10, 32); err == nil {
			o.Count = uint32(n)
		}
		out = append(out, o)
	}
	return out
}

// markBackfill says which accesses came with an import that declared itself backfill.
func (p *pin) markBackfill(ctx context.Context, imports map[uint64][]*v1.Access) error {
	backfills, err := p.backfills(ctx, imports)
	if err != nil {
		return fmt.Errorf("read imports: %w", err)
	}
	for key, accesses := range imports {
		for _, a := range accesses {
			a.Backfill = backfills[key]
		}
	}
	return nil
}

// maxKnownImports bounds the imports whose kind is remembered: 10,000 of 9 bytes.
const maxKnownImports = 10_000

// backfills says which of the imports declared themselves backfill. Their begin stands before their events and never
// changes, so each is read once.
func (p *pin) backfills(ctx context.Context, imports map[uint64][]*v1.Access) (map[uint64]bool, error) {
	out := make(map[uint64]bool, len(imports))
	var unknown []uint64
	e := p.engine
	e.mu.Lock()
	for key := range imports {
		backfill, ok := e.imports[key]
		if out[key] = backfill; !ok {
			unknown = append(unknown, key)
		}
	}
	e.mu.Unlock()
	if len(unknown) == 0 {
		return out, nil
	}
	err := p.query(ctx, "backfills", store.Params{"keys": unknown}, func(r store.Row) error {
		var key uint64
		err := r.Scan(&key)
		out[key] = true
		return err
	})
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.imports == nil || len(e.imports)+len(unknown) > maxKnownImports {
		e.imports = map[uint64]bool{}
	}
	for _, key := range unknown {
		e.imports[key] = out[key]
	}
	return out, nil
}
