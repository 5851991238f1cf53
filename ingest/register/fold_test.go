package register_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/ingest/register"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestCloneSharesNothing: a batch's text lies in memory that goes when the batch does; what the register keeps must not.
func TestCloneSharesNothing(t *testing.T) {
	want := &v1.SourceRegistered{Name: "ehr", TimeZone: "Europe/Vienna", Systems: []string{"urn:mrn"}, CredentialSha256: []byte("sum")}
	memory, err := want.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	read := &v1.SourceRegistered{}
	if err := read.UnmarshalVTUnsafe(memory); err != nil {
		t.Fatal(err)
	}
	kept := register.CloneSource(read)
	clear(memory)
	if diff := cmp.Diff(want, kept, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}
