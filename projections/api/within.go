package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/queries"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Who is limited to some sites and departments is answered within them (ADR 21). The pin carries the limits, and its statements hold to
// them: a statement that could not is not there, so that nothing forgets. What is read in the journal asks within. A question that is in
// no list here is refused.

// limitable reports whether a question can be answered within limits. What counts without knowing sites, what did not become an event,
// and frozen scopes, which count everything, cannot.
func limitable(query string) bool {
	switch query {
	case queryWhoViewed, queryReaderActivity, queryReaderProfile, queryGetEvent, querySearchAccesses, querySearchEvents, queryListAlerts,
		queryGetAlert, querySearchFindings, queryBreachScope, queryCompareScopes, queryExportScope, queryAccessReport, queryListCases,
		queryGetCase, queryGetStatus, queryListViews, queryGetView, queryMyQuestions:
		return true
	}
	return false
}

// errUnlimitable refuses what cannot be told within limits.
var errUnlimitable = errors.New("this cannot be told within the sites and departments that you are limited to: ask somebody who is not limited")

func errNotLimitable() error { return connect.NewError(connect.CodePermissionDenied, errUnlimitable) }

// limits are those that the asker in ctx is answered within.
func (s *Service) limits(ctx context.Context) (proto.Limits, error) {
	g, err := s.glass(ctx)
	if err != nil || g != nil {
		return proto.Limits{Nothing: err != nil}, err
	}
	return s.cfg.Limits(proto.CallerFrom(ctx)), nil
}

// admit checks who asks, and that the question can be answered within what they may see.
func (s *Service) admit(ctx context.Context, query string, mayAsk func(proto.Caller) bool) (proto.Caller, error) {
	caller := proto.CallerFrom(ctx)
	g, err := s.glass(ctx)
	if err != nil {
		return caller, err
	}
	caller.Elevated = g != nil
	if err := permit(caller, mayAsk); err != nil {
		return caller, err
	}
	limits, err := s.limits(ctx)
	if err == nil && limits.Limited() && !limitable(query) {
		err = errNotLimitable()
	}
	return caller, err
}

// reach is which rows the pin's statements find.
func (p *pin) reach() queries.Reach {
	if p.limits.Limited() {
		return queries.Within
	}
	return queries.Whole
}

// The days of a statement over alerts or findings that names none.
const firstDay, lastDay = "1970-01-01", "2149-06-06"

// limit fills in the limits, and which alerts or days a statement looks at: what is outside is looked for among those alone.
func (p *pin) limit(name, sql string, params store.Params) {
	has := func(param string) bool { return strings.Contains(sql, "{"+param+":") }
	if !has("limit_nothing") && !has("limit_sites") && !has("limit_alerts") && !has("limit_from_day") {
		return
	}
	folded := func(list []string) []string {
		out := make([]string, len(list))
		for i, x := range list {
			out[i] = proto.FoldPlace(x)
		}
		return out
	}
	from, to := any(firstDay), any(lastDay)
	if params["from_day"] != nil && has("from_day") {
		from, to = params["from_day"], params["to_day"]
	}
	alerts := []string{}
	switch name {
	case "alert_bodies", "case_alerts":
		alerts, _ = params["ids"].([]string)
	case "alert_versions", "alert_now":
		if text, ok := params["id"].(string); ok {
			alerts = []string{text}
		}
	}
	for param, value := range map[string]any{
		"limit_nothing": p.limits.Nothing, "limit_sites": folded(p.limits.Sites), "limit_departments": folded(p.limits.Departments),
		"limit_from_day": from, "limit_to_day": to, "limit_alerts": alerts,
	} {
		if has(param) {
			params[param] = value
		}
	}
}

// elsewhere counts the reports of some accesses that are outside of the limits; 0 where there are none. The answer's header tells it.
func (p *pin) elsewhere(ctx context.Context, name string, params store.Params) error {
	// As of one moment and of the next the number would tell which entry it rose by.
	if !p.limits.Limited() || p.past {
		return nil
	}
	set, err := p.engine.set(p.version, queries.Outside)
	if err != nil {
		return err
	}
	n := uint64(0)
	err = p.queryIn(ctx, set, name, params, func(row store.Row) error { return row.Scan(&n) })
	if err != nil {
		return fmt.Errorf("count accesses elsewhere: %w", err)
	}
	p.outside.Store(&n)
	return nil
}

// elsewhereOf counts the reports about some patients, or of some readers, that are outside of the limits.
func (p *pin) elsewhereOf(ctx context.Context, name string, ids []ident, at period) error {
	if len(ids) == 0 && p.limits.Limited() {
		none := uint64(0)
		p.outside.Store(&none)
		return nil
	}
	from, until := at.bounds(0)
	return p.elsewhere(ctx, name, wholeDays(store.Params{"keys": keysOf(ids), "packed": packedOf(ids), "from": from, "until": until}))
}

// wholeDays widens a period to whole days of UTC: counted to the microsecond, what lies elsewhere would tell when, and asked of a patient and
// of a reader also who viewed whom.
func wholeDays(params store.Params) store.Params {
	const day = int64(24 * time.Hour / time.Microsecond)
	from, until := params["from"].(int64), params["until"].(int64) //nolint:forcetypeassert // as bounds makes them
	params["from"] = max(from-(from%day+day)%day, minTime)
	if rest := (until%day + day) % day; rest > 0 {
		params["until"] = min(until-rest+day, maxTime)
	}
	return params
}

// limitHeader says in a header what the answer is limited to, and that it is not complete.
func (p *pin) limitHeader(h *v1.AnswerHeader) {
	if h.Limits = p.limits.Proto(); h.Limits == nil {
		return
	}
	note := "Limited to " + p.limits.Text() + ": accesses elsewhere are not shown, and how many there are was not counted. This answer is not complete."
	if n := p.outside.Load(); n != nil {
		h.Elsewhere, h.ElsewhereCounted = *n, true
		days := ""
		if h.FromUs != 0 || h.UntilUs != 0 {
			days = " (counted over whole days of UTC)"
		}
		switch *n {
		case 0:
			note = "Limited to " + p.limits.Text() + ": there are no reports of such accesses elsewhere" + days + "."
		case 1:
			note = "Limited to " + p.limits.Text() + ": 1 report of an access elsewhere" + days + " is not shown. This answer is not complete."
		default:
			note = fmt.Sprintf("Limited to %s: %d reports of accesses elsewhere%s are not shown. This answer is not complete.", p.limits.Text(), *n, days)
		}
	}
	h.Notes = append([]string{note}, h.Notes...)
}

// keepElsewhere journals that somebody asked for what is outside of their limits, and returns the error that is answered instead.
func (s *Service) keepElsewhere(ctx context.Context, a *asking, l proto.Limits, position proto.Position, instead error) error {
	id, err := proto.MintEventID(s.cfg.Now())
	if err != nil {
		return fmt.Errorf("mint question id: %w", err)
	}
	q := &v1.Question{
		QuestionId: id.Bytes(), Asker: a.caller.Name, Role: a.caller.Role, Query: a.query, Purpose: a.purpose, Page: 1, Position: uint64(position),
		AskedUs: s.cfg.Now().UnixMicro(), Limits: l.Proto(), Elsewhere: 1,
	}
	if err := s.ask(ctx, a.caller, q); err != nil {
		return s.withhold(ctx, a.query, err)
	}
	return instead
}
