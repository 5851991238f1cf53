package evaluation

// Counted is what a report says of one shown alert that cites events, of which some are of its own day, beside a label of the incident "i"
// on one event.
func Counted(labelled string, events, ofDay []string) Report {
	l := &labels{of: map[string][]label{}, incidents: map[string]string{}}
	l.add(labelled, label{"serial", "i"})
	r, out := newLabelReport(l), Report{ByScenario: map[string]float64{}}
	r.alert(events, ofDay, 100, true)
	r.fill(&out)
	return out
}
