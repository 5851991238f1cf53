package rules

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"go.yaml.in/yaml/v3"

	"github.com/readtrail/readtrail/detectors"
)

// condition is an expression at work, and what it is about: one access at a time.
type condition struct {
	program cel.Program
	subject *subject
}

func (c *condition) holds(v *detectors.AccessView) (bool, error) {
	c.subject.view = v
	out, _, err := c.program.Eval(c.subject)
	c.subject.view = nil
	if err != nil {
		return false, err //nolint:wrapcheck // the caller says of what
	}
	return out == types.True, nil
}

// counter is a number that a rule's condition may ask for, as the file describes it.
type counter struct {
	// when says what it counts; "": everything.
	when string
	condition
	// at is where it begins.
	at *yaml.Node
}

// countersName is the variable whose fields they are.
const countersName = "counters"

// counters reads the counters of a rule, in the order in which they stand, and makes the language in which its condition is written; nil where nobody can
// say which there are.
func (p *parser) counters(n *yaml.Node, r *Rule) *language {
	switch {
	case n == nil:
		return p.language
	case n.Kind == refused:
		return nil
	case n.Kind != yaml.MappingNode || len(n.Content) == 0 || len(n.Content)/2 > detectors.MaxCounters:
		p.fault(n, countersName, "want 1 to %d counters by their names, like opened: {of: accesses, per: reader, over: 15m}", detectors.MaxCounters)
		return nil
	}
	c := &r.custom
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		field := countersName + "." + clipped(k.Value)
		switch {
		case k.Kind != yaml.ScalarNode:
			p.fault(k, countersName, "want names of counters")
		case slices.ContainsFunc(c.Counters, func(d detectors.Counter) bool { return d.Name == k.Value }):
			p.fault(k, field, "stands there twice")
		case v.Kind == yaml.AliasNode || v.Anchor != "":
			p.fault(v, field, "anchors and aliases are not read")
			c.Counters, r.counters = append(c.Counters, detectors.Counter{Name: k.Value}), append(r.counters, counter{at: k}) // the condition may ask for it
		default:
			p.counter(k, v, field, r)
		}
	}
	own := group{name: countersName, about: "the rule's own counters"}
	for i := range c.Counters {
		own.fields = append(own.fields, counterField(c.Counters[i].Name, i))
	}
	out, err := p.language.with(own)
	if err != nil {
		p.fault(n, countersName, "%v", err)
	}
	return out
}

// counterField is what a condition asks for to get a counter.
func counterField(name string, n int) field {
	return field{name: name, typ: cel.IntType, get: func(s *subject) ref.Val {
		i, err := s.view.Counter(n)
		if err != nil {
			return types.WrapErr(err)
		}
		return types.Int(i)
	}}
}

// counter reads one.
func (p *parser) counter(k, n *yaml.Node, field string, r *Rule) {
	fields := p.mapping(n, field, "of", "per", "over", "when")
	d, c := detectors.Counter{Name: k.Value}, counter{at: k}
	before := len(p.faults)
	if fields != nil {
		prefixed := map[string]*yaml.Node{}
		for name, value := range fields {
			prefixed[field+"."+name] = value
		}
		all := []string{detectors.CountAccesses.String(), detectors.CountRecords.String(), detectors.CountReaders.String()}
		d.Of = detectors.Counted(p.choice(prefixed, field+".of", all, 0))
		if prefixed[field+".per"] == nil {
			p.fault(n, field+".per", "missing")
		} else {
			d.Per = detectors.Key(p.choice(prefixed, field+".per", keys, 0))
		}
		d.Over = p.stretch(prefixed, field+".over")
	}
	if len(p.faults) == before {
		for _, err := range d.Validate() {
			var f *detectors.Fault
			if !errors.As(err, &f) {
				continue
			}
			at := fields[f.Field]
			if f.Field == "name" || at == nil {
				at = k
			}
			p.fault(at, strings.TrimSuffix(field+"."+f.Field, ".name"), "%s", f.Text)
		}
	}
	if fields != nil {
		p.counterWhen(fields["when"], field+".when", r, &d, &c)
	}
	r.custom.Counters, r.counters = append(r.custom.Counters, d), append(r.counters, c)
}

// counterWhen compiles the condition of a counter. What it needs, the rule needs.
func (p *parser) counterWhen(n *yaml.Node, field string, r *Rule, d *detectors.Counter, c *counter) {
	if n == nil {
		d.All = true
		return
	}
	before := len(p.faults)
	if c.when = p.text(map[string]*yaml.Node{field: n}, field, true); n.Kind == refused || len(p.faults) > before {
		return
	}
	e := p.compile(p.language, n, field, c.when)
	if e == nil {
		for i, err := range p.faults[before:] {
			if text, found := strings.CutSuffix(err.Error(), "undeclared reference to '"+countersName+"'"); found {
				p.faults[before+i] = errors.New(text + "a counter cannot ask for counters") //nolint:err113 // as every fault
			}
		}
		return
	}
	c.program, c.subject, d.Verdict = e.program, newSubject(p.language.groups), e.verdict
	r.Cost += e.cost
	r.Watched = r.Watched || e.watched
	r.custom.Needs |= e.needs
	r.custom.Verdict = r.custom.Verdict || e.verdict
}

// asked reports counters that the condition does not ask for.
func (p *parser) asked(e *expression, r *Rule) {
	for i, d := range r.custom.Counters {
		if !p.bad[countersName] && !e.asks(countersName, d.Name) {
			p.fault(r.counters[i].at, countersName+"."+clipped(d.Name), "the condition does not ask for it: want %s.%s in when", countersName, clipped(d.Name))
		}
	}
}

// Counts evaluates the condition of a counter. It asks for no counter.
func (r *Rule) Counts(n int, v *detectors.AccessView) (bool, error) {
	fits, err := r.counters[n].holds(v)
	if err != nil {
		return false, fmt.Errorf("evaluate counter %s of %s: %w", r.custom.Counters[n].Name, r.custom.Name, err)
	}
	return fits, nil
}

// describeCounters tells them in words.
func (r *Rule) describeCounters(out io.Writer) {
	for i, d := range r.custom.Counters {
		over := "on the local day"
		if d.Over != 0 {
			over = "within " + short(d.Over)
		}
		whose := [...]string{"reader in the same record", "reader", "record"}[d.Per]
		fmt.Fprintf(out, "  counter   %s: %s of the same %s %s, up to the access", d.Name, d.Of, whose, over)
		if d.All {
			fmt.Fprintln(out)
			continue
		}
		fmt.Fprintln(out, ", where")
		for line := range strings.Lines(r.counters[i].when) {
			fmt.Fprintf(out, "              %s\n", strings.TrimSpace(line))
		}
	}
}
