package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/readtrail/readtrail/detectors"
)

// Bounds of a file.
const (
	maxFile  = 1 << 20
	maxRules = 64
)

// Shares that hold where a rule does not state them, in per mille.
const (
	// defaultShare is that of a rare kind of misuse that is built in.
	defaultShare = 50
	// defaultNoticed is how much of the misuse of its kind a rule notices. It is spread over the grades in the ratio 1 : 2 : 3 and so on: the
	// further out of the ordinary, the more likely misuse.
	defaultNoticed = 800
)

// Parse reads a file of rules. Every fault is in the error, with its line, its rule and its field.
func Parse(data []byte) (Rules, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("the file has more than %d bytes", maxFile)
	}
	language, err := theLanguage()
	if err != nil {
		return nil, err
	}
	p := &parser{language: language}
	root, err := document(data)
	if err != nil {
		return nil, err
	}
	out := p.file(root)
	p.faults = append(p.faults, detectors.ValidateCustom(out.Detectors())...)
	if len(p.faults) > 0 {
		return nil, errors.Join(p.faults...)
	}
	return out, nil
}

// document reads the one document of a file.
func document(data []byte) (*yaml.Node, error) {
	var doc, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the file is empty; want rules")
	case err != nil:
		return nil, fmt.Errorf("read YAML: %w", err)
	}
	switch err := d.Decode(&more); {
	case err == nil:
		return nil, fmt.Errorf("line %d: a second document; want one", more.Line)
	case !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("read YAML: %w", err)
	}
	return doc.Content[0], nil
}

// parser collects the faults of a file.
type parser struct {
	language *language
	faults   []error
	// rule is the one that is read, bad its fields with faults: they are not faulted again for what follows from them.
	rule string
	at   *yaml.Node
	bad  map[string]bool
}

func (p *parser) fault(n *yaml.Node, field, format string, args ...any) {
	if n == nil {
		n = p.at
	}
	where := []string{fmt.Sprintf("line %d", n.Line)}
	for _, s := range []string{p.rule, field} {
		if s != "" {
			where = append(where, s)
		}
	}
	p.faults = append(p.faults, fmt.Errorf("%s: %s", strings.Join(where, ": "), fmt.Sprintf(format, args...)))
	if top, _, _ := strings.Cut(field, "."); p.bad != nil {
		p.bad[top] = true
	}
}

func (p *parser) file(root *yaml.Node) Rules {
	fields := p.mapping(root, "", "rules")
	list := fields["rules"]
	if list == nil {
		if len(p.faults) == 0 {
			p.fault(root, "rules", "missing")
		}
		return nil
	}
	if list.Kind == refused {
		return nil
	}
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 || len(list.Content) > maxRules {
		p.fault(list, "rules", "want a list of 1 to %d rules", maxRules)
		return nil
	}
	var out Rules
	for i, n := range list.Content {
		if r := p.one(n, i+1); r != nil {
			out = append(out, r)
		}
	}
	p.rule, p.bad = "", nil
	return out
}

var keys = []string{"pair", "reader", "record"}

// one reads a rule; nil when there is something wrong with it.
func (p *parser) one(n *yaml.Node, number int) *Rule {
	p.rule, p.at, p.bad = "rule "+strconv.Itoa(number), n, map[string]bool{}
	before := len(p.faults)
	if name := nameOf(n); name != "" {
		p.rule = name
	}
	fields := p.mapping(n, "", "name", "about", "normal", "key", "counters", "when", "count", "grades", "usual", "hard", "share", "misuse")
	if fields == nil {
		return nil
	}
	r := &Rule{Line: n.Line}
	c := &r.custom
	c.Name = p.text(fields, "name", true)
	c.About, c.Normal = p.text(fields, "about", true), p.text(fields, "normal", true)
	c.Key = detectors.Key(p.choice(fields, "key", keys, -1))
	c.Peers = []detectors.Peers{detectors.PeersGroup, detectors.PeersAll}[p.choice(fields, "usual", []string{"peers", "all"}, 0)]
	if c.Key == detectors.KeyRecord {
		if c.Peers = detectors.PeersAll; fields["usual"] != nil {
			p.fault(fields["usual"], "usual", "a record has no peers: it is compared with all records; leave it out")
		}
	}
	c.Hard = p.boolean(fields, "hard")
	c.Share = p.number(fields["share"], "share", defaultShare)
	p.count(fields["count"], c)
	p.grades(fields, c)
	p.when(fields, r, p.counters(fields[countersName], r))
	for _, err := range c.Validate() {
		var f *detectors.Fault
		if !errors.As(err, &f) {
			continue
		}
		if top, _, _ := strings.Cut(f.Field, "."); !p.bad[top] {
			at := fields[top]
			if at == nil {
				at = n
			}
			p.faults = append(p.faults, fmt.Errorf("line %d: %s: %w", at.Line, p.rule, err))
		}
	}
	if len(p.faults) > before {
		return nil
	}
	return r
}

// nameOf finds the name of a rule before it is read, so that each of its faults can say it.
func nameOf(n *yaml.Node) string {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "name" && n.Content[i+1].Kind == yaml.ScalarNode {
			return clipped(strings.TrimSpace(n.Content[i+1].Value))
		}
	}
	return ""
}

// when compiles the condition, in the language with the rule's counters.
func (p *parser) when(fields map[string]*yaml.Node, r *Rule, l *language) {
	r.When = p.text(fields, "when", true)
	if p.bad["when"] || l == nil {
		return
	}
	e := p.compile(l, fields["when"], "when", r.When)
	if e == nil {
		return
	}
	p.asked(e, r)
	r.condition = condition{e.program, newSubject(l.groups)}
	r.Cost, r.Watched = r.Cost+e.cost, r.Watched || e.watched
	r.custom.Needs, r.custom.Verdict = r.custom.Needs|e.needs, r.custom.Verdict || e.verdict
	if r.Cost > costLimit {
		p.fault(fields[countersName], countersName, "with its counters, it could cost %d for one access; want at most %d: fewer loops, shorter patterns",
			r.Cost, costLimit)
	}
	ofPair := slices.ContainsFunc(r.custom.Counters, func(c detectors.Counter) bool { return c.Verdict && c.Per == detectors.KeyPair })
	if (e.verdict || ofPair) && r.custom.Peers == detectors.PeersAll && r.custom.Key == detectors.KeyPair {
		p.fault(fields["usual"], "usual", "all compares with accesses that a document explains, and this rule asks for the reason: want peers")
	}
}

// compile checks an expression; nil when there is something wrong with it.
func (p *parser) compile(l *language, n *yaml.Node, field, text string) *expression {
	e, err := l.compile(text)
	if err == nil {
		return e
	}
	for line := range strings.Lines(err.Error()) {
		p.fault(n, field, "%s", strings.TrimSpace(line))
	}
	return nil
}

// count reads what is counted.
func (p *parser) count(n *yaml.Node, c *detectors.Custom) {
	if n == nil {
		return
	}
	fields := p.mapping(n, "count", "of", "over")
	all := []string{detectors.CountAccesses.String(), detectors.CountRecords.String(), detectors.CountReaders.String()}
	prefixed := map[string]*yaml.Node{"count.of": fields["of"], "count.over": fields["over"]}
	c.Counted = detectors.Counted(p.choice(prefixed, "count.of", all, 0))
	c.Over = p.stretch(prefixed, "count.over")
}

// stretch reads how long something is counted; 0 is the local day.
func (p *parser) stretch(fields map[string]*yaml.Node, name string) time.Duration {
	over := p.text(fields, name, false)
	n := fields[name]
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" || over == "day" {
		return 0
	}
	if days, found := strings.CutSuffix(over, "d"); found {
		if _, err := strconv.Atoi(days); err == nil {
			p.fault(n, name, "want a duration of at most 24h, like 15m or 2h, or day: what is counted is counted anew with each local day")
			return 0
		}
	}
	d, err := time.ParseDuration(over)
	if err != nil || d <= 0 {
		p.fault(n, name, "%q is not a duration; want one like 15m or 2h, or day", over)
		return 0
	}
	return d
}

// grades reads the scale and how often each grade is seen in misuse.
func (p *parser) grades(fields map[string]*yaml.Node, c *detectors.Custom) {
	list := fields["grades"]
	if list != nil && list.Kind == refused {
		return
	}
	if list == nil || list.Kind != yaml.SequenceNode {
		p.fault(list, "grades", "want a list of {at_least: 1, word: \"...\"}")
		return
	}
	for _, n := range list.Content {
		f := p.mapping(n, "grades", "at_least", "word")
		prefixed := map[string]*yaml.Node{"grades.word": f["word"]}
		if f != nil {
			c.Grades = append(c.Grades, detectors.CustomGrade{
				AtLeast: p.number(f["at_least"], "grades.at_least", 0), Word: p.text(prefixed, "grades.word", false),
			})
		}
	}
	n := len(c.Grades)
	misuse := fields["misuse"]
	switch {
	case misuse == nil:
		for i := range c.Grades {
			c.Grades[i].Misuse = defaultNoticed * (i + 1) * 2 / (n * (n + 1))
		}
	case misuse.Kind == refused:
	case misuse.Kind != yaml.SequenceNode || len(misuse.Content) != n:
		p.fault(misuse, "misuse", "want a list of %d numbers, one for each grade", n)
	default:
		for i, m := range misuse.Content {
			c.Grades[i].Misuse = p.number(m, "misuse", 0)
		}
	}
}

// refused is the kind of a value that has its fault already.
const refused = yaml.Kind(0)

// mapping reads the keys of a mapping: known ones, each once. Anchors are refused: a file says everything where it stands.
func (p *parser) mapping(n *yaml.Node, field string, known ...string) map[string]*yaml.Node {
	if n.Kind == refused {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		p.fault(n, field, "want keys: %s", strings.Join(known, ", "))
		return nil
	}
	out := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		name := k.Value
		at := name
		if field != "" {
			at = field + "." + name
		}
		switch {
		case k.Kind != yaml.ScalarNode || !slices.Contains(known, name):
			p.fault(k, field, "%q is no key here; want %s", clipped(name), strings.Join(known, ", "))
		case out[name] != nil:
			p.fault(k, at, "stands there twice")
		case v.Kind == yaml.AliasNode || v.Anchor != "":
			p.fault(v, at, "anchors and aliases are not read")
			out[name] = &yaml.Node{Kind: refused, Line: v.Line}
		default:
			out[name] = v
		}
	}
	return out
}

// clipped is the beginning of a text that is shown as a fault.
func clipped(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

func (p *parser) text(fields map[string]*yaml.Node, name string, required bool) string {
	n := fields[name]
	switch {
	case n == nil && required:
		p.fault(nil, name, "missing")
	case n == nil || n.Kind == refused:
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null":
		p.fault(n, name, "want a text")
	default:
		return strings.TrimSpace(n.Value)
	}
	return ""
}

// choice is the index of one of several words; without the key it is fallback, or a fault where that is negative.
func (p *parser) choice(fields map[string]*yaml.Node, name string, words []string, fallback int) int {
	word := p.text(fields, name, fallback < 0)
	i := slices.Index(words, word)
	if i >= 0 {
		return i
	}
	if n := fields[name]; n != nil && n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		p.fault(n, name, "%q is none of %s", clipped(word), strings.Join(words, ", "))
	}
	return max(fallback, 0)
}

func (p *parser) boolean(fields map[string]*yaml.Node, name string) bool {
	n := fields[name]
	if n == nil || n.Kind == refused {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		p.fault(n, name, "want true or false")
	}
	return strings.EqualFold(n.Value, "true")
}

func (p *parser) number(n *yaml.Node, name string, fallback int) int {
	if n == nil || n.Kind == refused {
		return fallback
	}
	i, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil || i > math.MaxInt32 || i < math.MinInt32 {
		p.fault(n, name, "want a whole number")
		return fallback
	}
	return i
}
