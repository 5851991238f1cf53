package evaluation

import (
	"cmp"
	"slices"
	"strings"

	"github.com/readtrail/readtrail/detectors"
)

// Report is what an evaluation says. Shares are between 0 and 1. The keys of precision, recall and findings are always there: null where there
// is nothing to divide by, {} where there is nothing to count.
type Report struct {
	Events   uint64 `json:"events"`
	Accesses uint64 `json:"accesses"`
	// Duplicates came before with the same id and content, and were judged once.
	Duplicates  uint64 `json:"duplicates"`
	DeadLetters uint64 `json:"dead_letters"`
	// DeadLettersByFile says where they stand, Unread which files nobody knows how to read.
	DeadLettersByFile map[string]uint64 `json:"dead_letters_by_file,omitempty"`
	Unread            []string          `json:"files_not_read,omitempty"`
	Days              int               `json:"days"`
	Zone              string            `json:"zone"`
	ExplainedShare    float64           `json:"explained_share"`
	// UnexplainedShare and NotAssessableShare are the other two verdicts.
	UnexplainedShare   float64           `json:"unexplained_share"`
	NotAssessableShare float64           `json:"not_assessable_share"`
	Reasons            map[string]uint64 `json:"explained_by"`
	// Queues is what each queue shows, where there are some of sites. Blind are the kinds of context that are missing, Abstain the reasons and detectors that need one of them, Absent the kinds of resources
	// of which the dataset has none. Exemptions are what each exemption held back, where there are some.
	Blind            []string                  `json:"missing_context"`
	Abstain          []string                  `json:"abstain,omitempty"`
	Absent           []detectors.AbsentContext `json:"absent_resources,omitempty"`
	Budget           int                       `json:"budget"`
	AlertsPerDay     float64                   `json:"alerts_per_day"`
	Candidates       int                       `json:"candidates"`
	Queues           []QueueReport             `json:"shown_by_queue,omitempty"`
	Findings         map[string]uint64         `json:"findings_by_detector"`
	Exemptions       []detectors.HeldBack      `json:"exemptions,omitempty"`
	EventsPerSecond  float64                   `json:"events_per_second"`
	JudgedPerSecond  float64                   `json:"judged_per_second"`
	PeakRSS          uint64                    `json:"peak_rss_bytes"`
	Labels           *LabelReport              `json:"-"`
	Precision        *float64                  `json:"precision_at_budget"`
	Recall           *float64                  `json:"recall_at_budget"`
	AveragePrecision *float64                  `json:"average_precision"`
	ByScenario       map[string]float64        `json:"recall_by_scenario"`
	// PrecisionOfDay and RecallOfDay count what an alert cites of its own day alone: a series cites other days as well, and is right by them.
	PrecisionOfDay *float64 `json:"precision_at_budget_of_own_day"`
	RecallOfDay    *float64 `json:"recall_at_budget_of_own_day"`
	Incidents      int      `json:"incidents,omitempty"`
	// UnknownLabels are labels of events that are not in the dataset; their incidents count as not found.
	UnknownLabels int `json:"labels_of_unknown_events,omitempty"`
	// MisuseExplained is the share of labelled accesses that were called explained, LegitimateExplained that of the others.
	MisuseExplained     *float64 `json:"misuse_called_explained,omitempty"`
	LegitimateExplained *float64 `json:"legitimate_explained,omitempty"`
	// MisuseExplainedBy counts labelled accesses that were called explained, by scenario and reason.
	MisuseExplainedBy map[string]map[string]uint64 `json:"misuse_explained_by,omitempty"`
	// Faults are units of which a custom detector could not tell what they are: its condition cost too much, or has no result.
	Faults map[string]uint64 `json:"faults_by_detector,omitempty"`
}

// QueueReport is what a queue shows on all days together. The last one is that of everything else, which has no name.
type QueueReport struct {
	Queue  string `json:"queue"`
	Budget int    `json:"budget"`
	Shown  int    `json:"shown"`
}

func (r *Report) deadLetters(path string, n uint64) {
	if r.DeadLettersByFile == nil {
		r.DeadLettersByFile = map[string]uint64{}
	}
	r.DeadLettersByFile[path] += n
}

// LabelReport counts alerts against labels.
type LabelReport struct {
	*labels
	found map[string]bool
	shown int
	right int
	// foundOfDay and rightOfDay are the same by accesses of the alert's own day.
	foundOfDay map[string]bool
	rightOfDay int
	// cited are the incidents that any alert cites, shown or not.
	cited map[string]bool
	// known are the labels whose events there are.
	known map[string]bool
	// ranked says of every alert whether it was right, with its score.
	ranked []ranked
}

type ranked struct {
	score int32
	right bool
}

func newLabelReport(l *labels) *LabelReport {
	return &LabelReport{labels: l, found: map[string]bool{}, foundOfDay: map[string]bool{}, cited: map[string]bool{}, known: map[string]bool{}}
}

// seen remembers that there is an event.
func (r *LabelReport) seen(event string) {
	if r.of[event] != nil {
		r.known[strings.Clone(event)] = true
	}
}

// alert counts one alert. An alert is right when it cites a labelled access; an incident is found when an alert within the
// budget cites one of its accesses.
func (r *LabelReport) alert(events, ofDay []string, score int32, shown bool) {
	right := false
	for _, id := range events {
		for _, l := range r.of[id] {
			right, r.cited[l.incident] = true, true
			if shown {
				r.found[l.incident] = true
			}
		}
	}
	r.ranked = append(r.ranked, ranked{score, right})
	if !shown {
		return
	}
	r.shown++
	if right {
		r.right++
	}
	right = false
	for _, id := range ofDay {
		for _, l := range r.of[id] {
			right, r.foundOfDay[l.incident] = true, true
		}
	}
	if right {
		r.rightOfDay++
	}
}

// fill adds what labels say to a report.
func (r *LabelReport) fill(out *Report) {
	share := func(a, b int) *float64 {
		if b == 0 {
			return nil
		}
		f := float64(a) / float64(b)
		return &f
	}
	out.Labels = r
	out.Incidents, out.UnknownLabels = len(r.incidents), len(r.of)-len(r.known)
	out.Precision = share(r.right, r.shown)
	out.Recall = share(len(r.found), len(r.incidents))
	out.PrecisionOfDay, out.RecallOfDay = share(r.rightOfDay, r.shown), share(len(r.foundOfDay), len(r.incidents))
	all, found := map[string]int{}, map[string]int{}
	for incident, scenario := range r.incidents {
		all[scenario]++
		if r.found[incident] {
			found[scenario]++
		}
	}
	for scenario, n := range all {
		out.ByScenario[scenario] = float64(found[scenario]) / float64(n)
	}
	out.AveragePrecision = r.averagePrecision()
}

// averagePrecision is the mean, over the right alerts, of how many of those that rank as high are right. An incident that no alert cites
// counts as a right alert that never comes: else whoever finds one incident and nothing more would have the best there is.
func (r *LabelReport) averagePrecision() *float64 {
	if len(r.incidents) == 0 {
		return nil
	}
	slices.SortStableFunc(r.ranked, func(a, b ranked) int { return cmp.Compare(b.score, a.score) })
	hits, sum := 0, 0.0
	for i, x := range r.ranked {
		if x.right {
			hits++
			sum += float64(hits) / float64(i+1)
		}
	}
	average := sum / float64(hits+len(r.incidents)-len(r.cited))
	return &average
}
