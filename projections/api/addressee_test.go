package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestWhomAQuestionMayNotReach: an unknown name, with the known one that is almost the same; a case and accesses outside of what somebody
// is limited to. Whoever reaches it is in no doubt, whether they are known by a token, by the configuration or because they asked before.
func TestWhomAQuestionMayNotReach(t *testing.T) {
	p := newPlaces(t, proto.Limits{Sites: []string{"North"}})
	c := p.config()
	c.Askers = func() []proto.Caller {
		return []proto.Caller{{Name: "token:7", Role: proto.RoleRespondent}, {Name: "oidc:jane.doe"}, {Name: "token:limited"}, {Name: "oidc:limited"}}
	}
	c.Limits = func(c proto.Caller) proto.Limits {
		switch {
		case c.Name == "token:limited":
			return p.limits
		case c.Name == "oidc:limited" || c.Role == proto.RoleViewer: // a role of which nobody stated anything
			return proto.Limits{Nothing: true}
		}
		return proto.Limits{}
	}
	service := serve(t, c)
	for i, asker := range []string{"oidc:asked", "token:revoked", "os:viewer"} {
		p.append(&v1.Item{Body: &v1.Item_Question{Question: &v1.Question{
			QuestionId: mustMint(t, 800+i).Bytes(), Asker: asker, Role: map[bool]string{true: proto.RoleViewer, false: proto.RoleInvestigator}[asker == "os:viewer"],
			Query: "GetStatus", Page: 1, AskedUs: begin.UnixMicro(),
		}}})
	}
	p.settle()
	idOf := func(position proto.Position) []byte {
		b, err := p.readBatch(t.Context(), position.Sequence())
		if err != nil {
			t.Fatal(err)
		}
		it, err := b.Item(position.Index())
		if err != nil {
			t.Fatal(err)
		}
		return it.GetAccess().GetEventId()
	}
	shown := [][]byte{idOf(p.inside), idOf(p.outside)}
	for name, tt := range map[string]struct {
		to, of string
		want   *v1.AddresseeDoubt
	}{
		"by a token":                          {"token:7", "here", nil},
		"by the configuration":                {"oidc:jane.doe", "here", nil},
		"because they asked":                  {"oidc:asked", "here", nil},
		"a token that holds no more":          {"token:revoked", "here", &v1.AddresseeDoubt{Unknown: true}},
		"letters swapped":                     {"oidc:jnae.doe", "here", &v1.AddresseeDoubt{Unknown: true, Alike: "oidc:jane.doe"}},
		"a letter too many":                   {"oidc:janne.doe", "here", &v1.AddresseeDoubt{Unknown: true, Alike: "oidc:jane.doe"}},
		"another case":                        {"oidc:Jane.Doe", "here", &v1.AddresseeDoubt{Unknown: true, Alike: "oidc:jane.doe"}},
		"another way to sign in":              {"os:jane.doe", "here", &v1.AddresseeDoubt{Unknown: true, Alike: "oidc:jane.doe"}},
		"another name":                        {"oidc:john.roe", "here", &v1.AddresseeDoubt{Unknown: true}},
		"a short other name":                  {"oidc:ax", "here", &v1.AddresseeDoubt{Unknown: true}},
		"within the limits but for an access": {"token:limited", "here", &v1.AddresseeDoubt{AccessesHidden: 1}},
		"a case that is elsewhere":            {"token:limited", "there", &v1.AddresseeDoubt{CaseHidden: true}},
		"a case that is partly elsewhere":     {"token:limited", "both", &v1.AddresseeDoubt{CaseHidden: true}},
		"who sees nothing":                    {"oidc:limited", "here", &v1.AddresseeDoubt{CaseHidden: true}},
		"whose role sees nothing":             {"os:viewer", "here", &v1.AddresseeDoubt{CaseHidden: true}},
	} {
		id, err := proto.ParseEventID(p.cases[tt.of])
		if err != nil {
			t.Fatal(err)
		}
		got, err := service.AddresseeDoubt(as(t.Context(), "os:officer", proto.RolePrivacyOfficer), tt.to, id, shown)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
