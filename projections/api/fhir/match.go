package fhir

import (
	"slices"
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// match asks the conditions that only the event itself can meet, of the event as it would be emitted: what a search finds is
// what the answer shows.
func (s *Search) match(e *v1.AccessEvent) bool {
	v := newView(Found{Event: e})
	for _, holds := range s.conditions {
		if !holds(v) {
			return false
		}
	}
	return true
}

// codes reads a token parameter; of are the codings that it is compared with.
func codes(of func(*view, Version) []coding) reading {
	return func(p *parser, name, modifier string, values []string) *Fault {
		if modifier != "" && modifier != "not" {
			return unsupported(name)
		}
		var wanted []token
		for _, value := range values {
			t, ok := parseToken(value)
			if !ok {
				return &Fault{name, "value", "name a code: code or system|code"}
			}
			wanted = append(wanted, t)
		}
		version := p.Version
		p.conditions = append(p.conditions, func(v *view) bool { return holdsAny(wanted, of(v, version)) != (modifier == "not") })
		return nil
	}
}

func broadKinds(v *view, version Version) []coding  { return kindsOf(v.ev, version).broad }
func narrowKinds(v *view, version Version) []coding { return kindsOf(v.ev, version).narrow }

// systemOfActions is where AuditEvent.action comes from.
const systemOfActions = "http://hl7.org/fhir/audit-event-action"

func actions(v *view, _ Version) []coding {
	if code := letter(v.ev); code != "" {
		return []coding{{System: systemOfActions, Code: code}}
	}
	return nil
}

func agentRoles(v *view, _ Version) []coding {
	var out []coding
	for _, a := range v.agents {
		out = append(out, a.role...)
	}
	return out
}

func entityRoles(v *view, _ Version) []coding {
	var out []coding
	for _, x := range v.entities {
		out = append(out, x.role)
	}
	return out
}

func entityTypes(v *view, _ Version) []coding {
	var out []coding
	for _, x := range v.entities {
		out = append(out, x.typ)
	}
	return out
}

func purposes(v *view, _ Version) []coding { return codingsOf(v.ev.Purposes) }

// wording is how a string parameter is compared: by its beginning, whatever the case, unless a modifier says otherwise.
type wording struct {
	text     string
	exact    bool
	anywhere bool
}

func (w wording) holds(text string) bool {
	switch {
	case w.exact:
		return text == w.text
	case w.anywhere:
		return strings.Contains(strings.ToLower(text), strings.ToLower(w.text))
	}
	return strings.HasPrefix(strings.ToLower(text), strings.ToLower(w.text))
}

func wordings(name, modifier string, values []string) ([]wording, *Fault) {
	if modifier != "" && modifier != "exact" && modifier != "contains" {
		return nil, unsupported(name)
	}
	var out []wording
	for _, value := range values {
		w := wording{text: unescape(value), exact: modifier == "exact", anywhere: modifier == "contains"}
		if w.text == "" {
			return nil, &Fault{name, "value", "name a text"}
		}
		out = append(out, w)
	}
	return out, nil
}

// names reads a string parameter; of are the texts that it is compared with.
func names(of func(*view) []string) reading {
	return func(p *parser, name, modifier string, values []string) *Fault {
		wanted, fault := wordings(name, modifier, values)
		if fault != nil {
			return fault
		}
		p.conditions = append(p.conditions, func(v *view) bool { return holdsText(wanted, of(v)) })
		return nil
	}
}

func holdsText(wanted []wording, texts []string) bool {
	return slices.ContainsFunc(wanted, func(w wording) bool { return slices.ContainsFunc(texts, w.holds) })
}

// address compares network addresses and, where nothing else stands in the way, has the tables look for their beginnings.
func (p *parser) address(name, modifier string, values []string) *Fault {
	wanted, fault := wordings(name, modifier, values)
	if fault != nil {
		return fault
	}
	if modifier != "contains" && p.Addresses == nil {
		for _, w := range wanted {
			p.Addresses = append(p.Addresses, strings.ToLower(w.text))
		}
	}
	p.conditions = append(p.conditions, func(v *view) bool { return holdsText(wanted, v.addresses()) })
	return nil
}

func agentNames(v *view) []string {
	var out []string
	for _, a := range v.agents {
		if a.reader.GetName() != "" {
			out = append(out, a.reader.Name)
		}
	}
	return out
}

func entityNames(v *view) []string {
	var out []string
	for _, x := range v.entities {
		if x.what != nil && x.what.Display != "" {
			out = append(out, x.what.Display)
		}
	}
	return out
}
