package projections

import (
	"slices"
	"strconv"
	"strings"
)

// tableID numbers the tables of a version, in the order in which a run is inserted. The order is free: nothing above the
// watermark counts.
type tableID int

const (
	accessesByPatient tableID = iota
	accessesByReader
	contextFacts
	patientAddresses
	deadLetters
	deadLetterRetries
	questions
	sources
	coverage
	imports
	decisions
	backfillReleases
	contextGaps
	ruleSets
	frozenScopes
	caseSteps
	brokenGlass
	savedViews
	// From here on rows merge by key and may be inserted twice.
	identities
	readerGroups
	placeReaders
	sourceHours
	sourceExtents
	sourceCounts
	readerDays
	patientDays
	firstSeen
	numTables = iota
)

// firstMerging is the first table whose rows are idempotent; firstRollup the first of the rollups projector.
const (
	firstMerging = identities
	firstRollup  = sourceHours
)

// columnDef is one stored column of a table.
type columnDef struct {
	name string
	kind colKind
}

// table is what the projector inserts into. The order of its columns is the order of the constants that index them.
type table struct {
	id      tableID
	base    string
	columns []columnDef
	names   []string
}

// name is the table's name in a version.
func (t *table) name(version uint32) string { return nameIn(t.base, version) }

func nameIn(base string, version uint32) string {
	return base + "_v" + strconv.FormatUint(uint64(version), 10)
}

// fieldsName is the name of the view over a path table that shows the fields of its packed columns.
func (t *table) fieldsName(version uint32) string { return nameIn(t.base+"_fields", version) }

// columnNames are the columns of every insert, in order.
func (t *table) columnNames() []string { return t.names }

// def reads "name kind, name kind" with one letter a kind, so that a table reads as a table.
func def(id tableID, base, columns string) *table {
	t := &table{id: id, base: base}
	for c := range strings.SplitSeq(columns, ",") {
		name, kind, _ := strings.Cut(strings.TrimSpace(c), " ")
		t.columns = append(t.columns, columnDef{name: name, kind: kindNames[kind]})
		t.names = append(t.names, name)
	}
	return t
}

var kindNames = map[string]colKind{
	"u8": colUInt8, "u16": colUInt16, "u32": colUInt32, "u64": colUInt64, "i64": colInt64, "time": colMicros,
	"hour": colSeconds, "day": colDay, "text": colString, "texts": colStrings, "u32s": colUInt32s, "u64s": colUInt64s, "bool": colBool, "i32": colInt32,
}

// tables are the tables of a version. TestTables compares them with the migrations.
var tables = [numTables]*table{
	def(accessesByPatient, "accesses_by_patient",
		`patient_key u64, occurred time, position u64, patient_ordinal u16, patient text, received time,
		recorded_delay i64, codes u64, actor text, labels text, setting text, object_values texts, objects text,
		encounter_value text, import_key u64, pair_key u64`),
	def(accessesByReader, "accesses_by_reader",
		`reader_key u64, occurred time, position u64, patient_ordinal u16, patient_key u64, reader text,
		received time, codes u64, site text, workstation text, network_address text, source text, import_key u64,
		pair_key u64, parts text, sensitivity text, group_key u64`),
	def(contextFacts, "context",
		`resource_key u64, position u64, received time, source text, resource_type text, resource_id text,
		version_id text, effective time, display text, deleted bool, identifier_systems texts,
		identifier_values texts, import_key u64`),
	def(patientAddresses, "patient_addresses",
		`key u64, position u64, ordinal u32, system text, value text, country text, state text, resource_key u64,
		received time`),
	def(deadLetters, "dead_letters",
		`position u64, received time, event_id text, source text, reason text, message text, element text,
		origin text, line u64, column u64, size_bytes u64, format text, import_key u64`),
	def(deadLetterRetries, "dead_letter_retries",
		`dead_letter_position u64, position u64, received time, dead_letter_id text, event_id text,
		event_position u64, reason text, asker text`),
	def(questions, "questions",
		`subject_key u64, position u64, ordinal u32, subject_kind u8, subject_system text, subject_value text,
		received time, question_id text, asker text, role text, query text, purpose text, rows u64, page u32,
		answer_position u64, summary bool, asked time, glass_id text`),
	def(sources, "sources",
		`name text, position u64, received time, owner text, time_zone text, identity_policy u8, base_url text,
		systems texts, expected_silence_s u32, disabled bool, asker text, patient_system text, reader_system text,
		pair_within_s u32`),
	def(coverage, "coverage",
		`source text, kind u8, since time, position u64, until time, amount i64, received time`),
	def(imports, "imports",
		`import_key u64, position u64, received time, import_id text, phase u8, source text, backfill bool,
		name text, stored u64, duplicates u64, conflicts u64, dead_letters u64`),
	def(decisions, "decisions",
		`alert_id text, position u64, received time, version u32, disposition u8, comment text, asker text, role text,
		decided time`),
	def(backfillReleases, "backfill_releases",
		`import_key u64, position u64, received time, import_id text, asker text`),
	def(contextGaps, "context_gaps",
		`context text, position u64, received time, absent bool, newest time, blind texts`),
	def(ruleSets, "rule_sets",
		`hash text, position u64, received time, code text, config text, weights text, asker text`),
	def(frozenScopes, "frozen_scopes",
		`position u64, received time, body text`),
	def(caseSteps, "cases",
		`case_id text, position u64, received time, version u32, step u8, question u32, asker text, role text, at time,
		alerts texts, body text, addressee text`),
	def(brokenGlass, "broken_glass",
		`glass_id text, position u64, received time, review bool, asker text, role text, text text, verdict u8, at time, until time,
		sites texts, departments texts, nothing bool`),
	def(savedViews, "views",
		`view_id text, position u64, received time, version u32, owner text, shared bool, deleted bool, page u8, body text`),
	def(identities, "identities", `kind u8, key u64, said text, text text, version u64, position u64`),
	def(readerGroups, "reader_groups",
		`group_key u64, day day, reader_key u64, reader text, department text, role text, position u64`),
	def(placeReaders, "place_readers", `place_key u64, month day, reader_key u64, days u32, position u64`),
	def(sourceHours, "source_hours",
		`source text, hour hour, first_occurred time, last_occurred time, first_received time, last_received time,
		first_position u64, last_position u64`),
	def(sourceExtents, "source_extents",
		`source text, month day, first_occurred time, last_occurred time, first_received time, last_received time,
		first_position u64, last_position u64`),
	def(sourceCounts, "source_counts",
		`source text, hour hour, sequence u64, events u16, patientless u16, unresolved u16, break_glass u16,
		failed u16`),
	def(readerDays, "reader_days", `day day, reader_key u64, patients u32s, break_glass u8`),
	def(patientDays, "patient_days", `day day, patient_key u64, readers u32s`),
	def(firstSeen, "first_seen", `reader_key u64, patient_key u64, occurred time, position u64`),
}

// watermarksTable stands outside the versions.
var watermarksTable = def(noTable, "watermarks", `version u32, projector text, position u64, received time`)

// noTable numbers the tables that no run of the journal carries.
const noTable tableID = -1

// Tables of the streams that detectors write (stream.go).
var (
	verdictsTable = def(noTable, "verdicts",
		`position u64, patient u16, cause u64, verdict u8, explanation u8, closed bool, sequence u64, at time, document u16`)
	documentsTable = def(noTable, "documents",
		`sequence u64, number u16, source text, type text, id text, from_us i64, lasts_us i64, position u64, at time`)
	judgedTable = def(noTable, "judged",
		`last bool, cause u64, ordinal u32, sequence u64, day day, at time, closed bool, backfill bool, rule_set text, missing texts,
		verdicts u32, findings u32`)
	findingsTable = def(noTable, "findings",
		`day day, detector text, sequence u64, number u32, cause u64, grade u32, words text, reader_key u64,
		reader_system text, reader_value text, patient_key u64, patient_system text, patient_value text, positions u64s,
		more u32, rule_set text, at time, closed bool, backfill bool`)
	alertsTable = def(noTable, "alerts",
		`day day, alert_id text, version u32, sequence u64, cause u64, at time, state u8, shape u8, severity u8,
		scenario text, score i32, chance u16, rank u32, shown bool, sampled bool, hard bool, backfill bool, queue text,
		detectors texts, reader_keys u64s, patient_keys u64s, body text, positions u64s`)
)

// streamTables are all of them; with tables, they are what a version has.
var streamTables = []*table{verdictsTable, documentsTable, judgedTable, findingsTable, alertsTable}

// replaced are tables of earlier releases, for which identities stands: sql/replace_*.sql take over what they hold.
var replaced = []string{"identifiers", "event_links", "identity_links"}

func replacedIn(version uint32) []string {
	names := make([]string, len(replaced))
	for i, base := range replaced {
		names[i] = nameIn(base, version)
	}
	return names
}

// allTables are the tables of a version.
func allTables() []*table { return slices.Concat(tables[:], streamTables) }
