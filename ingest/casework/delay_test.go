package casework_test

import (
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// delayed is a written statement of law enforcement.
func delayed(change ...func(*v1.CaseDelayed)) *v1.WriteCaseRequest {
	d := &v1.CaseDelayed{
		Statement: v1.DelayStatement_DELAY_STATEMENT_WRITTEN, Official: "Sgt. Roe", Agency: "County Sheriff", StatedUs: now.UnixMicro(),
		UntilUs: now.AddDate(0, 3, 0).UnixMicro(), Ground: v1.DelayGround_DELAY_GROUND_INVESTIGATION, Text: "file 12, letter of today",
	}
	for _, f := range change {
		f(d)
	}
	return &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Delayed{Delayed: d}}
}

func oral(d *v1.CaseDelayed) { d.Statement, d.UntilUs = v1.DelayStatement_DELAY_STATEMENT_ORAL, 0 }

func lifts(d *v1.CaseDelayed) {
	d.Statement, d.UntilUs, d.Ground = v1.DelayStatement_DELAY_STATEMENT_LIFTED, 0, 0
}

// TestWhatADelayMustSay: 45 CFR 164.412 wants who, when, on which ground and for how long; what it does not allow is refused, and nothing kept.
func TestWhatADelayMustSay(t *testing.T) {
	o := newOffice(t)
	officer := caller(proto.RolePrivacyOfficer, "os:officer")
	days := func(n int) int64 { return now.AddDate(0, 0, n).UnixMicro() }
	for name, tt := range map[string]struct {
		change []func(*v1.CaseDelayed)
		want   connect.Code
	}{
		"written":                        {nil, 0},
		"national security":              {[]func(*v1.CaseDelayed){func(d *v1.CaseDelayed) { d.Ground = v1.DelayGround_DELAY_GROUND_SECURITY }}, 0},
		"oral":                           {[]func(*v1.CaseDelayed){oral}, 0},
		"oral, for less":                 {[]func(*v1.CaseDelayed){oral, func(d *v1.CaseDelayed) { d.UntilUs = days(30) }}, 0},
		"oral, for more":                 {[]func(*v1.CaseDelayed){oral, func(d *v1.CaseDelayed) { d.UntilUs = days(31) }}, connect.CodeInvalidArgument},
		"nothing stated":                 {[]func(*v1.CaseDelayed){func(d *v1.CaseDelayed) { d.Statement = 0 }}, connect.CodeInvalidArgument},
		"unknown statement":              {[]func(*v1.CaseDelayed){func(d *v1.CaseDelayed) { d.Statement = 9 }}, connect.CodeInvalidArgument},
		"written, without its time":      {[]func(*v1.CaseDelayed){func(d *v1.CaseDelayed) { d.UntilUs = 0 }}, connect.CodeInvalidArgument},
		"until before it was stated":     {[]func(*v1.CaseDelayed){func(d *v1.CaseDelayed) { d.UntilUs = d.StatedUs }}, connect.CodeInvalidArgument},
		"a slip in the year":             {[]func(*v1.CaseDelayed){func(d *v1.CaseDelayed) { d.UntilUs = now.AddDate(200, 0, 0).UnixMicro() }}, connect.CodeInvalidArgument},
		"no ground":                      {[]func(*v1.CaseDelayed){func(d *v1.CaseDelayed) { d.Ground = 0 }}, connect.CodeInvalidArgument},
		"no official":                    {[]func(*v1.CaseDelayed){func(d *v1.CaseDelayed) { d.Official = " " }}, connect.CodeInvalidArgument},
		"no agency":                      {[]func(*v1.CaseDelayed){func(d *v1.CaseDelayed) { d.Agency = "" }}, connect.CodeInvalidArgument},
		"no text":                        {[]func(*v1.CaseDelayed){oral, func(d *v1.CaseDelayed) { d.Text = "" }}, connect.CodeInvalidArgument},
		"stated when":                    {[]func(*v1.CaseDelayed){func(d *v1.CaseDelayed) { d.StatedUs = 0 }}, connect.CodeInvalidArgument},
		"stated tomorrow":                {[]func(*v1.CaseDelayed){func(d *v1.CaseDelayed) { d.StatedUs = days(1) }}, connect.CodeInvalidArgument},
		"an official who turns the text": {[]func(*v1.CaseDelayed){func(d *v1.CaseDelayed) { d.Official = "Roe\x1b[2J" }}, connect.CodeInvalidArgument},
		"lifted, where none stands":      {[]func(*v1.CaseDelayed){lifts}, connect.CodeFailedPrecondition},
		"lifted until":                   {[]func(*v1.CaseDelayed){lifts, func(d *v1.CaseDelayed) { d.UntilUs = days(1) }}, connect.CodeInvalidArgument},
	} {
		f := o.newFile().must(officer, o.opening(""))
		m := delayed(tt.change...)
		if got := f.write(officer, m); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
		kept := f.entries()[1:]
		if tt.want != 0 && len(kept) > 0 {
			t.Errorf("%s: it is kept", name)
		}
		if tt.want == 0 {
			if diff := cmp.Diff(m.GetDelayed(), kept[0].GetDelayed(), protocmp.Transform()); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
	for _, secret := range []string{"Roe", "Sheriff", "file 12"} {
		if strings.Contains(o.logged.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if !strings.Contains(o.logged.String(), "step=delayed") {
		t.Errorf("the log does not say what kind of step was taken: %s", o.logged.String())
	}
}

// TestAnOralStatementIsOne: a second one gives no more time, unless the first was lifted; a written one may follow. A case whose notices
// wait is not closed.
func TestAnOralStatementIsOne(t *testing.T) {
	o := newOffice(t)
	officer := caller(proto.RolePrivacyOfficer, "os:officer")
	f := o.newFile().must(officer, o.opening(""), delayed(oral))
	again := func(d *v1.CaseDelayed) { oral(d); d.Text = "once more" }
	if code := f.write(officer, delayed(again)); code != connect.CodeFailedPrecondition {
		t.Errorf("a second oral statement: %v", code)
	}
	f.must(officer, delayed(), assessed(breach), concluded())
	if code := f.write(officer, closed()); code != connect.CodeFailedPrecondition {
		t.Errorf("closed while notices wait: %v", code)
	}
	f.must(officer, delayed(lifts))
	if code := f.write(officer, delayed(lifts, func(d *v1.CaseDelayed) { d.Text = "again" })); code != connect.CodeFailedPrecondition {
		t.Errorf("lifted twice: %v", code)
	}
	o.later += time.Hour
	f.must(officer, delayed(again))
}
