package readback_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/ingest"
	adapter "github.com/readtrail/readtrail/ingest/fhir"
	"github.com/readtrail/readtrail/ingest/ingesttest"
	"github.com/readtrail/readtrail/projections/api/fhir"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// source is who sends, in these tests.
func source() ingest.Source { return ingesttest.Source("ehr") }

// decode reads one AuditEvent as the write side does.
func decode(t testing.TB, data []byte) *v1.AccessEvent {
	t.Helper()
	entry, err := adapter.NewDecoder(adapter.Limits{}).Decode(source(), adapter.Input{Data: data})
	if err != nil {
		t.Fatalf("decode: %v\n%s", err, data)
	}
	return entry.Item.GetAccess()
}

func emit(t testing.TB, e *v1.AccessEvent, version fhir.Version) []byte {
	t.Helper()
	body, err := fhir.Emit(fhir.Found{ID: "1srOrx2ZWZBpBUvZwXKQmoEYga2", Event: e, ReceivedUs: 1_767_225_600_123_456}, version)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// eventsOf are the AuditEvents in a JSON document, taken apart with encoding/json.
func eventsOf(data []byte) [][]byte {
	var top struct {
		ResourceType string
		Entry        []struct{ Resource json.RawMessage }
	}
	data = []byte(strings.TrimPrefix(string(data), "\ufeff"))
	if json.Unmarshal(data, &top) != nil {
		return nil
	}
	if top.ResourceType == "AuditEvent" {
		return [][]byte{data}
	}
	var out [][]byte
	for _, e := range top.Entry {
		var head struct{ ResourceType string }
		if json.Unmarshal(e.Resource, &head) == nil && head.ResourceType == "AuditEvent" {
			out = append(out, e.Resource)
		}
	}
	return out
}

// corpus calls f for every AuditEvent below a directory that has a recorded time: the others are dead letters.
func corpus(t testing.TB, dir string, f func(name string, data []byte)) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, event := range eventsOf(data) {
			var head struct{ Recorded string }
			if json.Unmarshal(event, &head) == nil && head.Recorded != "" {
				n++
				f(strings.TrimPrefix(path, dir+"/")+"#"+strconv.Itoa(i), event)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// carried are the extensions of ours in an emitted resource, by the last part of their names.
func carried(t testing.TB, resource []byte) map[string]string {
	t.Helper()
	type list []struct{ URL, ValueString, ValueCode string }
	var top struct {
		Extension list
		Agent     []struct{ Extension list }
		Meta      struct{ Tag []struct{ Code string } }
	}
	if err := json.Unmarshal(resource, &top); err != nil {
		t.Fatal(err)
	}
	all := top.Extension
	for _, a := range top.Agent {
		all = append(all, a.Extension...)
	}
	out := map[string]string{}
	for _, x := range all {
		if name, ok := strings.CutPrefix(x.URL, fhir.Base+"/StructureDefinition/"); ok {
			out[name] = x.ValueString + x.ValueCode
		}
	}
	var flags []string
	for _, tag := range top.Meta.Tag {
		flags = append(flags, tag.Code)
	}
	out["flags"] = strings.Join(flags, " ")
	return out
}

// reread is the emitted resource as the write side understands it. What FHIR has no element for travels in extensions of
// ours, which the write side keeps as extensions: they are put in their fields here.
func reread(t testing.TB, resource []byte) *v1.AccessEvent {
	t.Helper()
	e, own := decode(t, resource), carried(t, resource)
	e.EventId, e.SourceEventId, e.Session, e.Format = nil, own["source-event-id"], own["session"], own["format"]
	e.Flags = strings.Fields(own["flags"])
	if code, ok := own["action-code"]; ok {
		e.ActionCode = code
	}
	e.SourceSequence, _ = strconv.ParseUint(own["source-sequence"], 10, 64)
	e.Mode = v1.AccessMode(v1.AccessMode_value["ACCESS_MODE_"+strings.ToUpper(own["access-mode"])])
	e.Extensions = slices.DeleteFunc(e.Extensions, func(x *v1.Extension) bool {
		if x.Name == "disclosure-protocol" {
			e.Disclosure.Protocol = x.Value
			return true
		}
		return strings.HasPrefix(x.Name, fhir.Base)
	})
	return normal(e)
}

// normal is an event in the form in which two are compared: an empty reader is none, extensions and the identifiers of one person have
// no order (the one that means most stands first in what is emitted), and an object of which nothing but its type is known (a resource contained in the original) cannot be referred to.
func normal(e *v1.AccessEvent) *v1.AccessEvent {
	e = proto.CloneOf(e)
	e.EventId = nil
	if proto.Equal(e.Reader, &v1.Reader{}) {
		e.Reader = nil
	}
	for _, p := range e.Patients {
		sortIdentifiers(p.Identifiers)
	}
	for _, r := range append([]*v1.Reader{e.Reader, e.OnBehalfOf}, e.Participants...) {
		sortIdentifiers(r.GetIdentifiers())
	}
	e.Objects = slices.DeleteFunc(e.Objects, func(o *v1.Object) bool { return o.Id == nil && o.Name == "" })
	slices.SortStableFunc(e.Extensions, func(a, b *v1.Extension) int { return strings.Compare(a.Name+"\x00"+a.Value, b.Name+"\x00"+b.Value) })
	return e
}

func sortIdentifiers(ids []*v1.Identifier) {
	slices.SortFunc(ids, func(a, b *v1.Identifier) int { return strings.Compare(a.System+"|"+a.Value, b.System+"|"+b.Value) })
}

// versionOf is the version that an event came in.
func versionOf(e *v1.AccessEvent) fhir.Version {
	if e.Format == "R5" {
		return fhir.R5
	}
	return fhir.R4
}

// fixtures calls f for the events that are always there: those that the write side is tested with. SOURCE.md beside them says where
// they are from.
func fixtures(t testing.TB, f func(name string, data []byte)) {
	t.Helper()
	for _, folder := range []string{"balp", "events"} {
		if n := corpus(t, filepath.Join("..", "..", "ingest", "fhir", "testdata", folder), f); n < 4 {
			t.Errorf("%s: %d events", folder, n)
		}
	}
}

// TestFixturesComeBack is TestCorporaComeBack for what is always there.
func TestFixturesComeBack(t *testing.T) {
	fixtures(t, func(name string, data []byte) { comesBack(t, name, data) })
}

// TestBasedOnComesBack: what an event is based on is told where FHIR has it, and comes back as it was kept, of the source's server and of others.
func TestBasedOnComesBack(t *testing.T) {
	const rest = `"recorded":"2026-05-01T08:02:01Z","agent":[{"who":{"reference":"Practitioner/1"},"requestor":true}],"source":{"observer":{"display":"EHR"}},
		"entity":[{"what":{"reference":"Patient/1"}}]}`
	for _, c := range []struct{ name, event, told string }{
		{"R5", `{"resourceType":"AuditEvent","code":{"text":"read"},"basedOn":[{"reference":"ServiceRequest/s1"}],` + rest, `"basedOn":[{`},
		{"R5, another server", `{"resourceType":"AuditEvent","code":{"text":"read"},"basedOn":[{"reference":"https://other.example/fhir/Task/t1"}],` + rest, `"basedOn":[{`},
		{"R4", `{"resourceType":"AuditEvent","type":{"code":"rest"},"extension":[{"url":"http://hl7.org/fhir/5.0/StructureDefinition/extension-AuditEvent.basedOn",` +
			`"valueReference":{"reference":"ServiceRequest/s1"}}],` + rest, `extension-AuditEvent.basedOn","valueReference"`},
	} {
		comesBack(t, c.name, []byte(c.event))
		e := decode(t, []byte(c.event))
		if n := len(e.Extensions); n != 1 || e.Extensions[0].Name != "based_on" {
			t.Errorf("%s: keeps %v", c.name, e.Extensions)
		}
		if resource := string(emit(t, e, versionOf(e))); !strings.Contains(resource, c.told) || strings.Contains(resource, `"based_on"`) {
			t.Errorf("%s: %s", c.name, resource)
		}
	}
}

// TestCorporaComeBack emits every AuditEvent of the corpora in the version that it came in, and reads it again: the same
// event.
func TestCorporaComeBack(t *testing.T) {
	n := corpus(t, ingesttest.Corpora(t), func(name string, data []byte) { comesBack(t, name, data) })
	t.Logf("%d events", n)
	if n < 103 {
		t.Errorf("%d events, the corpora have more", n)
	}
}

func comesBack(t *testing.T, name string, data []byte) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		e := decode(t, data)
		resource := emit(t, e, versionOf(e))
		if diff := cmp.Diff(normal(e), reread(t, resource), protocmp.Transform()); diff != "" {
			t.Errorf("-as it came +as it was read back\n%s\n%s\n%s", diff, data, resource)
		}
	})
}
