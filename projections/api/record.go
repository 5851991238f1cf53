package api

import (
	"context"
	"time"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// maxListedFull is how many rows of a record are read with everything that a page shows: a page of them costs the engine less
// than to look for its rows once more, and a record of more rows is read on without.
const maxListedFull = 4000

// recordAsk is which of a record's events are read, by whose rules they pair.
type recordAsk struct {
	ids     []ident
	at      period
	from    order
	sources []*source
	// mine takes each row: which of its event's patients the record is, of how many. Nil: nobody wants to know.
	mine func(position uint64, patient, patients uint16)
}

// whose tells mine about a row.
func (q *recordAsk) whose(r recordRow) {
	if q.mine != nil {
		q.mine(r.position, r.patient, projections.CodesOf(r.codes).Patients)
	}
}

// recordRows turns rows of a record into what pairing and counting need. Its rows repeat few texts.
type recordRows struct {
	patients map[string]ident
	actors   map[string]actor
	labels   map[string]labels
	parts    map[string]string
	within   map[string]time.Duration
}

// recordRow is what a row says, still packed. Objects are there where a source pairs by rule.
type recordRow struct {
	position, codes, pair  uint64
	occurred, received     int64
	patient                uint16
	actor, labels, objects string
	values                 []string
}

func (q *recordRows) row(from recordRow) *row {
	r := &row{position: proto.Position(from.position), occurred: from.occurred, received: from.received}
	r.judge(projections.CodesOf(from.codes))
	r.actor = unpacked(q.actors, from.actor, unpackActor)
	r.purposes = unpacked(q.labels, from.labels, unpackLabels).purposes
	rule := uint64(0)
	if from.pair == 0 && q.within[r.source] > 0 {
		rule = ruleKey(r, from.objects, from.values)
	}
	r.pairBy(from.pair, rule, 0, q.within)
	named := r.reader.byName()
	r.rank = readerRank(r.readerType, r.reader.value != "" && !named, r.readerName != "" || named)
	return r
}

func newRecordRows(within map[string]time.Duration) *recordRows {
	return &recordRows{patients: map[string]ident{}, actors: map[string]actor{}, labels: map[string]labels{}, parts: map[string]string{}, within: within}
}

// recordEvents streams the events about a record's identifiers to add, newest first.
func (p *pin) recordEvents(ctx context.Context, q recordAsk, add func(*row) error) error {
	if len(q.ids) == 0 {
		return nil
	}
	_, within := ruled(q.sources)
	params := store.Params{
		"keys": keysOf(q.ids), "packed": packedOf(q.ids), "rules": len(within) > 0,
		"start_occurred": q.from.occurred, "start_position": uint64(q.from.position),
	}
	params["from"], params["until"] = q.at.bounds(maxPair.Microseconds())
	rows := newRecordRows(within)
	return p.query(ctx, "record_events", params, func(sr store.Row) error {
		var r recordRow
		var part string
		err := sr.Scan(&r.position, &r.patient, &r.occurred, &r.received, &r.codes, &r.actor, &r.labels, &r.pair, &r.values, &r.objects, &part)
		if err != nil {
			return err
		}
		q.whose(r)
		out := rows.row(r)
		out.part = unpacked(rows.parts, part, func(name string) string { return name })
		return add(out)
	})
}

// wholeRow is a row with everything that a page shows.
type wholeRow struct {
	recordRow
	detail
}

// wholeRecord lists all events about a record. It reads them together with what the page shows, where the record is no larger
// than most are.
func (p *pin) wholeRecord(ctx context.Context, q recordAsk, l *lister) error {
	if len(q.ids) == 0 {
		return nil
	}
	_, within := ruled(q.sources)
	limit, ours := p.engine.listedFull, setOf(q.ids)
	rows, n, last := newRecordRows(within), 0, (*row)(nil)
	err := p.wholeRows(ctx, q, func(r *wholeRow) error {
		if n++; proto.Position(r.position) > p.position || !ours[unpacked(rows.patients, r.detail.patient, unpackPatient)] {
			return nil // not known yet at the pin, or of another identifier that has the same key
		}
		q.whose(r.recordRow)
		if last != nil && last.position == proto.Position(r.position) {
			if last.full != nil {
				addPatient(last.full, r.detail.patient)
			}
			return nil
		}
		last = rows.row(r.recordRow)
		if !l.filled() {
			last.importKey, last.full = r.importKey, rows.full(r.recordRow, &r.detail)
		}
		return l.add(last)
	})
	if err != nil || n < limit {
		return err
	}
	// The last event may have more rows, and the record has more events.
	if last != nil {
		last.full = nil
		q.from = last.order()
	}
	return p.recordEvents(ctx, q, l.add)
}

// wholeRows gives take the newest rows under a record's keys, those that were read ahead where they are the same.
func (p *pin) wholeRows(ctx context.Context, q recordAsk, take func(*wholeRow) error) error {
	if rows, ok, err := p.ahead.rows(q.ids); err != nil || ok {
		for i := 0; i < len(rows) && err == nil; i++ {
			err = take(rows[i])
		}
		return stopped(err)
	}
	return p.readWhole(ctx, q, take)
}

// readWhole runs the statement.
func (p *pin) readWhole(ctx context.Context, q recordAsk, take func(*wholeRow) error) error {
	params := store.Params{"keys": keysOf(q.ids), "limit": uint32(p.engine.listedFull)}
	c := newWholeColumns()
	return p.queryColumns(ctx, "record_whole", params, c.answer(), func(n int) error {
		rows := c.rows(n)
		for i := range rows {
			if err := take(&rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// wholeColumns are the columns of record_whole.sql.
type wholeColumns struct {
	position, codes, importKey, pair   store.UInt64s
	patientOrdinal                     store.UInt16s
	occurred, received                 *store.Times
	delay                              store.Int64s
	patient, actor, objects, encounter store.Strings
	labels, setting                    *store.Labels
	values                             *store.Lists
}

func newWholeColumns() *wholeColumns {
	return &wholeColumns{
		occurred: store.NewTimes(), received: store.NewTimes(), labels: store.NewLabels(), setting: store.NewLabels(), values: store.NewLists(),
	}
}

// answer are the columns in the statement's order.
func (c *wholeColumns) answer() []store.AnswerColumn {
	return []store.AnswerColumn{
		&c.position, &c.patientOrdinal, c.occurred, &c.delay, c.received, &c.codes, &c.patient, &c.actor, c.labels, c.setting, c.values, &c.objects,
		&c.encounter, &c.importKey, &c.pair,
	}
}

// rows are those of the block at hand.
func (c *wholeColumns) rows(n int) []wholeRow {
	patients, actors, objects, encounters := store.Texts(&c.patient), store.Texts(&c.actor), store.Texts(&c.objects), store.Texts(&c.encounter)
	values := store.TextLists(c.values)
	rows := make([]wholeRow, n)
	for i := range rows {
		rows[i] = wholeRow{
			recordRow: recordRow{
				position: c.position[i], codes: c.codes[i], pair: c.pair[i], occurred: int64(c.occurred.Data[i]), received: int64(c.received.Data[i]),
				patient: c.patientOrdinal[i], actor: actors[i], labels: c.labels.Values[i], objects: objects[i], values: values[i],
			},
			detail: detail{
				delay: c.delay[i], importKey: c.importKey[i], patient: patients[i], setting: c.setting.Values[i], objects: objects[i],
				encounter: encounters[i], values: values[i],
			},
		}
	}
	return rows
}

// full is the event as a page shows it.
func (q *recordRows) full(r recordRow, d *detail) *v1.Access {
	a := &v1.Access{Position: r.position, OccurredUs: r.occurred, ReceivedUs: r.received}
	describe(a, projections.CodesOf(r.codes), unpacked(q.actors, r.actor, unpackActor), unpacked(q.labels, r.labels, unpackLabels))
	d.fill(a)
	addPatient(a, d.patient)
	return a
}
