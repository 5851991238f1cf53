package words

import (
	"strconv"
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// ReaderShown names the reader of an access that was disclosed with a question: by name and identifier, as far as they are told.
func ReaderShown(r *v1.Reader) string { return person(r.GetName(), r.GetIdentifiers()) }

// AccessShown names such an access: by its number within the question, and by its event where that is told.
func AccessShown(a *v1.ShownAccess) string {
	number := strconv.FormatUint(uint64(a.GetNumber()), 10)
	if a.GetEventId() == "" {
		return number
	}
	return number + ", event " + a.GetEventId()
}

// PatientsShown names the patients of such an access, or the pseudonyms that stand for them.
func PatientsShown(patients []*v1.Patient) string {
	names := make([]string, 0, len(patients))
	for _, p := range patients {
		if name := person(p.GetText(), p.GetIdentifiers()); name != "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, "; ")
}

// CodingText is what a code is called, else the code.
func CodingText(c *v1.Coding) string {
	if c.GetDisplay() != "" {
		return c.GetDisplay()
	}
	return c.GetCode()
}

func person(name string, ids []*v1.Identifier) string {
	switch {
	case len(ids) == 0:
		return name
	case name == "":
		return ids[0].GetValue()
	}
	return name + " (" + ids[0].GetValue() + ")"
}
