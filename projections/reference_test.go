package projections_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/google/go-cmp/cmp"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

type testingT = testing.TB

// reference is the fold of a journal written a second time, as plainly as it can be: table name to rows, each row its
// values in the order of the table's columns. Tables whose rows merge are maps from the key to the rest.
type reference struct {
	rows   map[string][][]any
	merged map[string]map[string][]any
}

func hash(text string) uint64 { return max(xxhash.Sum64String(text), 2) }

func idKey(id *v1.Identifier) uint64 {
	if id.GetValue() == "" {
		return 0
	}
	return hash(id.System + "|" + id.Value)
}

func stamp(us int64) string { return time.UnixMicro(us).UTC().Format("2006-01-02 15:04:05.000000") }

func ksuid(id []byte) string {
	if len(id) == 0 {
		return ""
	}
	e, err := proto.EventIDFromBytes(id)
	if err != nil {
		panic(err)
	}
	return e.String()
}

func importKey(id []byte) uint64 {
	if len(id) == 0 {
		return 0
	}
	return max(xxhash.Sum64(id), 2)
}

// foldJournal folds every message of a journal.
func foldJournal(t testing.TB, j *memoryJournal) *reference {
	t.Helper()
	ref := &reference{rows: map[string][][]any{}, merged: map[string]map[string][]any{}}
	for i, message := range j.messages {
		b, err := j.codec.Decode(uint64(i+1), message)
		if err != nil {
			t.Fatal(err)
		}
		items, err := b.Items()
		if err != nil {
			t.Fatal(err)
		}
		counts := map[string]*[5]int{}
		for k, it := range items {
			ref.item(uint64(b.Position(k)), b.Head.ReceivedUs, it, counts)
		}
		for key, c := range counts {
			source, hour, _ := strings.Cut(key, "\x00")
			ref.merge("source_counts", []any{source, hour, i + 1}, []any{c[0], c[1], c[2], c[3], c[4]}, nil)
		}
	}
	return ref
}

func (r *reference) add(table string, values ...any) { r.rows[table] = append(r.rows[table], values) }

// merge keeps one row a key; combine folds a second row into the first.
func (r *reference) merge(table string, key []any, rest []any, combine func(old, new []any)) {
	if r.merged[table] == nil {
		r.merged[table] = map[string][]any{}
	}
	text := canonical(key)
	if old, ok := r.merged[table][text]; ok {
		combine(old, rest)
		return
	}
	r.merged[table][text] = rest
}

func (r *reference) item(pos uint64, received int64, it *v1.Item, counts map[string]*[5]int) {
	rec := stamp(received)
	switch b := it.Body.(type) {
	case *v1.Item_Access:
		r.access(pos, received, b.Access, len(it.ConflictsWith) > 0, counts)
	case *v1.Item_Context:
		r.context(pos, rec, b.Context)
	case *v1.Item_DeadLetter:
		d := b.DeadLetter
		r.add("dead_letters", pos, rec, ksuid(d.EventId), d.Source, d.Reason, d.Message, d.Element, d.Origin, d.Line, d.Column, d.SizeBytes, d.Format, importKey(d.ImportId))
	case *v1.Item_DeadLetterRetried:
		d := b.DeadLetterRetried
		r.add("dead_letter_retries", d.DeadLetterPosition, pos, rec, ksuid(d.DeadLetterId), ksuid(d.EventId), d.Position, d.Reason, d.Asker)
	case *v1.Item_ImportMark:
		m := b.ImportMark
		r.add("imports", importKey(m.ImportId), pos, rec, hex.EncodeToString(m.ImportId), int(m.Phase), m.Source, m.Backfill, m.Name, m.Stored, m.Duplicates, m.Conflicts, m.DeadLetters)
	case *v1.Item_Source:
		s := b.Source
		r.add("sources", s.Name, pos, rec, s.Owner, s.TimeZone, int(s.IdentityPolicy), s.BaseUrl, s.Systems, s.ExpectedSilenceS, s.Disabled, s.Asker, s.PatientSystem, s.ReaderSystem, s.PairWithinS)
	case *v1.Item_Coverage:
		c := b.Coverage
		r.add("coverage", c.Source, int(c.Kind), stamp(c.FromUs), pos, stamp(c.UntilUs), c.Amount, rec)
	case *v1.Item_Question:
		r.question(pos, rec, b.Question)
	case *v1.Item_AlertDecision:
		d := b.AlertDecision
		r.add("decisions", ksuid(d.AlertId), pos, rec, d.Version, int(d.Disposition), d.Comment, d.Asker, d.Role, stamp(d.DecidedUs))
	case *v1.Item_BackfillReleased:
		r.add("backfill_releases", importKey(b.BackfillReleased.ImportId), pos, rec, hex.EncodeToString(b.BackfillReleased.ImportId), b.BackfillReleased.Asker)
	case *v1.Item_ContextGap:
		g := b.ContextGap
		r.add("context_gaps", g.Context, pos, rec, g.Absent, stamp(g.NewestUs), append([]string{}, g.Blind...))
	case *v1.Item_RuleSet:
		x := b.RuleSet
		r.add("rule_sets", hex.EncodeToString(x.Hash), pos, rec, x.Code, x.Config, x.Weights, x.Asker)
	case *v1.Item_ScopeFrozen:
		body, err := protobuf.MarshalOptions{Deterministic: true}.Marshal(b.ScopeFrozen)
		if err != nil {
			panic(err)
		}
		r.add("frozen_scopes", pos, rec, string(body))
	case *v1.Item_CaseEntry:
		r.caseEntry(pos, rec, b.CaseEntry, len(it.ConflictsWith) > 0)
	case *v1.Item_ViewEntry:
		e := b.ViewEntry
		body, err := protobuf.MarshalOptions{Deterministic: true}.Marshal(e)
		if err != nil {
			panic(err)
		}
		page := 5
		if e.GetQuestion().GetRecord() != nil {
			page = 1
		}
		r.add("views", ksuid(e.ViewId), pos, rec, e.Version, e.Owner, e.Shared, e.Deleted, page, string(body))
	case *v1.Item_GlassBroken:
		g := b.GlassBroken
		r.add("broken_glass", ksuid(g.GlassId), pos, rec, false, g.Asker, g.Role, g.Reason, 0, stamp(g.AtUs), stamp(g.UntilUs),
			append([]string{}, g.Limits.GetSites()...), append([]string{}, g.Limits.GetDepartments()...), g.Limits.GetNothing())
	case *v1.Item_GlassReviewed:
		g := b.GlassReviewed
		r.add("broken_glass", ksuid(g.GlassId), pos, rec, true, g.Asker, g.Role, g.Note, int(g.Verdict), stamp(g.AtUs), stamp(0), []string{}, []string{}, false)
	}
}

func (r *reference) caseEntry(pos uint64, rec string, e *v1.CaseEntry, conflict bool) {
	body, err := protobuf.MarshalOptions{Deterministic: true}.Marshal(e)
	if err != nil {
		panic(err)
	}
	step, question, alerts, addressee := 0, uint32(0), []string{}, ""
	switch b := e.Body.(type) {
	case *v1.CaseEntry_Opened:
		step = 10
		for _, id := range b.Opened.Alerts {
			alerts = append(alerts, ksuid(id))
		}
	case *v1.CaseEntry_Alerts:
		step = 11
		for _, id := range b.Alerts.Added {
			alerts = append(alerts, ksuid(id))
		}
	case *v1.CaseEntry_Noted:
		step = 13
	case *v1.CaseEntry_Asked:
		step, question, addressee = 14, b.Asked.Question, b.Asked.To
	case *v1.CaseEntry_Answered:
		step, question = 15, b.Answered.Question
	}
	if conflict {
		alerts = []string{}
	}
	r.add("cases", ksuid(e.CaseId), pos, rec, e.Version, step, question, e.Asker, e.Role, stamp(e.AtUs), alerts, string(body), addressee)
}

func (r *reference) question(pos uint64, rec string, q *v1.Question) {
	kind := 0
	var all []*v1.Identifier
	if q.Patient != nil {
		kind, all = 1, append(all, q.Patient)
	} else if q.Reader != nil {
		kind, all = 2, append(all, q.Reader)
	} else if len(q.Subjects) > 0 {
		kind = 1
	}
	all = append(all, q.Subjects...)
	seen := map[string]bool{}
	n := 0
	glass := ""
	if q.Glass != nil {
		glass = ksuid(q.Glass.GlassId)
	}
	row := func(id *v1.Identifier) {
		r.add("questions", idKey(id), pos, n, kind, id.GetSystem(), id.GetValue(), rec, ksuid(q.QuestionId), q.Asker, q.Role, q.Query, q.Purpose, q.Rows, q.Page, q.Position, q.Summary, stamp(q.AskedUs), glass)
		n++
	}
	for _, id := range all {
		if k := id.System + "|" + id.Value; !seen[k] {
			seen[k] = true
			row(id)
		}
	}
	if n == 0 {
		row(nil)
	}
}

func (r *reference) access(pos uint64, received int64, e *v1.AccessEvent, conflict bool, counts map[string]*[5]int) {
	occurred := e.OccurredUs
	if occurred == 0 {
		occurred = e.RecordedUs
	}
	if occurred == 0 {
		occurred = received
	}
	readerID := &v1.Identifier{}
	if e.Reader != nil {
		if len(e.Reader.Identifiers) > 0 {
			readerID = e.Reader.Identifiers[0]
		} else if e.Reader.Name != "" {
			readerID = &v1.Identifier{System: "source:" + e.Source + "#name", Value: e.Reader.Name}
		}
	}
	type who struct {
		key  uint64
		id   *v1.Identifier
		text string
	}
	var patients []who
	known := map[string]bool{}
	unresolved := false
	for _, p := range e.Patients {
		w := who{id: &v1.Identifier{}, text: p.Text}
		dedupe := ""
		switch {
		case len(p.Identifiers) > 0:
			w.id = p.Identifiers[0]
			w.key, dedupe = idKey(w.id), "id"+w.id.System+"|"+w.id.Value
		case p.Text != "":
			w.key, dedupe, unresolved = 1, "text"+p.Text, true
		default:
			continue
		}
		if !known[dedupe] {
			known[dedupe] = true
			patients = append(patients, w)
		}
	}
	count := len(patients)
	if count == 0 {
		patients = []who{{id: &v1.Identifier{}}}
	}
	delay := any(int64(math.MinInt64))
	if e.RecordedUs != 0 {
		delay = e.RecordedUs - occurred
	}
	purposes, labels, flags := []string{}, []string{}, append([]string{}, e.Flags...)
	for _, p := range e.Purposes {
		text := p.Code
		if text == "" {
			text = p.Display
		}
		if !slices.Contains(purposes, text) {
			purposes = append(purposes, text)
		}
	}
	types, systems, values, names, sizes := []string{}, []string{}, []string{}, []string{}, []uint32{}
	every := slices.Clone(e.Sensitivity)
	for _, o := range e.Objects {
		types, systems, values = append(types, o.Type), append(systems, o.Id.GetSystem()), append(values, o.Id.GetValue())
		names, sizes = append(names, o.Name), append(sizes, o.Count)
		every = append(every, o.Sensitivity...)
	}
	for _, l := range every {
		if !slices.Contains(labels, l) {
			labels = append(labels, l)
		}
	}
	if conflict {
		flags = append(flags, "conflict")
	}
	application := e.Application.GetName() + e.Application.GetId().GetValue()
	behalf := e.OnBehalfOf.GetName()
	if behalf == "" && len(e.OnBehalfOf.GetIdentifiers()) > 0 {
		behalf = e.OnBehalfOf.Identifiers[0].Value
	}
	pair := uint64(0)
	if e.RequestId != "" {
		pair = xxhash.Sum64String(e.RequestId) >> 24
	}
	role := e.Reader.GetRole()
	for n, p := range patients {
		r.add("accesses_by_patient", p.key, stamp(occurred), pos, n, count, p.id.System, p.id.Value, p.text, stamp(received), delay,
			int(e.Action), e.ActionCode, int(e.Outcome), int(e.Mode), readerID.System, readerID.Value, e.Reader.GetName(), int(e.Reader.GetType()),
			role.GetSystem(), role.GetCode(), role.GetDisplay(), e.Reader.GetDepartment(), types, systems, values, names, sizes,
			e.Encounter.GetSystem(), e.Encounter.GetValue(), application, behalf, e.Organization, e.Site, e.Workstation, e.NetworkAddress,
			purposes, e.BreakGlass, labels, e.Source, flags, importKey(e.ImportId), pair)
		r.add("accesses_by_reader", idKey(readerID), stamp(occurred), pos, n, p.key, readerID.System, readerID.Value, stamp(received),
			int(e.Action), int(e.Outcome), int(e.Mode), e.BreakGlass, e.Site, e.Workstation, e.NetworkAddress, e.Source, importKey(e.ImportId), pair,
			sorted(types), sorted(labels), groupKey(e.Reader))
		r.touch(idKey(readerID), p.key, occurred, pos, e.BreakGlass)
		if p.key == 1 {
			r.identifier(3, &v1.Identifier{Value: p.text}, p.text, pos)
		}
	}
	r.eventIdentity(pos, e)
	if group := groupKey(e.Reader); group != 0 && idKey(readerID) != 0 {
		key := []any{group, stamp(occurred)[:10], idKey(readerID), escaped(readerID.System) + "\x1f" + escaped(readerID.Value), e.Reader.Department, roleText(e.Reader)}
		r.merge("reader_groups", key, []any{pos}, func(old, new []any) { old[0] = min(old[0].(uint64), new[0].(uint64)) })
	}
	for _, place := range []string{"workstation|" + e.Workstation, "address|" + e.NetworkAddress} {
		if strings.HasSuffix(place, "|") {
			continue
		}
		r.merge("place_readers", []any{max(xxhash.Sum64String(place), 2), stamp(occurred)[:8] + "01", idKey(readerID)}, []any{uint64(1) << (time.UnixMicro(occurred).UTC().Day() - 1), pos}, func(old, new []any) {
			old[0], old[1] = old[0].(uint64)|new[0].(uint64), min(old[1].(uint64), new[1].(uint64))
		})
	}
	hour := time.UnixMicro(occurred).UTC().Truncate(time.Hour).Format("2006-01-02 15:04:05")
	c := counts[e.Source+"\x00"+hour]
	if c == nil {
		c = new([5]int)
		counts[e.Source+"\x00"+hour] = c
	}
	for i, yes := range []bool{true, count == 0, unresolved, e.BreakGlass, e.Outcome > 1} {
		if yes {
			c[i]++
		}
	}
	extent := func() []any {
		return []any{stamp(occurred), stamp(occurred), stamp(received), stamp(received), pos, pos}
	}
	widen := func(old, new []any) {
		for i := range old {
			if smaller := less(new[i], old[i]); smaller == (i%2 == 0) {
				old[i] = new[i]
			}
		}
	}
	r.merge("source_hours", []any{e.Source, hour}, extent(), widen)
	r.merge("source_extents", []any{e.Source, stamp(received)[:8] + "01"}, extent(), widen)
}

// escaped is a field of a packed text.
func escaped(field string) string {
	return strings.NewReplacer("\x1f", "\x1eu", "\x1e", "\x1er").Replace(field)
}

// roleText is what an event says of the role: the code, else the text.
func roleText(r *v1.Reader) string {
	if code := r.GetRole().GetCode(); code != "" {
		return code
	}
	return r.GetRole().GetDisplay()
}

// groupKey is the group of a reader: what is stated of department and role, whatever the case of its letters.
func groupKey(r *v1.Reader) uint64 {
	department, role := strings.ToLower(strings.TrimSpace(r.GetDepartment())), strings.ToLower(strings.TrimSpace(roleText(r)))
	if department == "" && role == "" {
		return 0
	}
	return hash(department + "\x1f" + role)
}

// sorted is a set of texts in order, without the empty one.
func sorted(list []string) []string {
	out := slices.Compact(slices.Sorted(slices.Values(list)))
	return append([]string{}, slices.DeleteFunc(out, func(text string) bool { return text == "" })...)
}

// less compares two times or two positions.
func less(a, b any) bool {
	if x, ok := a.(uint64); ok {
		return x < b.(uint64)
	}
	return a.(string) < b.(string)
}

func (r *reference) touch(reader, patient uint64, occurred int64, pos uint64, broke bool) {
	day := stamp(occurred)[:10]
	union := func(at int) func(old, new []any) {
		return func(old, new []any) {
			set := old[at].([]uint32)
			for _, v := range new[at].([]uint32) {
				if !slices.Contains(set, v) {
					set = append(set, v)
				}
			}
			slices.Sort(set)
			old[at] = set
		}
	}
	if reader != 0 {
		set, flag := []uint32{}, 0
		if patient > 1 {
			set = append(set, uint32(patient))
		}
		if broke {
			flag = 1
		}
		r.merge("reader_days", []any{day, reader}, []any{set, flag}, func(old, new []any) {
			union(0)(old, new)
			old[1] = max(old[1].(int), new[1].(int))
		})
	}
	if patient > 1 {
		set := []uint32{}
		if reader != 0 {
			set = append(set, uint32(reader))
		}
		r.merge("patient_days", []any{day, patient}, []any{set}, union(0))
	}
	if reader != 0 && patient > 1 {
		r.merge("first_seen", []any{reader, patient}, []any{stamp(occurred), pos}, func(old, new []any) {
			for i := range old {
				if less(new[i], old[i]) {
					old[i] = new[i]
				}
			}
		})
	}
}

// identity adds what is said of an identifier: a name, with its text, or a link.
func (r *reference) identity(kind int, key, version, pos uint64, text string, fields ...string) {
	for i, f := range fields {
		fields[i] = strings.ReplaceAll(strings.ReplaceAll(f, "\x1e", "\x1er"), "\x1f", "\x1eu")
	}
	r.merge("identities", []any{kind, key, strings.Join(fields, "\x1f"), version}, []any{text, pos}, func(old, new []any) {
		old[0] = max(old[0].(string), new[0].(string))
		old[1] = min(old[1].(uint64), new[1].(uint64))
	})
}

func (r *reference) identifier(kind int, id *v1.Identifier, text string, pos uint64) {
	r.identity(10+kind, idKey(&v1.Identifier{Value: strings.ToLower(strings.TrimSpace(id.Value))}), 0, pos, text, id.System, id.Value)
}

func (r *reference) eventIdentity(pos uint64, e *v1.AccessEvent) {
	link := func(kind int, a, b *v1.Identifier) {
		r.identity(kind, idKey(a), 0, pos, "", a.System, a.Value, b.System, b.Value, e.Source)
		r.identity(kind, idKey(b), 0, pos, "", b.System, b.Value, a.System, a.Value, e.Source)
	}
	person := func(kind int, ids []*v1.Identifier, text string) {
		for i, id := range ids {
			r.identifier(kind, id, text, pos)
			if i > 0 && !cmp.Equal(id.System+"|"+id.Value, ids[0].System+"|"+ids[0].Value) {
				link(kind, ids[0], id)
			}
		}
	}
	for _, p := range e.Patients {
		person(1, p.Identifiers, p.Text)
		if len(p.Identifiers) > 0 {
			id := p.Identifiers[0]
			r.identity(1, idKey(id), 0, pos, "", id.System, id.Value, "", "", "")
		}
	}
	switch {
	case e.Reader == nil:
	case len(e.Reader.Identifiers) > 0:
		person(2, e.Reader.Identifiers, e.Reader.Name)
	case e.Reader.Name != "":
		id := &v1.Identifier{System: "source:" + e.Source + "#name", Value: e.Reader.Name}
		r.identifier(2, id, e.Reader.Name, pos)
	}
}

func (r *reference) context(pos uint64, rec string, c *v1.ContextFact) {
	resource := hash(c.Source + "|" + c.ResourceType + "|" + c.ResourceId)
	systems, values := []string{}, []string{}
	kind := map[string]int{"Patient": 4, "Practitioner": 5}[c.ResourceType]
	links := slices.Clone(c.Links)
	for i, id := range c.Identifiers {
		systems, values = append(systems, id.System), append(values, id.Value)
		if kind == 0 {
			continue
		}
		r.identifier(kind, id, c.Display, pos)
		if i > 0 {
			links = append(links, &v1.IdentityLink{Kind: 1, From: c.Identifiers[0], To: id})
		}
	}
	r.add("context", resource, pos, rec, c.Source, c.ResourceType, c.ResourceId, c.VersionId, stamp(c.EffectiveUs), c.Display, c.Deleted, systems, values, importKey(c.ImportId))
	if c.Deleted {
		return
	}
	// The generator writes its resources from this list, so that the fold's reading of JSON meets a plain answer.
	if where, ok := homes[string(c.Resource)]; ok && c.ResourceType == "Patient" && where != [2]string{} {
		for i, id := range c.Identifiers {
			r.add("patient_addresses", idKey(id), pos, i, id.System, id.Value, where[0], where[1], resource, rec)
		}
	}
	seen := map[string]bool{}
	for _, l := range links {
		from, to := l.From.System+"|"+l.From.Value, l.To.System+"|"+l.To.Value
		if name := fmt.Sprint(l.Kind, from, "\x00", to); from == to || seen[name] {
			continue
		} else {
			seen[name] = true
		}
		as := func(end string) []string {
			return []string{c.Source, fmt.Sprint(resource), fmt.Sprint(int(l.Kind)), end, c.ResourceType}
		}
		r.identity(3, idKey(l.From), pos, pos, "", append([]string{l.From.System, l.From.Value, l.To.System, l.To.Value}, as("0")...)...)
		r.identity(3, idKey(l.To), pos, pos, "", append([]string{l.To.System, l.To.Value, l.From.System, l.From.Value}, as("1")...)...)
	}
}

// mergedTables are the tables whose rows merge by key: how many columns the key has in the reference, and the select
// that merges them.
var mergedTables = map[string]struct{ key, rest string }{
	"identities":     {"kind, key, said, version", "max(text), min(position)"},
	"reader_groups":  {"group_key, day, reader_key, reader, department, role", "min(position)"},
	"place_readers":  {"place_key, month, reader_key", "groupBitOr(days), min(position)"},
	"source_hours":   {"source, hour", "min(first_occurred), max(last_occurred), min(first_received), max(last_received), min(first_position), max(last_position)"},
	"source_counts":  {"source, hour, sequence", "max(events), max(patientless), max(unresolved), max(break_glass), max(failed)"},
	"source_extents": {"source, month", "min(first_occurred), max(last_occurred), min(first_received), max(last_received), min(first_position), max(last_position)"},
	"reader_days":    {"day, reader_key", "arraySort(groupUniqArrayArray(patients)), max(break_glass)"},
	"patient_days":   {"day, patient_key", "arraySort(groupUniqArrayArray(readers))"},
	"first_seen":     {"reader_key, patient_key", "min(occurred), min(position)"},
}

// canonical is a row as text that does not depend on who wrote the JSON.
func canonical(row any) string {
	var text []byte
	if s, ok := row.(string); ok {
		text = []byte(s)
	} else {
		var err error
		if text, err = json.Marshal(row); err != nil {
			panic(err)
		}
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(fmt.Sprintf("%v: %s", err, text))
	}
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(out)
}

// fieldsOf are the fields of the path tables as the views over them show them, many of them packed: the comparison holds both the
// packing and the views to the event.
var fieldsOf = map[string]string{
	"accesses_by_patient": `patient_key occurred position patient_ordinal patient_count patient_system patient_value patient_text received
		recorded_delay action action_code outcome mode reader_system reader_value reader_name reader_type reader_role_system reader_role
		reader_role_display department object_types object_systems object_values object_names object_counts encounter_system
		encounter_value application on_behalf_of organization site workstation network_address purposes break_glass sensitivity source
		flags import_key pair_key`,
	"accesses_by_reader": `reader_key occurred position patient_ordinal patient_key reader_system reader_value received action outcome mode
		break_glass site workstation network_address source import_key pair_key part_names sensitivity_labels
		group_key`,
}

// checkTables compares every table of a version with the fold of the journal, row for row.
func checkTables(t testing.TB, s *store.Store, j *memoryJournal, version uint32) {
	t.Helper()
	want := foldJournal(t, j)
	for name, columns := range projections.Tables(version) {
		base := name[:strings.LastIndex(name, "_v")]
		if fields, ok := fieldsOf[base]; ok {
			columns = strings.Fields(fields)
			name = base + "_fields" + name[len(base):]
		}
		list, group := strings.Join(columns, ", "), ""
		var expected []string
		if m, ok := mergedTables[base]; ok {
			list, group = m.key+", "+m.rest, " GROUP BY "+m.key
			for key, rest := range want.merged[base] {
				expected = append(expected, canonical(strings.TrimSuffix(key, "]")+","+strings.TrimPrefix(canonical(rest), "[")))
			}
		} else {
			for _, row := range want.rows[base] {
				expected = append(expected, canonical(row))
			}
		}
		got := readRows(t, s, fmt.Sprintf("SELECT toJSONString(tuple(%s)) FROM %s%s", list, name, group))
		slices.Sort(expected)
		if !slices.Equal(expected, got) {
			t.Errorf("%s: %d rows, want %d; fold (-) and table (+): %s", name, len(got), len(expected), head(cmp.Diff(expected, got), 3000))
		}
	}
}

func readRows(t testing.TB, s *store.Store, query string) []string {
	t.Helper()
	var got []string
	err := s.Query(context.WithoutCancel(t.Context()), query+" SETTINGS output_format_json_quote_64bit_integers = 0, output_format_json_named_tuples_as_objects = 0", nil, func(row store.Row) error {
		var text string
		err := row.Scan(&text)
		got = append(got, canonical(text))
		return err
	})
	if err != nil {
		t.Fatalf("%v: %s", err, store.Detail(err))
	}
	slices.Sort(got)
	return got
}

func head(s string, n int) string { return s[:min(len(s), n)] }
