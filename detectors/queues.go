package detectors

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
)

const (
	// mostQueues bounds how many queues of sites a rule set names, mostSites how many sites each of them has.
	mostQueues = 100
	mostSites  = 1_000
	// mostQueueName is how long the name of a queue or a site is, in bytes: as long as a question may ask for.
	mostQueueName = 256
)

// SiteQueue is a queue of some sites, with a budget of its own. What no site of a queue accounts for stands in the queue of everything else,
// which has no name.
type SiteQueue struct {
	// Name is how alerts and questions call it.
	Name string `yaml:"name"`
	// Sites are sites as events state them, compared as proto.FoldPlace leaves them.
	Sites []string `yaml:"sites,flow"`
	// Budget is how many of its alerts a local day are shown at the most. Required: 1 to 100,000.
	Budget int `yaml:"budget"`
}

// SiteQueues are those of a rule set, in their order.
type SiteQueues []SiteQueue

// Validate reports everything that is wrong.
func (s SiteQueues) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("queues: "+format, args...)) }
	if len(s) > mostQueues {
		return fmt.Errorf("queues: %d of them; want at most %d", len(s), mostQueues)
	}
	names, sites := map[string]bool{}, map[string]string{}
	for i := range s {
		q, called := &s[i], fmt.Sprintf("queue %d", i+1)
		name := proto.FoldPlace(q.Name)
		switch {
		case name == "":
			fault("%s has no name", called)
		case len(q.Name) > mostQueueName:
			fault("the name of %s has %d bytes; want at most %d", called, len(q.Name), mostQueueName)
		case !plain(q.Name):
			fault("the name of %s: want plain text on one line, without blanks around it", called)
		case names[name]:
			fault("there are two called %q", q.Name)
		default:
			called = strconv.Quote(q.Name)
		}
		names[name] = true
		if q.Budget < 1 || q.Budget > 100_000 {
			fault("%s: budget %d; want 1 to 100,000 alerts a day", called, q.Budget)
		}
		if len(q.Sites) == 0 || len(q.Sites) > mostSites {
			fault("%s: %d sites; want 1 to 1,000", called, len(q.Sites))
		}
		for _, one := range q.Sites {
			site := proto.FoldPlace(one)
			switch has, taken := sites[site]; {
			case site == "":
				fault("%s: a site without a name", called)
			case len(one) > mostQueueName:
				fault("%s: the name of a site has %d bytes; want at most %d", called, len(one), mostQueueName)
			case taken && has == called:
				fault("%s: site %q stands there twice", called, one)
			case taken:
				fault("%s: site %q is one of %s already", called, one, has)
			default:
				sites[site] = called
			}
		}
	}
	return errors.Join(faults...)
}

// plain reports whether a question can ask for a name.
func plain(name string) bool {
	return strings.TrimSpace(name) == name && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}

// queues says in which queue an alert stands. The queue of everything else comes after those that are configured.
type queues struct {
	all SiteQueues
	// budget are the budgets by name; "" is everything else.
	budget map[string]int
	// of are the places of sites among the queues, by their folded names, at those of the sites that were met.
	of map[string]int
	at map[facts.ID]int
	// counts are the accesses of a story, by queue.
	counts []int
}

// queues are those of a rule set.
func (s Settings) queues() queues {
	q := queues{
		all: s.Queues, budget: map[string]int{"": s.Queue.Budget}, of: map[string]int{}, at: map[facts.ID]int{}, counts: make([]int, len(s.Queues)+1),
	}
	for i, x := range s.Queues {
		q.budget[x.Name] = x.Budget
		for _, site := range x.Sites {
			q.of[proto.FoldPlace(site)] = i
		}
	}
	return q
}

// name is how the queue at a place is called.
func (q *queues) name(at int) string {
	if at < len(q.all) {
		return q.all[at].Name
	}
	return ""
}

// bySites is the place of the queue whose sites most of a story's accesses state: the first one of those that have as many. What states no
// site counts for none; a site that nobody named counts for everything else.
func (q *queues) bySites(s *facts.State, each func(count func(site facts.ID))) int {
	if len(q.all) == 0 {
		return 0
	}
	clear(q.counts)
	each(func(site facts.ID) {
		at, met := q.at[site]
		if !met {
			at = len(q.all)
			if text := proto.FoldPlace(s.Text(site)); text == "" {
				at = -1
			} else if i, named := q.of[text]; named {
				at = i
			}
			q.at[site] = at
		}
		if at >= 0 {
			q.counts[at]++
		}
	})
	best := len(q.all)
	for i, n := range slices.Backward(q.counts[:best]) {
		if n > 0 && n >= q.counts[best] {
			best = i
		}
	}
	return best
}

// queueOf is the queue in which an alert stands: that of the story which it goes on with, as long as there is one of that name; else that of its
// sites. story is nil where it goes on with none.
func (e *Engine) queueOf(a *Alert, story *recentAlert) string {
	if len(e.queues.all) == 0 {
		return ""
	}
	if story != nil {
		if _, configured := e.queues.budget[story.version.Queue]; configured {
			return story.version.Queue
		}
	}
	return e.queues.name(e.queues.bySites(e.state, func(count func(facts.ID)) {
		for i := range a.Accesses {
			count(a.Accesses[i].Site)
		}
	}))
}

// place says in which queue the alerts of a closed day stand; nil: there is one queue.
func (e *Engine) place(of string) func(*Alert) (string, int) {
	if len(e.queues.all) == 0 {
		return nil
	}
	return func(a *Alert) (string, int) {
		_, story := e.storyOf(a, of)
		name := e.queueOf(a, story)
		return name, e.queues.budget[name]
	}
}

// queueOfPair is the place of the queue in which the alert of a pair that was drawn would stand.
func (e *Engine) queueOfPair(p *Pair) int {
	return e.queues.bySites(e.state, func(count func(facts.ID)) {
		for i := range p.Accesses {
			if a := &p.Accesses[i]; a.citable() {
				count(a.Site)
			}
		}
	})
}
