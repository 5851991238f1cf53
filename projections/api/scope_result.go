package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// finish puts the patients in order and hashes the scope.
func (r *scopeResult) finish() {
	seen := map[*scopePatient]bool{}
	for _, x := range r.who.byIdent {
		if !seen[x] && x.counts.reports() > 0 {
			r.patients = append(r.patients, x)
		}
		seen[x] = true
	}
	for _, x := range r.who.byText {
		r.unresolved = append(r.unresolved, x)
	}
	slices.SortFunc(r.patients, func(a, b *scopePatient) int {
		return cmp.Or(cmp.Compare(b.counts.last, a.counts.last), cmp.Compare(b.lastPosition, a.lastPosition), compareIdents(a.members[0], b.members[0]))
	})
	slices.SortFunc(r.unresolved, func(a, b *scopePatient) int { return cmp.Compare(a.text, b.text) })
	r.hash = r.canonical()
}

// all are the patients and the texts that stand for some.
func (r *scopeResult) all() []*scopePatient { return slices.Concat(r.patients, r.unresolved) }

// rows is how many rows name somebody.
func (r *scopeResult) rows() uint64 { return uint64(len(r.patients) + len(r.unresolved)) }

func (r *scopeResult) sha256() []byte { return r.hash }

func (r *scopeResult) counts() *scopeCounts {
	sum := &scopeCounts{}
	sum.add(&r.patientless)
	for _, x := range r.all() {
		sum.add(&x.counts)
	}
	return sum
}

func (r *scopeResult) totals() *v1.ScopeTotals {
	return &v1.ScopeTotals{
		Counts: r.counts().proto(), Events: r.events, Patients: uint64(len(r.patients)), Unresolved: uint64(len(r.unresolved)),
	}
}

// fill adds what the first page has besides patients.
func (r *scopeResult) fill(res *v1.BreachScopeResponse) {
	res.Parts = r.partsProto(r.parts, func(p *scopePatient) ticks { return p.parts })
	res.Sensitivity = r.partsProto(r.labels, func(p *scopePatient) ticks { return p.labels })
	res.Jurisdictions, res.Verdicts = r.jurisdictions(), r.verdicts()
	for _, x := range r.unresolved[:min(len(r.unresolved), maxUnresolvedShown)] {
		res.Unresolved = append(res.Unresolved, &v1.ScopeUnresolved{Text: x.text, Counts: x.counts.proto(), Verdicts: r.told(&x.verdicts, &x.counts)})
	}
	if more := len(r.unresolved) - len(res.Unresolved); more > 0 {
		res.Header.Notes = append(res.Header.Notes, fmt.Sprintf(
			"The first %d patients without an identifier are listed; %d more are counted, and an export has them.", len(res.Unresolved), more))
	}
}

// byName adds up lists by the names in them.
func (t ticks) byName() map[string]int64 {
	out := map[string]int64{}
	for _, x := range t {
		if x.n > 0 {
			for _, name := range listed(x.text) {
				out[name] += x.n
			}
		}
	}
	return out
}

// proto lists names, most reports first.
func (t ticks) proto() []*v1.ScopePart {
	var out []*v1.ScopePart
	for name, n := range t.byName() {
		out = append(out, &v1.ScopePart{Name: name, Reports: uint64(n)})
	}
	sortParts(out)
	return out
}

func sortParts(parts []*v1.ScopePart) {
	slices.SortFunc(parts, func(a, b *v1.ScopePart) int {
		return cmp.Or(cmp.Compare(b.Reports, a.Reports), cmp.Compare(a.Name, b.Name))
	})
}

func (r *scopeResult) partsProto(spans map[string]span, of func(*scopePatient) ticks) []*v1.ScopePart {
	byName := map[string]*v1.ScopePart{}
	for _, x := range r.all() {
		for name, n := range of(x).byName() {
			part := byName[name]
			if part == nil {
				part = &v1.ScopePart{Name: name, FirstUs: spans[name].first, LastUs: spans[name].last}
				byName[name] = part
			}
			part.Reports += uint64(n)
			part.Patients++
		}
	}
	out := slices.Collect(maps.Values(byName))
	sortParts(out)
	return out
}

// jurisdictions counts by where patients live; texts live nowhere that is known.
func (r *scopeResult) jurisdictions() []*v1.ScopeJurisdiction {
	type where struct{ country, state string }
	type sum struct {
		patients uint64
		counts   scopeCounts
		verdicts scopeVerdicts
	}
	by := map[where]*sum{}
	for _, x := range r.all() {
		at := where{x.country, x.state}
		if by[at] == nil {
			by[at] = &sum{}
		}
		if x.resolved() {
			by[at].patients++
		}
		by[at].counts.add(&x.counts)
		by[at].verdicts.addAll(&x.verdicts)
	}
	var out []*v1.ScopeJurisdiction
	for at, s := range by {
		out = append(out, &v1.ScopeJurisdiction{
			Country: at.country, State: at.state, Patients: s.patients, Counts: s.counts.proto(), Verdicts: r.told(&s.verdicts, &s.counts),
		})
	}
	slices.SortFunc(out, func(a, b *v1.ScopeJurisdiction) int {
		return cmp.Or(unknownLast(a)-unknownLast(b), cmp.Compare(b.Patients, a.Patients), cmp.Compare(a.Country, b.Country), cmp.Compare(a.State, b.State))
	})
	return out
}

// unknownLast puts the row of what is not known behind the others.
func unknownLast(j *v1.ScopeJurisdiction) int {
	if j.Country == "" && j.State == "" {
		return 1
	}
	return 0
}

func (r *scopeResult) patientProto(p *scopePatient) *v1.ScopePatient {
	return &v1.ScopePatient{
		Identifiers: p.identifiers(), Counts: p.counts.proto(), Parts: p.parts.proto(), Sensitivity: p.labels.proto(),
		Country: p.country, State: p.state, Verdicts: r.told(&p.verdicts, &p.counts),
	}
}

// canonicalFormat is the form of the rows that the hash is over. Whoever changes the rows raises it.
const canonicalFormat = 1

// canonical hashes the scope: a line for each patient, text, part and label, and two of totals, sorted, each ended by a line
// feed. Texts are quoted as Go quotes them, so that no name can pass for another field.
func (r *scopeResult) canonical() []byte {
	lines := []string{
		fmt.Sprintf("total events=%d patients=%d unresolved=%d digest=%016x%s", r.events, len(r.patients), len(r.unresolved), r.digest, r.counts().append(nil)),
		"patientless" + string(r.patientless.append(nil)),
	}
	for _, x := range r.all() {
		lines = append(lines, x.line())
	}
	for kind, spans := range map[string]map[string]span{"part": r.parts, "label": r.labels} {
		for name, s := range spans {
			lines = append(lines, fmt.Sprintf("%s %q first=%d last=%d", kind, name, s.first, s.last))
		}
	}
	slices.Sort(lines)
	h := sha256.New()
	fmt.Fprintf(h, "readtrail scope %d\n", canonicalFormat)
	for _, line := range lines {
		_, _ = io.WriteString(h, line)
		_, _ = h.Write([]byte{'\n'})
	}
	return h.Sum(nil)
}

// line is a patient's canonical line.
func (p *scopePatient) line() string {
	var to []byte
	if p.resolved() {
		to = append(to, "patient "...)
		for i, id := range p.members {
			if i > 0 {
				to = append(to, ',')
			}
			to = strconv.AppendQuote(append(strconv.AppendQuote(to, id.system), '|'), id.value)
		}
		to = strconv.AppendQuote(append(to, " country="...), p.country)
		to = strconv.AppendQuote(append(to, " state="...), p.state)
	} else {
		to = strconv.AppendQuote(append(to, "unresolved "...), p.text)
	}
	to = p.counts.append(to)
	to = p.parts.append(append(to, " parts="...))
	return string(p.labels.append(append(to, " labels="...)))
}

func (c *scopeCounts) append(to []byte) []byte {
	for i, name := range [numClasses]string{" accesses=", " second=", " failed=", " incidental=", " patientless="} {
		to = strconv.AppendInt(append(to, name...), c.by[i], 10)
	}
	to = strconv.AppendInt(append(to, " first="...), c.first, 10)
	return strconv.AppendInt(append(to, " last="...), c.last, 10)
}

func (t ticks) append(to []byte) []byte {
	by := t.byName()
	for _, name := range slices.Sorted(maps.Keys(by)) {
		to = append(strconv.AppendQuote(to, name), ':')
		to = append(strconv.AppendInt(to, by[name], 10), ';')
	}
	return to
}

// scopePage is a page of a scope's patients.
type scopePage struct {
	patients []*scopePatient
	// last and nth are the place of the last one: how many with the same last report come up to it.
	last order
	nth  int64
	more bool
}

func (p *scopePatient) order() order { return order{p.counts.last, proto.Position(p.lastPosition)} }

// page returns the patients behind those of the page before. An event may name thousands of patients, so the place is the last
// report and which of those that share it.
func (r *scopeResult) page(token PageToken, size int) scopePage {
	from := 0
	if token.Page != 0 {
		after := token.after()
		from, _ = slices.BinarySearchFunc(r.patients, after, func(p *scopePatient, o order) int {
			switch at := p.order(); {
			case at == o:
				return 0
			case at.after(o):
				return 1
			}
			return -1
		})
		from = min(from+int(token.FromOccurred), len(r.patients))
	}
	to := min(from+size, len(r.patients))
	page := scopePage{patients: r.patients[from:to], more: to < len(r.patients)}
	if page.more {
		page.last = r.patients[to-1].order()
		for i := to - 1; i >= 0 && r.patients[i].order() == page.last; i-- {
			page.nth++
		}
	}
	return page
}

// token is the token of the page that follows, "" behind the last one.
func (g scopePage) token(p *pin, question [8]byte, page uint64) string {
	if !g.more {
		return ""
	}
	return PageToken{
		Question: question, Version: p.version, Position: p.position, Page: page + 1,
		AfterOccurred: g.last.occurred, AfterPosition: g.last.position, FromOccurred: g.nth,
	}.String()
}

// keptScopes are the scopes computed last, so that pages, an export or a comparison do not compute one again: rows up to a
// position never change, and verdicts only with another message of detectors. Four with 200,000 patients each take 400 MB at worst, so they are bounded together.
type keptScopes struct {
	mu     sync.Mutex // guards scopes
	scopes []keptScope
}

const (
	maxKeptScopes   = 4
	maxKeptPatients = maxScopePatients
)

type keptScope struct {
	version  uint64
	position proto.Position
	query    string
	// limits are whose scope it is (Limits.Key): what one asker may see is not what another may.
	limits string
	// findings is how many messages of detectors were in the tables.
	findings uint64
	result   *scopeResult
}

// keptScope returns the scope that was computed for the query at this pin before, or computes it.
func (p *pin) keptScope(ctx context.Context, q *scopeQuery, compute func() (*scopeResult, error)) (*scopeResult, error) {
	k, text := &p.engine.scopes, q.text()
	findings, err := p.streamRead(ctx, projections.ProjectorFindings)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	for _, known := range k.scopes {
		if known.version == p.version && known.position == p.position && known.findings == findings && known.query == text && known.limits == p.limits.Key() {
			k.mu.Unlock()
			return known.result, nil
		}
	}
	k.mu.Unlock()
	result, err := compute()
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.scopes = append([]keptScope{{p.version, p.position, text, p.limits.Key(), findings, result}}, k.scopes...)
	patients := 0
	for i, known := range k.scopes {
		if patients += len(known.result.all()); i > 0 && (i >= maxKeptScopes || patients > maxKeptPatients) {
			k.scopes = slices.Delete(k.scopes, i, len(k.scopes))
			break
		}
	}
	return result, nil
}
