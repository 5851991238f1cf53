package facts

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
		name := d.key(i)
		if timeElements[name] {
			if f := d.timeFault(i, typ, name); f != nil {
				return f
			}
			continue
		}
		if f := d.periodFault(i, typ, typ+"."+name, name, 0); f != nil {
			return f
		}
	}
	return nil
}

// periodFault looks into what may hold a Period.
func (d *document) periodFault(i int, typ, path, name string, depth int) *FaultError {
	if depth > 2 {
		return nil
	}
	period := isPeriod(name)
	for j := range d.items(i) {
		for m := range d.members(j) {
			inner := d.key(m)
			var f *FaultError
			switch {
			case period && (inner == "start" || inner == "end"):
				f = d.timeFault(m, typ, path[len(typ)+1:]+"."+inner)
			case isPeriod(inner) || depth < 1 && d.kindOf(m) != kindString && holdsPeriods[name]:
				f = d.periodFault(m, typ, path+"."+inner, inner, depth+1)
			}
			if f != nil {
				return f
			}
		}
	}
	return nil
}

func (d *document) timeFault(i int, typ, path string) *FaultError {
	if d.kindOf(i) != kindString {
		return nil
	}
	if _, ok := instant(d.string(i), utc); ok || d.string(i) == "" {
		return nil
	}
	return &FaultError{typ, typ + "." + path, "not a time as FHIR writes it"}
}

func isPeriod(name string) bool {
	switch name {
	case "period", "actualPeriod", "occurrencePeriod", "effectivePeriod", "performedPeriod", "executionPeriod", "requestedPeriod",
		"occurredPeriod":
		return true
	}
	return false
}

var (
	timeElements = map[string]bool{
		"start": true, "end": true, "authoredOn": true, "occurrenceDateTime": true, "effectiveDateTime": true,
		"effectiveInstant": true, "performedDateTime": true, "recordedDate": true, "issued": true, "date": true, "dateTime": true,
		"occurredDateTime": true, "deceasedDateTime": true, "created": true,
	}
	holdsPeriods = map[string]bool{
		"participant": true, "location": true, "address": true, "contact": true, "name": true, "restriction": true, "provision": true,
		"occurrenceTiming": true,
	}
)
