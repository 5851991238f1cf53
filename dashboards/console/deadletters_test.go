package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestRetriedDeadLetters: the list says which a retry turned into events, without their ids, and one leads to its event.
func TestRetriedDeadLetters(t *testing.T) {
	s := newSite(t)
	row := &v1.DeadLetterRow{Position: 4096, Source: "ehr", Reason: "invalid_json", RetriedPosition: 163840}
	s.api.dead = &v1.ListDeadLettersResponse{Header: header(), DeadLetters: []*v1.DeadLetterRow{row}}
	s.api.letter = &v1.GetDeadLetterResponse{Header: header(), DeadLetter: row, Original: []byte("{}")}
	s.api.event = event()
	b := s.signedIn(proto.RoleInvestigator)
	list := b.get("/dead-letters?retried")
	if !strings.Contains(list.body, "since retried") {
		t.Errorf("%d\n%s", list.status, list.body)
	}
	_, path, _ := strings.Cut(list.body, `href="/dead-letters/`)
	path, _, _ = strings.Cut(path, `"`)
	path = "/dead-letters/" + path
	b.post("/purpose"+path, url.Values{"purpose": {"repair"}})
	one := b.get(path)
	before, _, found := strings.Cut(one.body, `">at position 163840</a>`)
	if !found {
		t.Fatalf("%d\n%s", one.status, one.body)
	}
	if p := b.get(before[strings.LastIndex(before, `"`)+1:]); p.status != http.StatusOK {
		t.Errorf("its event: %d\n%s", p.status, p.body)
	}
	if m, n := last[*v1.GetEventRequest](s, "GetEvent"); n != 1 || m.Event != "163840" || m.Purpose != "repair" {
		t.Errorf("%d questions, %v", n, m)
	}
}
