package facts

import "time"

// FaultError says which element of a fact cannot be read. It names no value: facts are about people.
type FaultError struct {
	// Type is the resource type; "" when the fact states none.
	Type string
	// Element is the path, "Encounter.period.start".
	Element string
	// Reason is a constant text.
	Reason string
}

func (e *FaultError) Error() string { return "read fact: " + e.Element + ": " + e.Reason }

// faultIn finds the first thing about a resource that cannot be read: its times, because a wrong one would move care to where
// it never was.
func (d *document) faultIn(typ string) *FaultError {
	for i, end := int32(1), d.nodes[0].next; i < end; i = d.nodes[i].next {
		if bad := d.badTime(int(i), d.key(int(i))); bad != "" {
			return &FaultError{typ, typ + "." + bad, "not a time as FHIR writes it"}
		}
	}
	return nil
}

// badTime returns the path of the first time in a member that cannot be read, or nothing.
func (d *document) badTime(i int, name string) string {
	switch d.kindOf(i) {
	case kindString:
		if isTime(name) && !d.isTimeAt(i) {
			return name
		}
	case kindObject:
		if isPeriod(name) {
			return d.badPeriod(i, name)
		}
		if !holdsPeriod(name) {
			return ""
		}
		for m, end := int32(i+1), d.nodes[i].next; m < end; m = d.nodes[m].next {
			inner, bad := d.key(int(m)), ""
			switch {
			case isPeriod(inner):
				bad = d.badPeriod(int(m), inner)
			case inner == "provision": // one within another
				bad = d.badTime(int(m), inner)
			}
			if bad != "" {
				return name + "." + bad
			}
		}
	case kindList:
		for m, end := int32(i+1), d.nodes[i].next; m < end; m = d.nodes[m].next {
			if d.kindOf(int(m)) == kindObject {
				if bad := d.badTime(int(m), name); bad != "" {
					return bad
				}
			}
		}
	}
	return ""
}

// badPeriod returns the path of a Period's end that cannot be read, or nothing.
func (d *document) badPeriod(i int, path string) string {
	for _, end := range [...]string{"start", "end"} {
		if m := d.get(i, end); d.kindOf(m) == kindString && !d.isTimeAt(m) {
			return path + "." + end
		}
	}
	return ""
}

func (d *document) isTimeAt(i int) bool {
	text := d.string(i)
	_, ok := instant(text, time.UTC)
	return ok || text == ""
}

func isPeriod(name string) bool {
	switch name {
	case "period", "actualPeriod", "occurrencePeriod", "occurencePeriod", "effectivePeriod", "performedPeriod", "executionPeriod",
		"requestedPeriod", "servicePeriod", "coveragePeriod", "applies":
		return true
	}
	return false
}

// isTime tells the elements that careShapes read as times, and those of slots and patients.
func isTime(name string) bool {
	switch name {
	case "start", "end", "authoredOn", "occurrenceDateTime", "occurenceDateTime", "effectiveDateTime", "effectiveInstant",
		"performedDateTime", "recordedDate", "assertedDate", "onsetDateTime", "issued", "date", "dateTime", "deceasedDateTime", "created",
		"recorded", "whenHandedOver", "whenPrepared", "dateAsserted", "authored", "started":
		return true
	}
	return false
}

// holdsPeriod tells the elements whose parts have a period that is read.
func holdsPeriod(name string) bool {
	switch name {
	case "participant", "location", "address", "contact", "restriction", "guarantor", "provision":
		return true
	}
	return false
}
