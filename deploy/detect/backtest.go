package detect

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/readtrail/readtrail/detectors"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Difference is what another rule set would have shown: no names, only the ids of alerts, which are looked up with their purpose.
type Difference struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Days with alerts of either side.
	Days int `json:"days"`
	// Before and After are alerts shown by the rule set in force, and by the other one.
	Before int `json:"shown_before"`
	After  int `json:"shown_after"`
	Gained int `json:"gained"`
	Lost   int `json:"lost"`
	// Moved are the same stories, told from another day on: what a reader did in a record over days is one alert, under the first day on
	// which it is shown. Where it becomes several alerts, those beyond the first are gained.
	Moved int `json:"moved"`
	// Reranked stand at another place, or in another queue of sites.
	Reranked int `json:"reranked"`
	Same     int `json:"same"`
	// Detectors says for each what it shows and showed.
	Detectors map[string]*DetectorDifference `json:"detectors"`
	// ExemptBefore and ExemptAfter are what each exemption of the rule set in force, and of the other one, held back on all days of the journal.
	ExemptBefore []detectors.HeldBack `json:"exemptions_before,omitempty"`
	ExemptAfter  []detectors.HeldBack `json:"exemptions_after,omitempty"`
	// Examples are the most likely ones of each kind.
	Examples map[string][]Example `json:"examples"`

	// days have an alert of either side; period is what was asked for.
	days   map[int32]bool
	period period
}

// DetectorDifference is the difference in alerts that a detector speaks for: Before and Gained less Lost are After, where no story moves over
// the ends of the period.
type DetectorDifference struct {
	Before int `json:"shown_before"`
	After  int `json:"shown_after"`
	Gained int `json:"gained"`
	Lost   int `json:"lost"`
}

// Example is an alert that the difference is about.
type Example struct {
	AlertID  string `json:"alert_id"`
	Day      string `json:"day"`
	WasDay   string `json:"was_day,omitempty"`
	Shape    string `json:"shape"`
	Scenario string `json:"scenario"`
	Rank     uint32 `json:"rank"`
	WasRank  uint32 `json:"was_rank,omitempty"`
	// Queue is that of some sites, WasQueue the one before; nothing stands for that of everything else.
	Queue     string   `json:"queue,omitempty"`
	WasQueue  string   `json:"was_queue,omitempty"`
	Chance    float64  `json:"chance"`
	Detectors []string `json:"detectors"`
	// StoryOf is, of a gained alert, one that was shown before and told a part of the same story, by its id.
	StoryOf string `json:"story_of,omitempty"`
}

// mostExamples of each kind.
const mostExamples = 10

// period is from one local day to another.
type period struct{ from, to int32 }

func (p period) has(a *judged) bool { return a.day >= p.from && a.day <= p.to }

// difference compares what two rule sets show on the days from from to to.
func difference(before, after *replayed, from, to int32) Difference {
	d := Difference{
		Detectors: map[string]*DetectorDifference{}, Examples: map[string][]Example{}, days: map[int32]bool{}, period: period{from, to},
		ExemptBefore: before.heldBack, ExemptAfter: after.heldBack,
	}
	ids := maps.Clone(before.alerts)
	maps.Copy(ids, after.alerts)
	var gained, lost []*judged // of any day: the same story may be told from a day outside
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		was, is := before.alerts[id], after.alerts[id]
		if was.seen() && d.period.has(was) {
			d.Before++
			d.note(was, func(x *DetectorDifference) { x.Before++ })
		}
		if is.seen() && d.period.has(is) {
			d.After++
			d.note(is, func(x *DetectorDifference) { x.After++ })
		}
		switch {
		case is.seen() && !was.seen():
			gained = append(gained, is)
		case was.seen() && !is.seen():
			lost = append(lost, was)
		case !was.seen() || !d.period.has(was):
		case was.rank != is.rank || was.queue != is.queue:
			d.Reranked++
			d.example("reranked", is, was)
			d.spoke(was, is)
		default:
			d.Same++
			d.spoke(was, is)
		}
	}
	d.stories(before, gained, lost)
	if d.Days = len(d.days); d.Days > 0 { // what was not asked for begins and ends with the alerts there are
		all := slices.Sorted(maps.Keys(d.days))
		from, to = max(from, all[0]), min(to, all[len(all)-1])
		d.From, d.To = date(from), date(to)
	}
	for kind, all := range d.Examples {
		slices.SortStableFunc(all, func(a, b Example) int { return cmp.Compare(b.Chance, a.Chance) })
		d.Examples[kind] = all[:min(len(all), mostExamples)]
	}
	return d
}

// stories tells what only one side shows from what both do, under different days.
func (d *Difference) stories(before *replayed, gained, lost []*judged) {
	told := citingOf(gained)
	for _, was := range lost {
		is := told.first(was)
		switch {
		case is != nil:
			if d.period.has(was) || d.period.has(is) {
				d.Moved++
				d.example("moved", is, was)
				d.spoke(was, is)
			}
			told.take(is)
		case d.period.has(was):
			d.Lost++
			d.note(was, func(x *DetectorDifference) { x.Lost++ })
			d.example("lost", was, nil)
		}
	}
	stories := citingOf(before.shown())
	for _, is := range gained {
		if !told.taken[is] && d.period.has(is) {
			d.Gained++
			d.note(is, func(x *DetectorDifference) { x.Gained++ })
			d.example("gained", is, before.alerts[string(is.id.Bytes())])
			all := d.Examples["gained"]
			if was := stories.first(is); was != nil {
				all[len(all)-1].StoryOf = was.id.String()
			}
		}
	}
}

// spoke counts the detectors that speak for a story on one side only.
func (d *Difference) spoke(was, is *judged) {
	count := func(a, other *judged, one func(*DetectorDifference)) {
		only := *a
		only.detectors = slices.DeleteFunc(slices.Clone(a.detectors), func(name string) bool { return slices.Contains(other.detectors, name) })
		if d.period.has(a) {
			d.note(&only, one)
		}
	}
	count(was, is, func(x *DetectorDifference) { x.Lost++ })
	count(is, was, func(x *DetectorDifference) { x.Gained++ })
}

// shown are the alerts that are seen at the end, by their ids.
func (r *replayed) shown() (out []*judged) {
	for _, id := range slices.Sorted(maps.Keys(r.alerts)) {
		if a := r.alerts[id]; a.seen() {
			out = append(out, a)
		}
	}
	return out
}

// citing finds alerts of one reader in one record by an access that they have in common: they tell one story, under different days, and so
// under different ids.
type citing struct {
	alerts []*judged
	// at are the alerts that cite a position, by their places, rising.
	at    map[uint64][]int
	taken map[*judged]bool
}

// ofReader reports whether an alert's story may go on over days: one reader in one record, or a series of one reader's records.
func ofReader(s v1.Shape) bool { return s == v1.Shape_SHAPE_PAIR || s == v1.Shape_SHAPE_SERIAL }

func citingOf(alerts []*judged) *citing {
	c := &citing{alerts, map[uint64][]int{}, map[*judged]bool{}}
	for i, a := range alerts {
		if !ofReader(a.shape) {
			continue
		}
		for _, at := range a.cited {
			c.at[at] = append(c.at[at], i)
		}
	}
	return c
}

// first is the first alert that tells a part of a story and is not taken; nil: none does.
func (c *citing) first(of *judged) *judged {
	if !ofReader(of.shape) {
		return nil
	}
	first := len(c.alerts)
	for _, at := range of.cited {
		for len(c.at[at]) > 0 && c.taken[c.alerts[c.at[at][0]]] {
			c.at[at] = c.at[at][1:]
		}
		if places := c.at[at]; len(places) > 0 {
			first = min(first, places[0])
		}
	}
	if first == len(c.alerts) {
		return nil
	}
	return c.alerts[first]
}

func (c *citing) take(a *judged) { c.taken[a] = true }

// note counts an alert for its day and each of its detectors.
func (d *Difference) note(a *judged, count func(*DetectorDifference)) {
	d.days[a.day] = true
	for _, name := range a.detectors {
		if d.Detectors[name] == nil {
			d.Detectors[name] = &DetectorDifference{}
		}
		count(d.Detectors[name])
	}
}

// seen reports whether there is such an alert and it is shown at the end.
func (j *judged) seen() bool { return j != nil && j.shown && !j.retracted }

func (d *Difference) example(kind string, a, was *judged) {
	e := Example{
		AlertID: a.id.String(), Day: date(a.day), Shape: shapeWord(a.shape), Scenario: a.scenario, Rank: a.rank, Queue: a.queue, Chance: float64(a.chance) / 1000,
		Detectors: a.detectors,
	}
	if was != nil {
		if e.WasRank, e.WasQueue = was.rank, was.queue; was.day != a.day {
			e.WasDay = date(was.day)
		}
	}
	d.Examples[kind] = append(d.Examples[kind], e)
}

func shapeWord(s v1.Shape) string {
	return map[v1.Shape]string{
		v1.Shape_SHAPE_PAIR: "pair", v1.Shape_SHAPE_READER_DAY: "reader-day", v1.Shape_SHAPE_RECORD_DAY: "record-day",
		v1.Shape_SHAPE_SERIAL: "serial",
	}[s]
}

// place is a rank, and of which queue where it is one of sites.
func place(rank uint32, queue string) string {
	if queue == "" {
		return fmt.Sprint(rank)
	}
	return fmt.Sprintf("%d of %s", rank, queue)
}

func date(day int32) string { return time.Unix(int64(day)*86_400, 0).UTC().Format(time.DateOnly) }

// write prints a difference for people.
func (d Difference) write(w io.Writer) error {
	if d.Days == 0 {
		if _, err := fmt.Fprintln(w, "Neither configuration shows an alert on these days."); err != nil {
			return err //nolint:wrapcheck // nothing to add
		}
		return d.writeExemptions(w)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "days\t%d with alerts, %s to %s\n", d.Days, d.From, d.To)
	fmt.Fprintf(t, "shown\t%d now, %d with the other configuration\n", d.Before, d.After)
	fmt.Fprintf(t, "gained\t%d\nlost\t%d\nmoved\t%d (the same story, told from another day on)\nre-ranked\t%d\nthe same\t%d\n",
		d.Gained, d.Lost, d.Moved, d.Reranked, d.Same)
	fmt.Fprint(t, "\ndetector\tnow\tthen\tgained\tlost\n")
	for _, name := range slices.Sorted(maps.Keys(d.Detectors)) {
		x := d.Detectors[name]
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\n", name, x.Before, x.After, x.Gained, x.Lost)
	}
	for _, kind := range []string{"gained", "lost", "moved", "reranked"} {
		if len(d.Examples[kind]) == 0 {
			continue
		}
		fmt.Fprintf(t, "\n%s\tday\trank\tlikely\twhat\n", kind)
		for _, e := range d.Examples[kind] {
			rank := place(e.Rank, e.Queue)
			if e.WasRank != 0 {
				rank += fmt.Sprintf(" (was %s)", place(e.WasRank, e.WasQueue))
			}
			day := e.Day
			if e.WasDay != "" {
				day = fmt.Sprintf("%s (was %s)", e.Day, e.WasDay)
			}
			what := fmt.Sprintf("%s, %s", e.Shape, e.Scenario)
			if e.StoryOf != "" {
				what += "; a part of " + e.StoryOf
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%.0f %%\t%s\n", e.AlertID, day, rank, 100*e.Chance, what)
		}
	}
	if err := t.Flush(); err != nil {
		return err //nolint:wrapcheck // nothing to add
	}
	return d.writeExemptions(w)
}

// writeExemptions prints what the exemptions of both sides held back.
func (d Difference) writeExemptions(w io.Writer) error {
	if len(d.ExemptBefore)+len(d.ExemptAfter) == 0 {
		return nil
	}
	var text strings.Builder
	text.WriteString("\nExempt, and how many readers' days each exemption held back in the whole journal:\n")
	for _, side := range []struct {
		name string
		all  []detectors.HeldBack
	}{{"now", d.ExemptBefore}, {"then", d.ExemptAfter}} {
		for i := range side.all {
			fmt.Fprintf(&text, "%s, from %s: %s\n", side.name, side.all[i].Detector, &side.all[i])
		}
	}
	_, err := io.WriteString(w, text.String())
	return err //nolint:wrapcheck // nothing to add
}
