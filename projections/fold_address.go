package projections

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// address is what a jurisdiction is read from: an element of Patient.address.
type address struct {
	Use     string `json:"use"`
	Country string `json:"country"`
	State   string `json:"state"`
}

// addresses folds where a patient lives: a row for each identifier, when the version states a country or a state.
func (f *folder) addresses(position, resource uint64, c *v1.ContextFact) {
	country, state := jurisdiction(c)
	if country == "" && state == "" {
		return
	}
	for i, id := range c.Identifiers {
		if id.GetValue() == "" {
			continue
		}
		w := f.row(patientAddresses, position)
		if w == nil {
			continue // each row that is in the table already is counted
		}
		w.u64(Key(id.System, id.Value))
		w.u64(position)
		w.u32(uint32(i))
		w.text(id.System)
		w.text(id.Value)
		w.text(country)
		w.text(state)
		w.u64(resource)
		w.time(f.out.received)
		w.end()
	}
}

// rank says how well an address tells where a patient lives, least is best: a home, one of no stated use, any other, a former
// one. FHIR's "temp" is where somebody stays for a while, "billing" where bills go.
func (a address) rank() int {
	switch a.Use {
	case "home":
		return 1
	case "":
		return 2
	case "work":
		return 3
	case "temp":
		return 4
	case "billing":
		return 5
	case "old":
		return 7
	}
	return 6
}

// jurisdiction reads country and state of the best address that states either; both are empty when none does. A resource that
// is no JSON, or another shape, states none: the journal keeps it all the same.
func jurisdiction(c *v1.ContextFact) (country, state string) {
	if c.Deleted || !bytes.Contains(c.Resource, []byte(`"address"`)) {
		return "", ""
	}
	var patient struct {
		Address []address `json:"address"`
	}
	if err := json.Unmarshal(c.Resource, &patient); err != nil {
		return "", ""
	}
	best := math.MaxInt
	for _, a := range patient.Address {
		if here, there := place(a.Country), place(a.State); a.rank() < best && (here != "" || there != "") {
			best, country, state = a.rank(), here, there
		}
	}
	return country, state
}

// maxPlace is the longest country or state, in bytes; what is longer is none.
const maxPlace = 100

// place is a country or state as rows are counted by it: "us" and "US " are one.
func place(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > maxPlace {
		return ""
	}
	if len(text) <= 3 {
		return strings.ToUpper(text)
	}
	return text
}
