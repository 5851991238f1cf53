package proto_test

import (
	"testing"

	"github.com/readtrail/readtrail/proto"
)

func TestVisibleName(t *testing.T) {
	for name, want := range map[string]bool{
		"jo": true, "Jörg Müller": true, "山田": true, "a|b@c": true, "": false, " jo": false, "jo ": false, "j\u200bo": false, "\u202eoj": false, "j\u2066o": false,
		"j\u00a0o": false, "j\u3000o": false, "j\to": false, "j\x00o": false, "j\u00ado": false, "\xff": false, "j\ufeffo": false, "j\u2028o": false, "j\U000e0041o": false,
	} {
		if got := proto.VisibleName(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
