package casework

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// investigator returns who gives the command, or the refusal.
func investigator(ctx context.Context) (proto.Caller, error) {
	caller := proto.CallerFrom(ctx)
	switch {
	case caller.Name == "":
		return caller, connect.NewError(connect.CodeUnauthenticated, errors.New("who is asking is not known: send a token"))
	case !caller.MayAsk():
		return caller, connect.NewError(connect.CodePermissionDenied, errors.New("this role may not work on alerts and cases"))
	}
	return caller, nil
}

// mayJudge reports whether the caller may say what an alert was.
func mayJudge(c proto.Caller) bool {
	return c.Role == proto.RolePrivacyOfficer || c.Role == proto.RoleAdministrator
}

func invalid(field, problem string) error {
	return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("%s: %s", field, problem))
}

// check refuses what can be refused without looking at the alert.
func check(caller proto.Caller, m *v1.DecideAlertRequest) (proto.EventID, error) {
	id, err := proto.ParseEventID(m.Alert)
	if err != nil {
		return id, invalid("alert", "an id of 27 characters, as the list of alerts shows it")
	}
	switch {
	case m.Version == 0:
		return id, invalid("version", "the version that you looked at")
	case m.Disposition == v1.Disposition_DISPOSITION_UNSPECIFIED || v1.Disposition_name[int32(m.Disposition)] == "":
		return id, invalid("disposition", "in review, misuse, appropriate, inconclusive or reopened")
	case !utf8.ValidString(m.Comment) || strings.ContainsFunc(m.Comment, unprintable):
		return id, invalid("comment", "plain text")
	case utf8.RuneCountInString(m.Comment) > maxComment:
		return id, invalid("comment", "at most 2000 characters")
	}
	switch m.Disposition {
	case v1.Disposition_DISPOSITION_IN_REVIEW, v1.Disposition_DISPOSITION_REOPENED:
		return id, nil
	}
	if !mayJudge(caller) {
		return id, connect.NewError(connect.CodePermissionDenied,
			errors.New("only a privacy officer or an administrator may judge an alert; you may take it in review"))
	}
	return id, nil
}

// unprintable are control characters; a comment may have lines.
func unprintable(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

// again reports whether a decision was sent once more: a command whose answer was lost.
func again(latest, d *v1.AlertDecision) bool {
	return latest != nil && latest.Asker == d.Asker && latest.Role == d.Role && latest.Version == d.Version &&
		latest.Disposition == d.Disposition && latest.Comment == d.Comment
}

// permit refuses a decision that the alert, as it stands now, does not allow.
func permit(caller proto.Caller, now Alert, d *v1.AlertDecision) error {
	if d.Version > now.Version {
		return invalid("version", "the alert has no such version")
	}
	if d.Version < now.Version {
		return connect.NewError(connect.CodeAborted,
			fmt.Errorf("version %d was looked at, and there is version %d: look at the alert again", d.Version, now.Version))
	}
	holder, holds := "", now.Latest.GetDisposition()
	if holds == v1.Disposition_DISPOSITION_IN_REVIEW {
		holder = now.Latest.GetAsker()
	}
	waiting := holds == v1.Disposition_DISPOSITION_UNSPECIFIED || holds == v1.Disposition_DISPOSITION_REOPENED
	refuse := func(text string) error { return connect.NewError(connect.CodeFailedPrecondition, errors.New(text)) }
	switch {
	case d.Disposition == v1.Disposition_DISPOSITION_REOPENED && waiting:
		return refuse("the alert waits in the queue already")
	case mayJudge(caller):
		return nil
	case holder != "" && holder != caller.Name:
		return refuse("somebody else has the alert in review")
	case d.Disposition == v1.Disposition_DISPOSITION_IN_REVIEW && !waiting && holder == "":
		return refuse("the alert is judged: a privacy officer may reopen it")
	case d.Disposition == v1.Disposition_DISPOSITION_REOPENED && holder == "":
		return connect.NewError(connect.CodePermissionDenied, errors.New("only a privacy officer or an administrator may reopen what was judged"))
	}
	return nil
}
