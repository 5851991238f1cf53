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
	for i := range d.members(0) {
		k := d.kindOf(i)
		name := d.key(i)
		bad := ""
		switch {
		case k == kindString:
			if isTime(name) && !d.isTimeAt(i) {
				bad = name
			}
		case k != kindObject && k != kindList:
		case isPeriod(name):
			bad = d.badPeriod(i, name)
		case holdsPeriod(name):
			for m := range d.walk(i) {
				for inner := range d.members(m) {
					if bad == "" && isPeriod(d.key(inner)) {
						bad = d.badPeriod(inner, name+"."+d.key(inner))
					}
				}
			}
		}
		if bad != "" {
			return &FaultError{typ, typ + "." + bad, "not a time as FHIR writes it"}
		}
	}
	return nil
}

// badPeriod returns the path of a Period's end that cannot be read, or nothing.
func (d *document) badPeriod(i int, path string) string {
	for p := range d.items(i) {
		for _, end := range [...]string{"start", "end"} {
			if m := d.get(p, end); d.kindOf(m) == kindString && !d.isTimeAt(m) {
				return path + "." + end
			}
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
		"requestedPeriod", "applies":
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
	case "participant", "location", "address", "contact", "restriction":
		return true
	}
	return false
}
