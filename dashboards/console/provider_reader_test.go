package console_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/dashboards/console"
	"github.com/readtrail/readtrail/proto"
)

// TestProviderSaysWhoTheReaderIs: what the provider states of somebody as a reader goes with every question of theirs, so that nothing
// about themselves is shown; what is no text states nothing.
func TestProviderSaysWhoTheReaderIs(t *testing.T) {
	for name, c := range map[string]struct {
		personnel any
		claim     string
		want      proto.ReaderID
	}{
		"stated":       {"4711", "personnel", proto.NewReaderID("urn:hr", "4711")},
		"not asked":    {"4711", "", proto.ReaderID{}},
		"another name": {"4711", "number", proto.ReaderID{}},
		"no text":      {4711, "personnel", proto.ReaderID{}},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			i.claims = map[string]any{"sub": "u-1", "roles": "privacy", "personnel": c.personnel}
			s := newSite(t, i.config, func(cfg *console.Config) { cfg.Provider.ReaderClaim, cfg.Provider.ReaderSystem = c.claim, "urn:hr" })
			s.api.record = record()
			b := s.browser()
			b.get(callback(i.leave(b)), fromProvider)
			b.open(url.Values{"q": {"urn:mrn|4711"}, "kind": {"records"}, "purpose": {"complaint 12"}})
			asked := s.api.questions()
			if len(asked) == 0 {
				t.Fatal("nothing was asked")
			}
			want := proto.Caller{Name: "oidc:u-1", Role: proto.RolePrivacyOfficer, Reader: c.want}
			if diff := cmp.Diff(want, asked[len(asked)-1].caller); diff != "" {
				t.Error(diff)
			}
		})
	}
}
