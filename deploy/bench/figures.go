package main

// figure is one number that Readtrail promises: what it must reach and what it aims for. The numbers are those of the
// README and of the issue that set them.
type figure struct {
	// name selects it (-only) and identifies it in JSON.
	name string
	// what is the row's text, unit the value's.
	what, unit string
	floor, aim float64
	// lower says that less is better.
	lower bool
}

// Names of figures.
const (
	figImport       = "import"
	figEndToEnd     = "end-to-end"
	figPost         = "post"
	figVisible      = "visible"
	figWhoViewed    = "who-viewed"
	figWhoRows      = "who-viewed-rows"
	figReader       = "reader-activity"
	figScope        = "breach-scope"
	figExport       = "scope-export"
	figTableBytes   = "clickhouse-bytes"
	figJournalBatch = "journal-bytes-batch"
	figJournalLone  = "journal-bytes-lone"
	figRebuild      = "rebuild"
	figMemory       = "memory"

	figDetect         = "detect"
	figDetectState    = "detect-state"
	figDetectSnapshot = "detect-snapshot"
	figDetectRestore  = "detect-restore"
	figAlert          = "alert"

	figPageQueue       = "page-queue"
	figPageQueueNow    = "page-queue-now"
	figPageQueueLive   = "page-queue-live"
	figPageAlert       = "page-alert"
	figPageCases       = "page-cases"
	figPageCase        = "page-case"
	figPageQuestions   = "page-questions"
	figPageFind        = "page-find"
	figPageRecord      = "page-record"
	figPageReader      = "page-reader"
	figPageReaderMonth = "page-reader-month"
	figPageProfile     = "page-profile"
	figPageEvent       = "page-event"
	figPageSearch      = "page-search"
	figPageCount       = "page-scope-count"
	figPageScope       = "page-scope"
	figPagePrint       = "page-scope-print"
	figPageFrozenList  = "page-frozen-list"
	figPageFrozen      = "page-frozen"
	figPageCompare     = "page-compare"
	figPageReport      = "page-report"
	figPageSources     = "page-sources"
	figPageLetters     = "page-dead-letters"
	figPageLetter      = "page-dead-letter"
	figPageStatus      = "page-status"
	figPageProgress    = "page-status-progress"
	figPageViews       = "page-views"
	figPageViewsMenu   = "page-views-menu"
	figPageView        = "page-view"
	figPageGlass       = "page-glass"
)

// figures are the promises, in the order of the table.
var figures = []figure{
	{name: figImport, what: "FHIR NDJSON import, parsed to durably journaled", unit: "events/s", floor: 40_000, aim: 100_000},
	{name: figEndToEnd, what: "end to end, import to queryable, sustained", unit: "events/s", floor: 30_000, aim: 60_000},
	{name: figPost, what: "single POST, 64 concurrent clients, durable", unit: "requests/s", floor: 3_000, aim: 10_000},
	{name: figVisible, what: "accepted to visible in who-viewed at 5,000 events/s, p99", unit: "ms", floor: 2_000, aim: 500, lower: true},
	{name: figWhoViewed, what: "who-viewed, first page, p95 warm", unit: "ms", floor: 50, aim: 10, lower: true},
	{name: figWhoRows, what: "who-viewed, first page, rows read", unit: "rows", floor: 100_000, aim: 20_000, lower: true},
	{name: figReader, what: "reader's activity in a month, p95 warm", unit: "ms", floor: 100, aim: 20, lower: true},
	{name: figScope, what: "breach scope of a reader's year, p95", unit: "ms", floor: 300, aim: 100, lower: true},
	{name: figExport, what: "breach scope as CSV, from the question to the last byte", unit: "reports/s", floor: 200_000, aim: 400_000},
	console(figPageQueue, "queue of alerts"),
	console(figPageQueueNow, "queue, loaded anew by itself"),
	console(figPageQueueLive, "queue, its live stream"),
	console(figPageAlert, "one alert"),
	console(figPageCases, "cases"),
	console(figPageCase, "one case"),
	console(figPageQuestions, "questions to oneself"),
	console(figPageFind, "find out what a text means"),
	console(figPageRecord, "who viewed a record"),
	console(figPageReader, "what a reader did"),
	console(figPageReaderMonth, "what a reader did in a month"),
	console(figPageProfile, "a reader beside their peers"),
	console(figPageEvent, "one event"),
	console(figPageSearch, "search of accesses"),
	console(figPageCount, "breach scope, counted while it is built"),
	console(figPageScope, "breach scope"),
	console(figPagePrint, "breach scope, to print"),
	console(figPageFrozenList, "frozen scopes"),
	console(figPageFrozen, "one frozen scope"),
	console(figPageCompare, "scopes compared"),
	console(figPageReport, "access report"),
	console(figPageSources, "sources"),
	console(figPageLetters, "dead letters"),
	console(figPageLetter, "one dead letter"),
	console(figPageStatus, "status"),
	console(figPageProgress, "status, loaded anew by itself"),
	console(figPageViews, "saved views"),
	console(figPageViewsMenu, "saved views, in a page's menu"),
	console(figPageView, "a saved view"),
	console(figPageGlass, "broken glass"),
	{name: figTableBytes, what: "ClickHouse, all tables together", unit: "bytes/event", floor: 60, aim: 45, lower: true},
	{name: figJournalBatch, what: "journal with originals, 64 a batch", unit: "bytes/event", floor: 120, aim: 70, lower: true},
	{name: figJournalLone, what: "journal with originals, lone event", unit: "bytes/event", floor: 800, aim: 300, lower: true},
	{name: figRebuild, what: "rebuild from the journal", unit: "events/s", floor: 40_000, aim: 100_000},
	{name: figDetect, what: "all detectors on, a core", unit: "events/s", floor: 100_000, aim: 300_000},
	{name: figDetectState, what: "state of 20,000 readers, 1 M patients, 90 days", unit: "MB", floor: 1_500, aim: 1_000, lower: true},
	{name: figDetectSnapshot, what: "snapshot of that", unit: "s", floor: 10, aim: 5, lower: true},
	{name: figDetectRestore, what: "restore of that", unit: "s", floor: 10, aim: 5, lower: true},
	{name: figAlert, what: "accepted to alert (hard sign) at 5,000 events/s, p99", unit: "ms", floor: 1_000, aim: 250, lower: true},
	{name: figMemory, what: "memory of the Go process at 30,000 events/s, peak", unit: "MB", floor: 600, aim: 250, lower: true},
}

// console is the figure of a page of the console, or of a part that a page loads by itself. The floor is that of each page.
func console(name, page string) figure {
	return figure{name: name, what: "console: " + page + ", p95", unit: "ms", floor: 150, aim: 50, lower: true}
}

// result is a figure that was measured.
type result struct {
	figure
	value float64
	// note says what the value rests on.
	note string
}

// ratio is how many times the floor is reached: 1 is just enough, more is better, also where less is better.
func (r result) ratio() float64 {
	switch {
	case r.lower && r.value == 0, r.floor == 0:
		return 0
	case r.lower:
		return r.floor / r.value
	}
	return r.value / r.floor
}

// Verdicts.
const (
	verdictAim   = "aim"
	verdictFloor = "ok"
	verdictFail  = "FAIL"
)

func (r result) verdict() string {
	reaches := func(bound float64) bool { return r.lower && r.value <= bound || !r.lower && r.value >= bound }
	switch {
	case reaches(r.aim):
		return verdictAim
	case reaches(r.floor):
		return verdictFloor
	}
	return verdictFail
}

// comparison is one line of Readtrail beside PostgreSQL on the same rows.
type comparison struct {
	what, unit       string
	ours, postgresql float64
	// lower says that less is better.
	lower bool
}

// ratio is how many times better ours is; below 1 PostgreSQL's is.
func (c comparison) ratio() float64 {
	switch {
	case c.ours == 0 || c.postgresql == 0:
		return 0
	case c.lower:
		return c.postgresql / c.ours
	}
	return c.ours / c.postgresql
}
