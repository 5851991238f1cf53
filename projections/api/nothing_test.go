package api_test

import (
	"context"
	"errors"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestALookAtNothingIsJournaled: whoever tries a case or an alert that is not there is seen, with their purpose, in every role that may
// ask; one outside of their limits is answered alike, and the journal tells the two apart. What is not journaled is not answered.
func TestALookAtNothingIsJournaled(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	none := mustMint(t, 700).String()
	getCase := func(ctx context.Context, id, purpose string) error {
		_, err := p.service.GetCase(ctx, connect.NewRequest(&v1.GetCaseRequest{Case: id, Purpose: purpose}))
		return err
	}
	getAlert := func(ctx context.Context, id, purpose string) error {
		_, err := p.service.GetAlert(ctx, connect.NewRequest(&v1.GetAlertRequest{Alert: id, Purpose: purpose}))
		return err
	}
	limits := p.limits.Proto()
	for name, tt := range map[string]struct {
		query               string
		get                 func(ctx context.Context, id, purpose string) error
		asker, role, id, of string
		limits              *v1.Limits
		elsewhere           uint64
	}{
		"no case":                {"GetCase", getCase, "token:1", proto.RoleInvestigator, none, "complaint 12", nil, 0},
		"no case, to a viewer":   {"GetCase", getCase, "token:v", proto.RoleViewer, none, "", nil, 0},
		"no case, within limits": {"GetCase", getCase, "token:limited", proto.RolePrivacyOfficer, none, "complaint 12", limits, 0},
		"a case elsewhere":       {"GetCase", getCase, "token:limited", proto.RolePrivacyOfficer, p.cases["there"], "complaint 12", limits, 1},
		"no alert":               {"GetAlert", getAlert, "token:1", proto.RoleInvestigator, none, "complaint 12", nil, 0},
		"no alert, to a viewer":  {"GetAlert", getAlert, "token:v", proto.RoleViewer, none, "", nil, 0},
	} {
		before := len(p.questions())
		err := tt.get(as(t.Context(), tt.asker, tt.role), tt.id, tt.of)
		if connect.CodeOf(err) != connect.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
		asked := p.questions()
		if len(asked) != before+1 {
			t.Errorf("%s: %d questions are journaled", name, len(asked)-before)
			continue
		}
		q := asked[before]
		want := &v1.Question{Asker: tt.asker, Role: tt.role, Query: tt.query, Purpose: tt.of, Page: 1, Limits: tt.limits, Elsewhere: tt.elsewhere}
		if diff := cmp.Diff(want, q, protocmp.Transform(), protocmp.IgnoreFields(&v1.Question{}, "question_id", "position", "asked_us")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	p.mu.Lock()
	p.askFails = errors.New("the journal is down")
	p.mu.Unlock()
	if err := getCase(p.ctx(), none, "p"); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("answered, and not journaled: %v", err)
	}
}
