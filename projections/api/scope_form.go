package api

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// said says what a report's packed columns and codes mean. Rows repeat few readers, lists and codes, so each is told once.
type said struct {
	zone *time.Location
	// limited says what the asker is limited to, in every row: a file travels without its answer's header. "" for nothing.
	limited string
	lists   map[string][]string
	readers map[string]ident
	actions [256]string
	out     [256]string
	modes   [256]string
	// verdicts are by Verdict.
	verdicts [256]string
	// explanations are by Explanation.
	explanations [256]string
}

func newSaid(zone *time.Location) *said {
	s := &said{zone: zone, lists: map[string][]string{}, readers: map[string]ident{}}
	for n := range s.actions {
		s.actions[n] = word(v1.Action(n).String(), "ACTION_")
		s.out[n] = word(v1.Outcome(n).String(), "OUTCOME_")
		s.modes[n] = word(v1.AccessMode(n).String(), "ACCESS_MODE_")
		s.verdicts[n] = word(v1.Verdict(n).String(), "VERDICT_")
		s.explanations[n] = word(v1.Explanation(n).String(), "EXPLANATION_")
	}
	return s
}

// word turns an enum name into a word: ACTION_READ becomes "read".
func word(name, prefix string) string {
	text := strings.ToLower(strings.TrimPrefix(name, prefix))
	if text == "unspecified" {
		return ""
	}
	return strings.ReplaceAll(text, "_", " ")
}

func (s *said) list(packed string) []string {
	return unpacked(s.lists, packed, projections.Unpack)
}

func (s *said) reader(packed string) ident {
	return unpacked(s.readers, packed, func(text string) ident { f := fields(text); return ident{f(0), f(1)} })
}

// documents: a file says what documents a verdict, unless it has no place for it.
func (s *said) documents() bool { return true }

// verdict is what detectors say of a report; empty where they have said nothing, and of a second report.
func (s *said) verdict(r *documented) string {
	if r.class == classSecond {
		return ""
	}
	return s.verdicts[r.verdict]
}

func (s *said) explanation(r *documented) string { return s.explanations[uint8(r.explanation)] }

func (s *said) action(r *documented) string  { return s.actions[uint8(r.action)] }
func (s *said) outcome(r *documented) string { return s.out[uint8(r.outcome)] }
func (s *said) mode(r *documented) string    { return s.modes[uint8(r.mode)] }

func (s *said) time(to []byte, us int64) []byte {
	return time.UnixMicro(us).In(s.zone).AppendFormat(to, time.RFC3339Nano)
}

// csvForm writes a line a report, as RFC 4180 says. A cell that a spreadsheet would take for a formula begins with a quote
// (CWE-1236): =, +, -, @, their full-width forms, tab, carriage return or line feed at its beginning.
type csvForm struct{ *said }

func (f *csvForm) begin(to []byte, x *scoped) []byte {
	to = append(to, "occurred,class,verdict,explanation,document,patient_system,patient,patient_text,country,state,reader_system,reader,action,outcome,mode,break_glass,"+
		"parts,sensitivity,source,site,workstation,network_address,patients_in_event,position"...)
	if f.limit(x); f.limited != "" {
		to = append(to, ",limited_to"...)
	}
	return append(to, "\r\n"...)
}

// limit notes what a file is limited to.
func (s *said) limit(x *scoped) {
	if x.pin.limits.Limited() {
		s.limited = x.pin.limits.Text()
	}
}

func (f *csvForm) report(to []byte, r *documented) []byte {
	to = append(f.time(to, r.occurred), ',')
	to = append(append(to, r.class.String()...), ',')
	to = append(append(to, f.verdict(r)...), ',')
	to = appendCell(appendCell(to, f.explanation(r)), proto.DocumentText(r.document, f.zone))
	var id ident
	var text, country, state string
	if p := r.who; p != nil {
		text, country, state = p.text, p.country, p.state
		if p.resolved() {
			id = p.members[0]
		}
	}
	for _, cell := range [...]string{id.system, id.value, text, country, state} {
		to = appendCell(to, cell)
	}
	by := f.reader(r.packedReader)
	for _, cell := range [...]string{by.system, by.value, f.action(r), f.outcome(r), f.mode(r)} {
		to = appendCell(to, cell)
	}
	to = append(strconv.AppendBool(to, r.breakGlass), ',')
	to = appendCell(to, strings.Join(f.list(r.parts), "; "))
	to = appendCell(to, strings.Join(f.list(r.labels), "; "))
	for _, cell := range [...]string{r.source, r.place.site, r.place.workstation, r.place.address} {
		to = appendCell(to, cell)
	}
	to = append(strconv.AppendUint(to, uint64(r.patients), 10), ',')
	to = strconv.AppendUint(to, uint64(r.position), 10)
	if f.limited != "" {
		to = appendCell(append(to, ','), f.limited)
		to = to[:len(to)-1] // the comma behind it
	}
	return append(to, "\r\n"...)
}

func (f *csvForm) end(to []byte) []byte { return to }

// appendCell appends a cell and the comma behind it.
func appendCell(to []byte, cell string) []byte {
	if cell == "" {
		return append(to, ',')
	}
	formula := isFormula(cell)
	if !wantsQuotes(cell) {
		if formula {
			to = append(to, '\'')
		}
		return append(append(to, cell...), ',')
	}
	to = append(to, '"')
	if formula {
		to = append(to, '\'')
	}
	for i := range len(cell) {
		if cell[i] == '"' {
			to = append(to, '"')
		}
		to = append(to, cell[i])
	}
	return append(to, '"', ',')
}

// isFormula reports whether a spreadsheet would take a cell, which is not empty, for a formula.
func isFormula(cell string) bool {
	switch cell[0] {
	case '=', '+', '-', '@', '\t', '\r', '\n':
		return true
	case 0xEF:
		return strings.IndexAny(cell, "＝＋－＠") == 0
	}
	return false
}

// wantsQuotes looks at each byte: strings.ContainsAny makes a set of the wanted ones first, which takes longer than most cells.
func wantsQuotes(cell string) bool {
	for i := range len(cell) {
		switch cell[i] {
		case '"', ',', '\r', '\n':
			return true
		}
	}
	return false
}

// jsonForm writes a JSON object a line and report.
type jsonForm struct{ *said }

func (f *jsonForm) begin(to []byte, x *scoped) []byte { f.limit(x); return to }
func (f *jsonForm) end(to []byte) []byte              { return to }

func (f *jsonForm) report(to []byte, r *documented) []byte {
	to = append(to, `{"occurred":"`...)
	to = append(f.time(to, r.occurred), `","class":"`...)
	to = append(append(to, r.class.String()...), '"')
	to = appendMember(appendMember(to, "verdict", f.verdict(r)), "explanation", f.explanation(r))
	to = f.document(to, r.document)
	if p := r.who; p != nil {
		if p.resolved() {
			to = appendIdentifiers(append(to, `,"patient":`...), p.members)
		} else {
			to = appendQuoted(append(to, `,"patientText":`...), p.text)
		}
		to = appendMember(appendMember(to, "country", p.country), "state", p.state)
	}
	if by := f.reader(r.packedReader); by.value != "" {
		to = appendIdentifier(append(to, `,"reader":`...), by)
	}
	for _, m := range [...][2]string{
		{"action", f.action(r)},
		{"outcome", f.outcome(r)},
		{"mode", f.mode(r)},
		{"source", r.source},
		{"site", r.place.site},
		{"workstation", r.place.workstation},
		{"networkAddress", r.place.address},
	} {
		to = appendMember(to, m[0], m[1])
	}
	if r.breakGlass {
		to = append(to, `,"breakGlass":true`...)
	}
	to = appendTexts(appendTexts(to, "parts", f.list(r.parts)), "sensitivity", f.list(r.labels))
	to = appendMember(to, "limitedTo", f.limited)
	to = append(to, `,"patientsInEvent":`...)
	to = append(strconv.AppendUint(to, uint64(r.patients), 10), `,"position":"`...)
	return append(strconv.AppendUint(to, uint64(r.position), 10), "\"}\n"...)
}

// document tells what documents a verdict; an end that is not known is left out.
func (f *jsonForm) document(to []byte, d *v1.Document) []byte {
	if d == nil {
		return to
	}
	to = append(to, `,"document":{"text":`...)
	to = appendQuoted(to, proto.DocumentText(d, f.zone))
	to = appendMember(appendMember(appendMember(to, "source", d.Source), "type", d.Type), "id", d.Id)
	for _, end := range [...]struct {
		name string
		us   int64
	}{{"from", d.FromUs}, {"until", d.UntilUs}} {
		if end.us != 0 {
			to = append(f.time(append(append(append(to, `,"`...), end.name...), `":"`...), end.us), '"')
		}
	}
	if d.Position > 0 {
		to = appendMember(to, "position", strconv.FormatUint(d.Position, 10))
	}
	return append(to, '}')
}

func appendMember(to []byte, name, value string) []byte {
	if value == "" {
		return to
	}
	to = append(append(append(to, `,"`...), name...), `":`...)
	return appendQuoted(to, value)
}

func appendTexts(to []byte, name string, texts []string) []byte {
	if len(texts) == 0 {
		return to
	}
	to = append(append(append(to, `,"`...), name...), `":[`...)
	for i, text := range texts {
		if i > 0 {
			to = append(to, ',')
		}
		to = appendQuoted(to, text)
	}
	return append(to, ']')
}

func appendIdentifiers(to []byte, ids []ident) []byte {
	to = append(to, '[')
	for i, id := range ids {
		if i > 0 {
			to = append(to, ',')
		}
		to = appendIdentifier(to, id)
	}
	return append(to, ']')
}

func appendIdentifier(to []byte, id ident) []byte {
	to = append(to, '{')
	if id.system != "" {
		to = append(appendQuoted(append(to, `"system":`...), id.system), ',')
	}
	return append(appendQuoted(append(to, `"value":`...), id.value), '}')
}

// appendQuoted appends a JSON string. Plain text, which nearly all is, needs no second look.
func appendQuoted(to []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(text)
			if err != nil {
				quoted = []byte(`""`) // json.Marshal of a string does not fail
			}
			return append(to, quoted...)
		}
	}
	return append(append(append(to, '"'), text...), '"')
}
