package csv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Mapping says what the columns of a file mean. README.md documents every key; unknown keys are errors.
type Mapping struct {
	// Name is part of the format of every event: "csv:<name>".
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	// Extends names a preset whose keys hold where this mapping has none.
	Extends string `yaml:"extends"`
	// Target is "access" (default) or "context".
	Target string `yaml:"target"`
	// Detect lists columns that together tell this layout from others.
	Detect   []string `yaml:"detect"`
	File     File     `yaml:"file"`
	Time     Time     `yaml:"time"`
	Identity Identity `yaml:"identity"`
	// Unmapped is what becomes of columns that nothing names: "keep" (default; an extension of the event) or "drop".
	Unmapped string `yaml:"unmapped"`
	// Drop lists columns that are not kept, and do not count for what makes a row the same row.
	Drop []string `yaml:"drop"`
	// Event maps fields of the access event; see eventFields.
	Event map[string]Values `yaml:"event"`
	// Resources are what one row of a context file says.
	Resources []Resource `yaml:"resources"`
}

// File says how the text is written.
type File struct {
	// Delimiter is auto (default), tab, pipe, comma, semicolon, or one ASCII character.
	Delimiter string `yaml:"delimiter"`
	// Quote is "double" (default), "single" or "none".
	Quote string `yaml:"quote"`
	// QuotedLines is how many lines a quoted field may span. Default 50, at most 1000.
	QuotedLines int `yaml:"quoted_lines"`
	// Encoding is utf-8 (default), latin-1 or windows-1252. A byte order mark is skipped.
	Encoding string `yaml:"encoding"`
	// Header: the first row names the columns. Default true; otherwise Columns must.
	Header *bool `yaml:"header"`
	// Columns names the columns in order, where the file does not.
	Columns []string `yaml:"columns"`
	// Comment begins lines that are skipped. Default none.
	Comment string `yaml:"comment"`
	// Nulls are words that mean "no value", such as NULL.
	Nulls []string `yaml:"nulls"`
	// Trim cuts white space around values. Default true; the original keeps it.
	Trim *bool `yaml:"trim"`
}

// Time says how times are written.
type Time struct {
	// Zone is "source" (the zone that the source registered) or an IANA name. Required when a layout has no zone.
	Zone string `yaml:"zone"`
	// Layouts are tried in order: Go layouts, "unix", "unix_ms" or "unix_us".
	Layouts []string `yaml:"layouts"`
	// MissingSeconds is "refuse" (default) or "allow".
	MissingSeconds string `yaml:"missing_seconds"`
	// Ambiguous local times are taken as the "earlier" (default) or "later" instant, or "refuse"d.
	Ambiguous string `yaml:"ambiguous"`
	// Nonexistent local times are "shift"ed on (default) or "refuse"d.
	Nonexistent string `yaml:"nonexistent"`
}

// Identity says when two rows report the same event. Required.
type Identity struct {
	// Policy is native, content, content+ordinal, or source (what the source registered).
	Policy string `yaml:"policy"`
	// Columns hold the native id, together.
	Columns []string `yaml:"columns"`
}

// Resource is one context fact of a row.
type Resource struct {
	Type string `yaml:"type"`
	// ID, Effective, Display and Deleted say which resource, since when, called what, and whether it is gone.
	ID        Values `yaml:"id"`
	Effective Values `yaml:"effective"`
	Version   Values `yaml:"version"`
	Display   Values `yaml:"display"`
	Deleted   Values `yaml:"deleted"`
	// Identifiers are further identifiers of the resource; each needs a system.
	Identifiers Values `yaml:"identifiers"`
	// Fields are paths of the resource: "name[0].family".
	Fields map[string]Values `yaml:"fields"`
}

// Values are where a field comes from. A single-valued field takes the first that is not empty, the others take all.
type Values []Value

// Value is one place that a value comes from. In YAML a bare word is a column.
type Value struct {
	Column string `yaml:"column"`
	// Columns are joined by Join (default a space), empty ones left out.
	Columns []string `yaml:"columns"`
	Join    *string  `yaml:"join"`
	// Const is a value that no column holds.
	Const *string `yaml:"const"`
	// Prefix goes before a value that is not empty.
	Prefix string `yaml:"prefix"`
	// Values maps what the column says to what the field takes; "view_*" maps by prefix, "*" maps the rest.
	Values map[string]string `yaml:"values"`
	// System of an identifier or a code. Default for patients and readers: the source's; else the source itself.
	System string `yaml:"system"`
	// Required: a row without it is a dead letter.
	Required bool `yaml:"required"`
	// Optional: the file may lack the column.
	Optional bool `yaml:"optional"`
	// As is how a field of a context resource is written: string (default), date, instant, boolean, number, or system
	// (the words patient and reader are what the source registered).
	As string `yaml:"as"`
}

// UnmarshalYAML takes a column name, a mapping, or a list of either.
func (v *Values) UnmarshalYAML(node *yaml.Node) error {
	nodes := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode {
		nodes = node.Content
	}
	*v = nil
	for _, n := range nodes {
		var value Value
		if n.Kind == yaml.ScalarNode {
			value.Column = n.Value
		} else if err := strict(n, &value); err != nil {
			return err
		}
		if sources := btoi(value.Column != "") + btoi(len(value.Columns) > 0) + btoi(value.Const != nil); sources != 1 {
			return fmt.Errorf("line %d: want one of column, columns and const", n.Line)
		}
		*v = append(*v, value)
	}
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// strict decodes a node and refuses unknown keys, which yaml.Node.Decode does not.
func strict(node *yaml.Node, into any) error {
	raw, err := yaml.Marshal(node)
	if err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	return nil
}

// Parse reads a mapping in YAML, completes it with the preset that it extends, and checks it.
func Parse(text []byte) (*Mapping, error) {
	var head struct {
		Extends string `yaml:"extends"`
	}
	if err := yaml.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("read mapping: %w", err)
	}
	m := &Mapping{}
	if head.Extends != "" {
		base, err := Preset(head.Extends)
		if err != nil {
			return nil, fmt.Errorf("read mapping: extends: %w", err)
		}
		m = base
		m.Detect = nil
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("read mapping: %w", err)
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errors.New("read mapping: want one YAML document")
	}
	m.setDefaults()
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("read mapping: %w", err)
	}
	return m, nil
}

func (m *Mapping) setDefaults() {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	yes := true
	set(&m.Target, "access")
	set(&m.Unmapped, "keep")
	set(&m.File.Delimiter, "auto")
	set(&m.File.Quote, "double")
	set(&m.File.Encoding, "utf-8")
	set(&m.Time.MissingSeconds, "refuse")
	set(&m.Time.Ambiguous, "earlier")
	set(&m.Time.Nonexistent, "shift")
	if m.File.QuotedLines == 0 {
		m.File.QuotedLines = 50
	}
	if m.File.Header == nil {
		m.File.Header = &yes
	}
	if m.File.Trim == nil {
		m.File.Trim = &yes
	}
}

// Validate reports all faults at once.
func (m *Mapping) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	one := func(key, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			fault("%s: want one of %s", key, strings.Join(allowed, ", "))
		}
	}
	if m.Name == "" || len(m.Name) > 63 || strings.ContainsFunc(m.Name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	}) {
		fault("name: want 1 to 63 of a-z, 0-9, '.', '_' and '-'")
	}
	one("target", m.Target, "access", "context")
	one("unmapped", m.Unmapped, "keep", "drop")
	one("file.quote", m.File.Quote, "double", "single", "none")
	one("file.encoding", m.File.Encoding, "utf-8", "latin-1", "windows-1252")
	one("time.missing_seconds", m.Time.MissingSeconds, "refuse", "allow")
	one("time.ambiguous", m.Time.Ambiguous, "earlier", "later", "refuse")
	one("time.nonexistent", m.Time.Nonexistent, "shift", "refuse")
	one("identity.policy", m.Identity.Policy, "native", "content", "content+ordinal", "source")
	if _, err := delimiterOf(m.File.Delimiter); err != nil {
		fault("file.delimiter: %w", err)
	}
	if m.File.QuotedLines < 1 || m.File.QuotedLines > 1000 {
		fault("file.quoted_lines: want 1 to 1000")
	}
	if *m.File.Header == (len(m.File.Columns) > 0) {
		fault("file: want header: true, or header: false with columns in order")
	}
	if len(m.File.Columns) > MaxColumns {
		fault("file.columns: at most %d", MaxColumns)
	}
	if (m.Identity.Policy == "native") != (len(m.Identity.Columns) > 0) && m.Identity.Policy != "source" {
		fault("identity: native needs columns, and nothing else takes them")
	}
	m.validateTime(fault)
	m.validateTarget(fault)
	return errors.Join(errs...)
}

func (m *Mapping) validateTime(fault func(string, ...any)) {
	c, err := newClock(m.Time, time.UTC)
	if err != nil {
		fault("%w", err)
	}
	zoned := true
	for _, l := range c.layouts {
		zoned = zoned && l.zoned
	}
	if m.Time.Zone == "" && !zoned {
		fault("time.zone: a layout has no zone: say source, or an IANA name")
	}
	if m.Time.Zone != "" && m.Time.Zone != "source" {
		if _, err := time.LoadLocation(m.Time.Zone); err != nil || m.Time.Zone == "Local" {
			fault("time.zone: no IANA zone has this name")
		}
	}
}

func (m *Mapping) validateTarget(fault func(string, ...any)) {
	if m.Target == "context" {
		if len(m.Event) > 0 || len(m.Resources) == 0 {
			fault("resources: a context mapping has resources and no event")
		}
		if m.Identity.Policy == "native" || m.Identity.Policy == "content+ordinal" {
			fault("identity.policy: a context fact is identified by its content: say content")
		}
		for i, r := range m.Resources {
			r.validate(fmt.Sprintf("resources[%d]", i), len(m.Time.Layouts) > 0, fault)
		}
		return
	}
	if len(m.Resources) > 0 || len(m.Event) == 0 {
		fault("event: an access mapping has an event and no resources")
	}
	if len(m.Event["occurred"]) == 0 {
		fault("event.occurred: required")
	}
	if len(m.Time.Layouts) == 0 {
		fault("time.layouts: required")
	}
	for name, values := range m.Event {
		if _, known := eventFields[name]; !known {
			fault("event.%s: no such field", name)
		}
		for _, v := range values {
			if err := v.checkWords(name); err != nil {
				fault("event.%s: %w", name, err)
			}
		}
	}
}

func (r Resource) validate(at string, times bool, fault func(string, ...any)) {
	if r.Type == "" {
		fault("%s.type: required", at)
	}
	if len(r.ID) == 0 {
		fault("%s.id: required", at)
	}
	if len(r.Effective) > 0 && !times {
		fault("time.layouts: required, %s.effective is a time", at)
	}
	for _, v := range r.Identifiers {
		if v.System == "" {
			fault("%s.identifiers: a system is required", at)
		}
	}
	for path, values := range r.Fields {
		if _, err := parsePath(path); err != nil {
			fault("%s.fields.%s: %w", at, path, err)
		}
		for _, v := range values {
			switch v.As {
			case "", "string", "boolean", "number", "system":
			case "date", "instant":
				if !times {
					fault("time.layouts: required, %s.fields.%s is a time", at, path)
				}
			default:
				fault("%s.fields.%s: as: want string, date, instant, boolean, number or system", at, path)
			}
		}
	}
}

// delimiterOf returns the byte, 0 for auto.
func delimiterOf(name string) (byte, error) {
	switch name {
	case "auto":
		return 0, nil
	case "tab":
		return '\t', nil
	case "pipe":
		return '|', nil
	case "comma":
		return ',', nil
	case "semicolon":
		return ';', nil
	}
	if len(name) == 1 && name[0] < 0x80 && !strings.ContainsAny(name, "\r\n\"'") {
		return name[0], nil
	}
	return 0, errors.New("want auto, tab, pipe, comma, semicolon or one ASCII character")
}
