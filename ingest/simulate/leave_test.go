package simulate_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/readtrail/readtrail/ingest/simulate"
)

// TestWhoLeavesTakesRecordsAlong asserts that some of those who export records are about to leave, as the staff list says, and others are
// not, and that there are leavers among everybody else.
func TestWhoLeavesTakesRecordsAlong(t *testing.T) {
	cfg := simulate.Config{Seed: 3, Staff: 200, Patients: 2000, Days: 8, Incidents: 40, NoStory: true, Weights: map[string]int{}}
	for _, name := range simulate.Scenarios() {
		cfg.Weights[name] = 0
	}
	cfg.Weights[simulate.ScenarioExport] = 1
	h := hospital(t, cfg)
	ends, numbers := map[string]time.Time{}, map[string]string{} // by reference
	for r := range h.Context() {
		var v struct {
			ResourceType, ID string
			Identifier       []struct{ System, Value string }
			Practitioner     reference
			Period           struct{ End time.Time }
		}
		if err := json.Unmarshal(r.JSON, &v); err != nil {
			continue // another shape of period
		}
		switch v.ResourceType {
		case "Practitioner":
			for _, id := range v.Identifier {
				if id.System == simulate.StaffSystem {
					numbers["Practitioner/"+v.ID] = id.Value
				}
			}
		case "PractitionerRole":
			ends[v.Practitioner.Reference] = v.Period.End // who comes back has a later one
		}
	}
	last := h.Config().Start.AddDate(0, 0, h.Config().Days)
	byNumber, leavers := map[string]time.Time{}, 0
	for who, end := range ends {
		byNumber[numbers[who]] = end
		if !end.Before(last) {
			leavers++
		}
	}
	near, others, everyday := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for day := range h.Config().Days {
		for e := range h.Events(day) {
			a := decode(t, &e)
			end := byNumber[a.reader()]
			soon := end.After(a.Recorded) && end.Sub(a.Recorded) <= 90*24*time.Hour
			switch {
			case e.Label.Incident == "" && soon:
				everyday[a.reader()] = true
			case e.Label.Incident != "" && soon:
				near[e.Label.Incident] = true
			case e.Label.Incident != "":
				others[e.Label.Incident] = true
			}
		}
	}
	if thefts := len(near) + len(others); len(near)*100 < thefts*20 || len(near)*100 > thefts*60 {
		t.Errorf("of %d thefts %d are of somebody who leaves soon, want about two in five", thefts, len(near))
	}
	if leavers < 3 || leavers > 20 || len(everyday) < 3 {
		t.Errorf("%d of 200 leave after the days, and %d who leave soon work; want about nine of each", leavers, len(everyday))
	}
}
