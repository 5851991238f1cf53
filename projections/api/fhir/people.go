package fhir

import (
	"slices"
	"strings"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto/fhirid"
)

// subject is what a parameter names.
type subject int

const (
	subjectPatient subject = iota
	subjectAgent
	subjectEntity
)

// people reads patients, agents and entities, as references or identifiers.
func people(about subject) reading {
	return func(p *parser, name, modifier string, values []string) *Fault {
		byID := strings.HasSuffix(name, ".identifier") || modifier == "identifier" || name == "user" || name == "identity"
		typ := ""
		switch {
		case modifier == "" || modifier == "identifier":
			if about == subjectPatient {
				typ = "Patient"
			}
		case fhirid.IsType(modifier) && (about != subjectPatient || modifier == "Patient"):
			typ = modifier
		default:
			return unsupported(name)
		}
		var list []api.Subject
		for _, value := range values {
			one, fault := subjectOf(name, value, typ, byID)
			if fault != nil {
				return fault
			}
			list = append(list, one)
		}
		p.bounded = true
		switch about {
		case subjectPatient:
			p.Patients = append(p.Patients, list)
		case subjectAgent:
			p.Readers = append(p.Readers, list)
		case subjectEntity:
			p.Entities = append(p.Entities, list)
		}
		return nil
	}
}

// subjectOf reads one identifier ("system|value", "value") or reference ("Patient/123", "123", a URL).
func subjectOf(name, value, typ string, byID bool) (api.Subject, *Fault) {
	if t, ok := parseToken(value); byID || !t.anySystem {
		switch {
		case !ok || t.code == "":
			return api.Subject{}, &Fault{name, "value", "name a value: system|value"}
		case t.anySystem || t.system == "":
			// Numbers that a source sends without a system are its own here, so that none means any.
			return api.Subject{Value: t.code}, nil
		}
		if subject, err := api.ParseSubject(t.system + "|" + t.code); err == nil && subject.Exact {
			return subject, nil
		}
		return api.Subject{}, &Fault{name, "value", "write it as system|value"}
	}
	value = unescape(value)
	if typ != "" && !strings.ContainsAny(value, "/:") {
		value = typ + "/" + value
	}
	subject, err := api.ParseSubject(value)
	if err != nil {
		return api.Subject{}, &Fault{name, "value", "write it as Type/id, an absolute URL, or system|value"}
	}
	return subject, nil
}

// observer compares who reports the event. Of it the event keeps one word, without a system.
func (p *parser) observer(name, modifier string, values []string) *Fault {
	if modifier != "" && modifier != "identifier" && !fhirid.IsType(modifier) {
		return unsupported(name)
	}
	var wanted []string
	for _, value := range values {
		t, ok := parseToken(value)
		if !ok || t.code == "" {
			return &Fault{name, "value", "name a value"}
		}
		if t.system != "" {
			p.Warnings = append(p.Warnings, Fault{name, "not-supported", "events keep no system of who reports them: values were compared alone"})
		}
		if fhirid.IsType(modifier) && modifier != "identifier" && !strings.Contains(t.code, "/") {
			t.code = modifier + "/" + t.code
		}
		wanted = append(wanted, t.code)
	}
	p.conditions = append(p.conditions, func(v *view) bool { return slices.Contains(wanted, v.ev.Observer) })
	return nil
}

// reporter compares meta.source: the registered source.
func (p *parser) reporter(name, modifier string, values []string) *Fault {
	if modifier != "" {
		return unsupported(name)
	}
	var wanted []string
	for _, value := range values {
		source, ok := strings.CutPrefix(unescape(value), "source:")
		if !ok {
			return &Fault{name, "value", "write it as meta.source does: source:NAME"}
		}
		wanted = append(wanted, source)
	}
	return p.narrow(&p.Sources, name, wanted)
}

func (p *parser) site(name, modifier string, values []string) *Fault {
	if modifier != "" {
		return unsupported(name)
	}
	var wanted []string
	for _, value := range values {
		t, ok := parseToken(value)
		if !ok || t.code == "" || t.system != "" {
			return &Fault{name, "value", "name a site, without a system"}
		}
		wanted = append(wanted, t.code)
	}
	return p.narrow(&p.Sites, name, wanted)
}

// narrow sets a list that can be named once.
func (p *parser) narrow(to *[]string, name string, wanted []string) *Fault {
	if *to != nil {
		return &Fault{name, "not-supported", "name it once; alternatives stand behind commas"}
	}
	*to = wanted
	return nil
}
