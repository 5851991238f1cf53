package api

import (
	"slices"
	"strings"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// accessOf is an event of the journal as lists show it: what fold and scanDetail make of it.
func accessOf(position proto.Position, received int64, it *v1.Item) *v1.Access {
	e := it.GetAccess()
	a := &v1.Access{
		Position: uint64(position), OccurredUs: occurredOf(e, received), RecordedUs: e.RecordedUs, ReceivedUs: received,
		Action: e.Action, ActionCode: e.ActionCode, Outcome: e.Outcome, Mode: e.Mode, Encounter: named1(e.Encounter),
		Organization: e.Organization, Site: e.Site, Workstation: e.Workstation, NetworkAddress: e.NetworkAddress, BreakGlass: e.BreakGlass,
		Source: e.Source, Flags: e.Flags, Application: e.Application.GetName(), OnBehalfOf: e.OnBehalfOf.GetName(),
	}
	if a.Application == "" {
		a.Application = e.Application.GetId().GetValue()
	}
	if ids := e.OnBehalfOf.GetIdentifiers(); a.OnBehalfOf == "" && len(ids) > 0 {
		a.OnBehalfOf = ids[0].Value
	}
	if len(it.ConflictsWith) > 0 {
		a.Flags = append(slices.Clone(e.Flags), projections.FlagConflict)
	}
	for _, p := range e.Purposes {
		text := p.Code
		if text == "" {
			text = p.Display
		}
		a.Purposes = with(a.Purposes, text)
	}
	for _, o := range e.Objects {
		a.Objects = append(a.Objects, &v1.Object{Type: o.Type, Id: named1(o.Id), Name: o.Name, Count: o.Count})
	}
	for _, label := range e.Sensitivity {
		a.Sensitivity = with(a.Sensitivity, label)
	}
	for _, o := range e.Objects {
		for _, label := range o.Sensitivity {
			a.Sensitivity = with(a.Sensitivity, label)
		}
	}
	r := e.Reader
	a.Reader = &v1.Reader{Name: r.GetName(), Type: r.GetType(), Department: r.GetDepartment(), Role: r.GetRole()}
	if ids := r.GetIdentifiers(); len(ids) > 0 && ids[0].Value != "" {
		a.Reader.Identifiers = ids[:1]
	}
	a.Patients = shownOf(e.Patients)
	return a
}

// occurredOf is when an event counts as occurred.
func occurredOf(e *v1.AccessEvent, received int64) int64 {
	for _, us := range []int64{e.OccurredUs, e.RecordedUs} {
		if us != 0 {
			return us
		}
	}
	return received
}

// named1 is an identifier, or nil when it names nothing.
func named1(id *v1.Identifier) *v1.Identifier {
	if id.GetValue() == "" {
		return nil
	}
	return &v1.Identifier{System: id.System, Value: id.Value}
}

// with adds a text that is not there yet.
func with(list []string, text string) []string {
	if text == "" || slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// shownOf are the first of an event's distinct patients, each by its first identifier.
func shownOf(patients []*v1.Patient) (out []*v1.Patient) {
	for _, p := range patients {
		one := &v1.Patient{Text: p.Text}
		if len(p.Identifiers) > 0 {
			if id := named1(p.Identifiers[0]); id != nil {
				one.Identifiers = []*v1.Identifier{id}
			}
		}
		known := slices.ContainsFunc(out, func(k *v1.Patient) bool {
			if len(one.Identifiers) == 0 || len(k.Identifiers) == 0 {
				return len(one.Identifiers) == len(k.Identifiers) && one.Text == k.Text
			}
			return identOf(one.Identifiers[0]) == identOf(k.Identifiers[0])
		})
		if !known && len(out) < patientsShown && (one.Identifiers != nil || one.Text != "") {
			out = append(out, one)
		}
	}
	return out
}

func joined(list []string) string { return strings.Join(list, ", ") }
