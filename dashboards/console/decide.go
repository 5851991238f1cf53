package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// decision is one of them; judges says that only who may judge may take it.
type decision struct {
	code, name string
	is         v1.Disposition
	judges     bool
}

// decisions are what an alert can be made, by the names that forms and keys have for them.
var decisions = []decision{
	{"review", "I look into it", v1.Disposition_DISPOSITION_IN_REVIEW, false},
	{"misuse", "Misuse", v1.Disposition_DISPOSITION_MISUSE, true},
	{"appropriate", "Appropriate", v1.Disposition_DISPOSITION_APPROPRIATE, true},
	{"inconclusive", "Inconclusive: neither can be shown", v1.Disposition_DISPOSITION_INCONCLUSIVE, true},
	{"reopened", "Back to the queue", v1.Disposition_DISPOSITION_REOPENED, false},
}

// decisionsFor are those that a role may take on an alert as it stands. None is chosen: nothing is decided by a slip.
func decisionsFor(c proto.Caller, r *v1.AlertRow) []choice {
	var out []choice
	waiting := r.Disposition == v1.Disposition_DISPOSITION_UNSPECIFIED
	held := r.Disposition == v1.Disposition_DISPOSITION_IN_REVIEW && r.DecidedBy != c.Name
	for _, d := range decisions {
		switch {
		case d.judges && !mayJudge(c), d.is == v1.Disposition_DISPOSITION_REOPENED && waiting:
			continue
		case !mayJudge(c) && (held || !waiting && r.Disposition != v1.Disposition_DISPOSITION_IN_REVIEW):
			continue
		case d.is == v1.Disposition_DISPOSITION_IN_REVIEW && r.Disposition == d.is && !held:
			continue
		}
		out = append(out, choice{Value: d.code, Name: d.name})
	}
	return out
}

// decide takes a decision on an alert, from the queue or from its own page, and shows that page again.
func (c *Console) decide(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	x, ok := v.session.views.find(pageAlerts, v.r.PathValue("handle"))
	if !ok {
		return v.ofBefore(pageAlerts, "decide")
	}
	if written(v.r.PostForm) { // until it is journaled
		v.session.views.keepStep(x.handle, typedForm("decide", v.r.PostForm))
	}
	get := v.r.PostForm.Get
	back, err := url.ParseQuery(get("back"))
	if err != nil {
		back = nil
	}
	a, note := queueOf(back), get("from") == "note"
	done := said{Path: "/" + pageAlerts + "/" + x.handle}
	i := slices.IndexFunc(decisions, func(d decision) bool { return d.code == get("as") })
	version, err := strconv.ParseUint(get("version"), 10, 32)
	switch {
	case i < 0:
		done.Text, done.Fault = "Nothing was decided: say what it is.", true
	case err != nil:
		done.Text, done.Fault = "Nothing was decided: the form named no version of the alert.", true
	default:
		_, err := c.cfg.Casework.DecideAlert(v.r.Context(), connect.NewRequest(&v1.DecideAlertRequest{
			Alert: x.ask.Subject, Version: uint32(version), Disposition: decisions[i].is, Comment: strings.ReplaceAll(strings.TrimSpace(get("comment")), "\r\n", "\n"),
		}))
		if done.Fault = err != nil; done.Fault {
			if done.Text, err = v.notDecided(err); err != nil {
				return err
			}
		} else {
			v.session.views.dropStep(x.handle)
			done.Text = "Journaled: " + words.Disposition(decisions[i].is) + "."
		}
	}
	switch {
	case note:
		v.tell(done.Path, done)
		return nil
	case v.partial():
		return v.queue(http.StatusOK, a, "", &done)
	}
	v.tell(a.path("/alerts"), done)
	return nil
}

// notDecided says in words why casework refused; any other failure is an error of the page.
func (v *visit) notDecided(err error) (string, error) {
	return v.refusedBecause("Nothing was decided", err)
}

// refusedBecause is notDecided for what is called otherwise.
func (v *visit) refusedBecause(what string, err error) (string, error) {
	refused, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return "", err
	}
	switch refused.Code() {
	case connect.CodeAborted, connect.CodeFailedPrecondition, connect.CodePermissionDenied, connect.CodeInvalidArgument, connect.CodeUnavailable,
		connect.CodeNotFound, connect.CodeAlreadyExists:
		return what + ": " + strings.TrimSuffix(refused.Message(), ".") + ".", nil
	}
	return "", err
}

// release lets the alerts of an imported history notify.
func (c *Console) release(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	x, ok := v.session.views.find(pageAlerts, v.r.PathValue("handle"))
	if !ok {
		return errNoView
	}
	done := said{Text: "Journaled: the alerts of this import notify from now on.", Path: "/" + pageAlerts + "/" + x.handle}
	_, err := c.cfg.Casework.ReleaseBackfill(v.r.Context(), connect.NewRequest(&v1.ReleaseBackfillRequest{ImportId: v.r.PostForm.Get("import")}))
	if err != nil {
		done.Fault = true
		if done.Text, err = v.notDecided(err); err != nil {
			return err
		}
	}
	v.tell(done.Path, done)
	return nil
}
