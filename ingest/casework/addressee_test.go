package casework_test

import (
	"context"
	"errors"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	pb "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func (o *office) findDoubt(_ context.Context, to string, _ proto.EventID, _ [][]byte) (*v1.AddresseeDoubt, error) {
	return o.doubts[to], o.doubting
}

// TestADoubtfulAddresseeIsTold: at once, and again when the command is sent again; the question is put all the same, and once.
func TestADoubtfulAddresseeIsTold(t *testing.T) {
	o := newOffice(t)
	officer := caller(proto.RolePrivacyOfficer, "os:officer")
	o.doubts = map[string]*v1.AddresseeDoubt{"oidc:jnae.doe": {Unknown: true, Alike: "oidc:jane.doe"}}
	f := o.newFile().must(officer, o.opening(""))
	put := func(to string, version uint32) (*v1.WriteCaseResponse, error) {
		m, _ := pb.Clone(asked("Doe, J.")).(*v1.WriteCaseRequest)
		m.Case, m.Version, m.GetAsked().To = f.id.String(), version, to
		res, err := o.service.WriteCase(officer, connect.NewRequest(m))
		if err != nil {
			return nil, err
		}
		return res.Msg, nil
	}
	for _, when := range []string{"at first", "again"} {
		res, err := put("oidc:jnae.doe", 1)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(o.doubts["oidc:jnae.doe"], res.Doubt, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	if res, err := put("oidc:jane.doe", 2); err != nil || res.Doubt != nil {
		t.Errorf("somebody who is known: %v, %v", res, err)
	}
	o.doubting = errors.New("the store is down")
	if res, err := put("", 3); err != nil || res.Doubt != nil {
		t.Errorf("nobody, of whom nothing is looked up: %v, %v", res, err)
	}
	if _, err := put("oidc:jane.doe", 4); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("it is not known whether it reaches them: %v", err)
	}
	o.doubting = nil
	if res, err := put("oidc:jane.doe", 4); err != nil || res.Version != 5 {
		t.Errorf("sent again: %v, %v", res, err)
	}
	if n := len(f.entries()); n != 5 {
		t.Errorf("%d steps are kept", n)
	}
}
