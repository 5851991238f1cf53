package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/readtrail/readtrail/ingest/simulate"
)

// visit is one request for a page: its path, and the form where one is sent.
type visit struct {
	path string
	form url.Values
	// target is where the script of a page puts the part that it asks for; empty: a whole page is asked for.
	target string
	// holds is what only the page that is meant has, and rows the least number of rows of its list.
	holds string
	rows  int
	// leads says that the answer is where to go on.
	leads bool
}

// consolePage is a page of the console, or a part that a page loads by itself, whose data are measured.
type consolePage struct {
	figure string
	// of is what the visits are about.
	of string
	// prepare leads to the page, as people come to it: it is not measured.
	prepare func(*pages, context.Context, int) (visit, error)
}

// pages is somebody who goes through the console's pages.
type pages struct {
	*browser
	*furniture
	// turn rises from visit to visit, where no question may be asked twice.
	turn                       int
	named                      time.Time
	records, months, years, ws []subject
	// reports are the records of which nothing was passed on.
	reports []subject
	events  []uint64
}

// pageVisits bounds the visits of a page: there are thirty pages, and each is visited twice and led to as often.
const pageVisits = 100

// A round of visits to a page that takes seconds ends after pageRound, with leastVisits at least.
const (
	pageRound   = time.Minute
	leastVisits = 10
	// rowVisits more tell the rows read.
	rowVisits = 10
)

// consolePages are all pages that ask for data, in the order of the table.
var consolePages = []consolePage{
	{figPageQueue, "the last 30 days and 30 days of any year, by names, all parts", func(p *pages, ctx context.Context, i int) (visit, error) {
		query, rows := p.queue(i)
		return visit{path: "/alerts?" + query, holds: "What should a human look at?", rows: rows}, p.name(ctx)
	}},
	{figPageQueueNow, "as above", func(p *pages, ctx context.Context, i int) (visit, error) {
		query, rows := p.queue(i)
		return visit{path: "/alerts/now?" + query, target: "queue", holds: `id="queue"`, rows: rows}, p.name(ctx)
	}},
	{figPageQueueLive, "as above, until the stream begins", func(p *pages, _ context.Context, i int) (visit, error) {
		query, _ := p.queue(i)
		return visit{path: "/alerts/live?mark=other&" + query, holds: "retry:"}, nil
	}},
	{figPageAlert, "of any year; with the reader's day and a week of the record", (*pages).alert},
	{figPageCases, "open and closed ones, by names", func(p *pages, ctx context.Context, i int) (visit, error) {
		return visit{path: "/cases?show=" + []string{"", "mine", "closed"}[i%3], holds: "Which investigations", rows: 1}, p.name(ctx)
	}},
	{figPageCase, "open and closed ones", func(p *pages, ctx context.Context, i int) (visit, error) {
		if err := p.name(ctx); err != nil {
			return visit{}, err
		}
		path, err := p.link(ctx, "/cases?show="+[]string{"", "closed"}[i%2], "cases", i/2)
		return visit{path: path, holds: "What was done", rows: 1}, err
	}},
	{figPageQuestions, "each with three accesses", func(*pages, context.Context, int) (visit, error) {
		return visit{path: "/questions", holds: "What was this for?"}, nil
	}},
	{figPageFind, "workstations and numbers of records, half of which nobody knows", func(p *pages, ctx context.Context, i int) (visit, error) {
		of := p.ws[i%len(p.ws)].value
		if i%2 == 0 {
			of = p.records[i%len(p.records)].value
			of = of[strings.LastIndexByte(of, '/')+1:] // a reference would lead to its page at once
		}
		path, err := p.ask(ctx, "", of)
		return visit{path: path}, err
	}},
	{figPageRecord, "records as for who-viewed", func(p *pages, ctx context.Context, i int) (visit, error) {
		path, err := p.ask(ctx, "records", p.records[i%len(p.records)].value)
		return visit{path: path, holds: "Who viewed this record?", rows: 1}, err
	}},
	{figPageReader, "all that a reader ever did", func(p *pages, ctx context.Context, i int) (visit, error) {
		path, err := p.ask(ctx, "readers", p.months[i%len(p.months)].value)
		return visit{path: path, holds: "What did this reader do?", rows: 1}, err
	}},
	{figPageReaderMonth, "months as for a reader's activity", func(p *pages, ctx context.Context, i int) (visit, error) {
		path, err := p.month(ctx, i)
		return visit{path: path, holds: "What did this reader do?", rows: 1}, err
	}},
	{figPageProfile, "a month", func(p *pages, ctx context.Context, i int) (visit, error) {
		month, err := p.month(ctx, i)
		if err != nil {
			return visit{}, err
		}
		path, err := p.link(ctx, month, "profile", 0)
		return visit{path: path, holds: "compare with their peers?"}, err
	}},
	{figPageEvent, "events that were really imported", func(p *pages, ctx context.Context, i int) (visit, error) {
		path, err := p.ask(ctx, "events", fmt.Sprint(p.events[i%len(p.events)]))
		return visit{path: path, holds: "Event at position"}, err
	}},
	{figPageSearch, "a week of a workstation", func(p *pages, ctx context.Context, i int) (visit, error) {
		of := p.ws[i%len(p.ws)]
		form := url.Values{"workstation": {of.value}, "purpose": {purpose}}
		path, err := p.send(ctx, "/accesses", of.days(form, 0))
		return visit{path: path, holds: "Accesses found", rows: 1}, err
	}},
	{figPageCount, "what the builder counts: a reader's year", func(p *pages, _ context.Context, i int) (visit, error) {
		return visit{path: "/scope/count", form: p.year(i), target: "counted", holds: " patient"}, nil
	}},
	{figPageScope, "a reader's year", func(p *pages, ctx context.Context, i int) (visit, error) {
		path, err := p.send(ctx, "/scope", p.year(i))
		return visit{path: path, holds: "SHA-256 of the whole scope"}, err
	}},
	{figPagePrint, "all patients of a reader's year", func(p *pages, ctx context.Context, i int) (visit, error) {
		path, err := p.send(ctx, "/scope", p.year(i))
		return visit{path: path + "/print", holds: "SHA-256 of the whole scope"}, err
	}},
	{figPageFrozenList, "", func(p *pages, ctx context.Context, _ int) (visit, error) {
		path, err := p.send(ctx, "/frozen", url.Values{"purpose": {purpose}})
		return visit{path: path, holds: "Which scopes were frozen?", rows: 1}, err
	}},
	{figPageFrozen, "a reader's year, computed again", func(p *pages, ctx context.Context, i int) (visit, error) {
		path, err := p.frozen(ctx, i)
		return visit{path: path, holds: "Frozen scope"}, err
	}},
	{figPageCompare, "a frozen scope of a reader's year with now", func(p *pages, ctx context.Context, i int) (visit, error) {
		path, err := p.frozen(ctx, i)
		if err != nil {
			return visit{}, err
		}
		path, err = p.link(ctx, path, "compare", 0)
		return visit{path: path, holds: "What differs between two runs?"}, err
	}},
	{figPageReport, "records as for who-viewed of which nothing was passed on", func(p *pages, ctx context.Context, i int) (visit, error) {
		path, err := p.send(ctx, "/report", url.Values{"patient": {p.reports[i%len(p.reports)].value}, "names": {"full"}, "purpose": {purpose}})
		return visit{path: path, holds: "Who looked at my data?", rows: 1}, err
	}},
	{figPageSources, "", func(*pages, context.Context, int) (visit, error) {
		return visit{path: "/sources", holds: simulate.Sources()[0]}, nil
	}},
	{figPageLetters, "", func(*pages, context.Context, int) (visit, error) {
		return visit{path: "/dead-letters", holds: "Dead letters", rows: shown}, nil
	}},
	{figPageLetter, "", func(p *pages, ctx context.Context, i int) (visit, error) {
		path, err := p.link(ctx, "/dead-letters", "dead-letters", i)
		if err != nil {
			return visit{}, err
		}
		path, err = p.send(ctx, "/purpose"+path, url.Values{"purpose": {purpose}})
		return visit{path: path, holds: "Dead letter at position"}, err
	}},
	{figPageStatus, "", func(*pages, context.Context, int) (visit, error) {
		return visit{path: "/status", holds: "last position"}, nil
	}},
	{figPageProgress, "", func(*pages, context.Context, int) (visit, error) {
		return visit{path: "/status/progress", target: "progress", holds: "last position"}, nil
	}},
	{figPageViews, "", func(*pages, context.Context, int) (visit, error) {
		return visit{path: "/views", holds: "Saved views", rows: 1}, nil
	}},
	{figPageViewsMenu, "as it unfolds", func(*pages, context.Context, int) (visit, error) {
		return visit{path: "/views/menu?page=alerts", target: "menu", holds: "Rounds"}, nil
	}},
	{figPageView, "until it leads to its page", func(p *pages, ctx context.Context, i int) (visit, error) {
		path, err := p.link(ctx, "/views", "views", i)
		if err != nil {
			return visit{}, err
		}
		path, err = p.send(ctx, "/purpose"+path, url.Values{"purpose": {purpose}})
		return visit{path: path, leads: true}, err
	}},
	{figPageGlass, "", func(*pages, context.Context, int) (visit, error) {
		return visit{path: "/glass", holds: "The ward is ours tonight"}, nil
	}},
}

// pageFigures are the figures of all of them.
func pageFigures() (names []string) {
	for _, f := range figures {
		if strings.HasPrefix(f.name, "page-") {
			names = append(names, f.name)
		}
	}
	return names
}

// name opens the names of the queue and of cases; a purpose holds for a quarter of an hour.
func (p *pages) name(ctx context.Context) error {
	if time.Since(p.named) < 5*time.Minute {
		return nil
	}
	p.named = time.Now()
	_, err := p.send(ctx, "/alerts", url.Values{"purpose": {purpose}})
	return err
}

// queue is the query of a part of the queue, and how many rows it has at least.
func (p *pages) queue(i int) (query string, rows int) {
	shows := []string{"show=all", "show=decided&" + p.days(i), "", "show=all&" + p.days(i), "show=review"}
	return shows[i%len(shows)], 1
}

// days are 30 days up to one that has alerts, all of them decided.
func (p *pages) days(i int) string {
	newest := p.Days[len(p.Days)-1]
	decided := slices.IndexFunc(p.Days, func(day int32) bool { return !decidedBy(day, newest) })
	last := time.Unix(int64(p.Days[scatter(i, max(decided, 1))])*86_400, 0).UTC()
	return url.Values{"from": {last.AddDate(0, 0, 1-recent).Format(time.DateOnly)}, "to": {last.Format(time.DateOnly)}}.Encode()
}

// scatter is a place among n that lies anywhere, the same for the same i.
func scatter(i, n int) int { return i * 7919 % n }

// link opens a page and returns the path of one of its links to views of a kind.
func (p *pages) link(ctx context.Context, path, to string, i int) (string, error) {
	from, err := p.get(ctx, path, "")
	if err != nil {
		return "", err
	}
	links := from.links(to)
	if len(links) == 0 {
		return "", fmt.Errorf("%s has no link to %s", firstPart(path), to)
	}
	return links[i%len(links)], nil
}

func (p *pages) alert(ctx context.Context, i int) (visit, error) {
	if err := p.name(ctx); err != nil {
		return visit{}, err
	}
	path, err := p.link(ctx, "/alerts?show=all&"+p.days(i), "alerts", i)
	return visit{path: path, holds: "The reader's day"}, err
}

// ask types a text into the search box.
func (p *pages) ask(ctx context.Context, kind, text string) (string, error) {
	return p.send(ctx, "/ask", url.Values{"q": {text}, "kind": {kind}, "purpose": {purpose}})
}

// month leads to a month of a reader.
func (p *pages) month(ctx context.Context, i int) (string, error) {
	of := p.months[i%len(p.months)]
	path, err := p.ask(ctx, "readers", of.value)
	if err != nil {
		return "", err
	}
	return p.send(ctx, path, of.days(url.Values{}, 0))
}

// year is the form of a breach scope of a reader's year. Each time it begins a day earlier: the server keeps what it computed.
func (p *pages) year(i int) url.Values {
	p.turn++
	of := p.years[i%len(p.years)]
	return of.days(url.Values{"reader": {of.system + "|" + of.value}, "purpose": {purpose}}, p.turn)
}

// frozen leads to a frozen scope.
func (p *pages) frozen(ctx context.Context, i int) (string, error) {
	list, err := p.send(ctx, "/frozen", url.Values{"purpose": {purpose}})
	if err != nil {
		return "", err
	}
	return p.link(ctx, list, "frozen", i)
}

// days puts a subject's time into a form, so many days earlier.
func (s subject) days(form url.Values, earlier int) url.Values {
	form.Set("from", time.UnixMicro(s.from).UTC().AddDate(0, 0, -earlier).Format(time.DateOnly))
	form.Set("until", time.UnixMicro(s.until-1).UTC().Format(time.DateOnly))
	return form
}

// pages measures the console's pages: from the request of a browser that is signed in to the last byte of the answer.
func (b *bench) pages(ctx context.Context) (err error) {
	home, made, e, err := b.populated(ctx, b.size.rows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	p := &pages{}
	if p.furniture, err = b.furnished(ctx, home, e); err != nil {
		return err
	}
	if err := p.choose(ctx, e, b.size); err != nil {
		return err
	}
	s, err := startServer(ctx, b.binary, home, e.engine.DSN())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := b.furnishOnline(ctx, home, p.furniture, e, s, p.years); err != nil {
		return err
	}
	if p.browser, err = s.signIn(ctx); err != nil {
		return err
	}
	b.note("The console's pages were asked for over %s events, %s alerts with %s decisions, and %s cases of which %d are open.", number(float64(made.Events)),
		number(float64(p.Alerts)), number(float64(p.Decisions)), number(float64(p.Cases)), p.Open)
	var faults []error
	for _, page := range consolePages {
		if !b.wants("pages", []string{page.figure}) {
			continue
		}
		if err := b.measurePage(ctx, e, s, p, page); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", page.figure, err))
		}
	}
	return errors.Join(faults...)
}

// choose picks whom and what pages are about, as the other groups do.
func (p *pages) choose(ctx context.Context, e *engine, size sizes) (err error) {
	if p.records, err = e.records(ctx, size); err != nil {
		return err
	}
	for _, r := range p.records {
		if r.passedOn == 0 {
			p.reports = append(p.reports, r)
		}
	}
	if _, err = enough(p.reports, nil); err != nil {
		return err
	}
	if p.months, err = e.months(ctx, size); err != nil {
		return err
	}
	if p.years, err = e.readerYears(ctx, size); err != nil {
		return err
	}
	if p.ws, err = e.workstations(ctx, size); err != nil {
		return err
	}
	p.events, err = e.imported(ctx, size.asks)
	return err
}

// measurePage visits a page some times to warm up, then as often for its time, and a few times more for the rows that its statements read.
func (b *bench) measurePage(ctx context.Context, e *engine, s *server, p *pages, page consolePage) error {
	n := min(b.size.asks, pageVisits)
	var took []time.Duration
	var server, engine time.Duration
	var bytes, rows []uint64
	for round := range 2 {
		began := time.Now()
		for i := range n {
			if i >= leastVisits && time.Since(began) > pageRound {
				n = i
				break
			}
			v, err := page.prepare(p, ctx, i)
			if err != nil {
				return err
			}
			serverBefore, engineBefore, begin := processorTime(s.pid()), processorTime(e.engine.PID()), time.Now()
			size, err := p.visit(ctx, v)
			if err != nil {
				return err
			}
			if round == 1 {
				took = append(took, time.Since(begin))
				bytes = append(bytes, uint64(size))
				server += processorTime(s.pid()) - serverBefore
				engine += processorTime(e.engine.PID()) - engineBefore
			}
		}
	}
	for i := range min(n, rowVisits) {
		read, err := p.rowsRead(ctx, e, page, i)
		if err != nil {
			return err
		}
		rows = append(rows, read)
	}
	slices.Sort(bytes)
	slices.Sort(rows)
	of := page.of
	if of != "" {
		of = "; " + of
	}
	b.add(page.figure, milliseconds(quantile(took, 0.95)), "p50 %.1f, max %.1f ms of %d; processor a visit: %.1f ms + engine %.1f ms; rows read p95 %s; %d KB%s",
		milliseconds(quantile(took, 0.5)), milliseconds(quantile(took, 1)), n, milliseconds(server)/float64(n), milliseconds(engine)/float64(n),
		number(float64(rows[len(rows)*95/100])), bytes[len(bytes)/2]/1000, of)
	return nil
}

// rowsRead is how many rows the statements of one visit read.
func (p *pages) rowsRead(ctx context.Context, e *engine, page consolePage, i int) (uint64, error) {
	v, err := page.prepare(p, ctx, i)
	if err != nil {
		return 0, err
	}
	// Reading the counter reads rows of system.events too, each time as many.
	var at [3]uint64
	for k := range at {
		if k == 2 {
			if _, err := p.visit(ctx, v); err != nil {
				return 0, err
			}
		}
		if at[k], err = e.one(ctx, "rows_read"); err != nil {
			return 0, err
		}
	}
	own, read := at[1]-at[0], at[2]-at[1]
	return read - min(own, read), nil
}

// visit asks for a page, checks that it is the one that is meant and has data, and returns its size.
func (p *pages) visit(ctx context.Context, v visit) (int, error) {
	method := http.MethodGet
	if v.form != nil {
		method = http.MethodPost
	}
	got, err := p.do(ctx, method, v.path, v.target, v.form)
	switch {
	case err != nil:
		return 0, err
	case v.leads && got.status != http.StatusSeeOther:
		return 0, fmt.Errorf("%s leads nowhere", firstPart(v.path))
	case !strings.Contains(got.body, v.holds) || strings.Count(got.body, "data-row") < v.rows:
		return 0, fmt.Errorf("%s is not the page that is meant: %d rows", firstPart(v.path), strings.Count(got.body, "data-row"))
	}
	return len(got.body), nil
}
