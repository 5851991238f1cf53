package fhir_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	pb "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/fhir"
	"github.com/readtrail/readtrail/ingest/ingesttest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

var update = flag.Bool("update", false, "write the golden files anew")

// pretty writes messages the same way each time; protojson alone varies its blanks on purpose.
func pretty(t *testing.T, messages ...pb.Message) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, m := range messages {
		if m == nil || !m.ProtoReflect().IsValid() {
			continue
		}
		text, err := protojson.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Indent(&out, text, "", "  "); err != nil {
			t.Fatal(err)
		}
		out.WriteByte('\n')
	}
	return out.Bytes()
}

// TestGolden shows what events become: published BALP examples and fixtures for everything else that real data do.
func TestGolden(t *testing.T) {
	var files []string
	for _, dir := range []string{"balp", "events"} {
		found, err := filepath.Glob(filepath.Join("testdata", dir, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 9 {
		t.Fatalf("%d fixtures", len(files))
	}
	d := fhir.NewDecoder(fhir.Limits{})
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			entry, err := d.Decode(ingesttest.Source("ehr"), fhir.Input{Data: data})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(entry.Sealed.Original, data) {
				t.Error("the original is not what came")
			}
			var compact bytes.Buffer
			if err := json.Compact(&compact, data); err != nil {
				t.Fatal(err)
			}
			// Both forms have one content; the digest is that of the original where it was taken.
			squeezed, err := d.Decode(ingesttest.Source("ehr"), fhir.Input{Data: compact.Bytes()})
			if err != nil || squeezed.Content != entry.Content || squeezed.Digest != sha256.Sum256(compact.Bytes()) {
				t.Errorf("without whitespace: content %x, not %x, digest %x: %v", squeezed.Content, entry.Content, squeezed.Digest, err)
			}
			if entry.Digest != (proto.Hash{}) && entry.Digest != sha256.Sum256(data) {
				t.Error("the digest is not that of the original")
			}
			carried, err := proto.ItemID(entry.Item)
			if err != nil || carried != entry.ID {
				t.Fatalf("the event carries another id than its entry: %v", err)
			}
			if err := proto.SetItemID(entry.Item, entry.ID); err != nil {
				t.Fatal(err)
			}
			got := pretty(t, entry.Item.GetAccess(), entry.Sealed.FreeText)
			golden := strings.TrimSuffix(file, ".json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhoDidIt(t *testing.T) {
	device := `{"type":{"coding":[{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"%"}]},"who":{"reference":"Device/d"},"requestor":false}`
	source, destination := strings.ReplaceAll(device, "%", "110153"), strings.ReplaceAll(device, "%", "110152")
	for _, tt := range []struct {
		name, agents, action string
		want                 *v1.Reader
		mode                 v1.AccessMode
	}{
		{
			"requestor first", source + `,{"who":{"reference":"Practitioner/2"}},{"who":{"identifier":{"value":"u1"}},"requestor":true}`, "R",
			&v1.Reader{Identifiers: []*v1.Identifier{{System: "source:ehr", Value: "u1"}}}, v1.AccessMode_ACCESS_MODE_DELIBERATE,
		},
		{
			"a human before a device that is flagged", `{"who":{"reference":"Device/d"},"requestor":true},{"type":{"coding":[{"code":"humanuser"}]},"name":"Jo","altId":"j1"}`, "R",
			&v1.Reader{Identifiers: []*v1.Identifier{{System: "source:ehr", Value: "j1"}}, Name: "Jo", Type: v1.ReaderType_READER_TYPE_PERSON},
			v1.AccessMode_ACCESS_MODE_DELIBERATE,
		},
		{
			"the human among two requestors", `{"who":{"identifier":{"value":"gw"}},"requestor":true},{"type":{"coding":[{"code":"IRCP"}]},"who":{"display":"Jo"},"requestor":true}`, "R",
			&v1.Reader{Name: "Jo", Type: v1.ReaderType_READER_TYPE_PERSON}, v1.AccessMode_ACCESS_MODE_DELIBERATE,
		},
		{
			"a practitioner without any flag", source + `,{"who":{"reference":"https://x.example/fhir/Practitioner/7/_history/1","display":"Dr. X"}}`, "R",
			&v1.Reader{
				Identifiers: []*v1.Identifier{{System: "https://x.example/fhir", Value: "Practitioner/7"}}, Name: "Dr. X",
				Type: v1.ReaderType_READER_TYPE_PRACTITIONER,
			}, v1.AccessMode_ACCESS_MODE_DELIBERATE,
		},
		{
			"the machine that data flow to, in a read", source + "," + strings.Replace(destination, "Device/d", "Device/client", 1), "R",
			&v1.Reader{Identifiers: []*v1.Identifier{{System: "source:ehr", Value: "Device/client"}}, Type: v1.ReaderType_READER_TYPE_APPLICATION},
			v1.AccessMode_ACCESS_MODE_SYSTEM,
		},
		{
			"the machine that data come from, else", strings.Replace(source, "Device/d", "Device/client", 1) + "," + destination, "C",
			&v1.Reader{Identifiers: []*v1.Identifier{{System: "source:ehr", Value: "Device/client"}}, Type: v1.ReaderType_READER_TYPE_APPLICATION},
			v1.AccessMode_ACCESS_MODE_SYSTEM,
		},
		{
			"by a conditional reference", `{"who":{"reference":"Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|99"},"requestor":true}`, "R",
			&v1.Reader{Identifiers: []*v1.Identifier{{System: "http://hl7.org/fhir/sid/us-npi", Value: "99"}}, Type: v1.ReaderType_READER_TYPE_PRACTITIONER},
			v1.AccessMode_ACCESS_MODE_DELIBERATE,
		},
		{
			"where they acted is the department", `{"who":{"identifier":{"value":"u1"}},"requestor":true,"location":{"reference":"Location/3","display":"Billing"}}`, "R",
			&v1.Reader{Identifiers: []*v1.Identifier{{System: "source:ehr", Value: "u1"}}, Department: "Billing"}, v1.AccessMode_ACCESS_MODE_DELIBERATE,
		},
		{
			"one agent without brackets", `{"who":{"reference":"Patient/1"},"requestor":true}`, "R",
			&v1.Reader{Identifiers: []*v1.Identifier{{System: "source:ehr", Value: "Patient/1"}}, Type: v1.ReaderType_READER_TYPE_PATIENT},
			v1.AccessMode_ACCESS_MODE_DELIBERATE,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			agents := "[" + tt.agents + "]"
			if strings.HasPrefix(tt.name, "one agent") {
				agents = tt.agents
			}
			data := `{"resourceType":"AuditEvent","type":{"code":"rest"},"action":"` + tt.action + `","recorded":"2026-01-01T00:00:00Z","agent":` +
				agents + `,"entity":[{"what":{"reference":"Patient/1"}}]}`
			entry, err := fhir.NewDecoder(fhir.Limits{}).Decode(ingesttest.Source("ehr"), fhir.Input{Data: []byte(data)})
			if err != nil {
				t.Fatal(err)
			}
			ev := entry.Item.GetAccess()
			if diff := cmp.Diff(tt.want, ev.Reader, protocmp.Transform()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if ev.Mode != tt.mode {
				t.Errorf("mode is %v, want %v", ev.Mode, tt.mode)
			}
		})
	}
}

func TestOnlyATimeIsRequired(t *testing.T) {
	d := fhir.NewDecoder(fhir.Limits{})
	src := ingesttest.Source("ehr")
	for _, tt := range []struct{ name, in, reason, element string }{
		{"bare", `{"resourceType":"AuditEvent","recorded":"2026-01-01T00:00:00Z"}`, "", ""},
		{"odd kinds everywhere", `{"resourceType":"AuditEvent","recorded":"2026-01-01","type":7,"agent":"x","entity":[null,3],"source":[],"outcome":{},"meta":null,"contained":{}}`, "", ""},
		{"no time", `{"resourceType":"AuditEvent","occurredDateTime":"2026-01-01T00:00:00Z"}`, ingest.ReasonMissingElement, "AuditEvent.recorded"},
		{"null time", `{"resourceType":"AuditEvent","recorded":null}`, ingest.ReasonMissingElement, "AuditEvent.recorded"},
		{"no such time", `{"resourceType":"AuditEvent","recorded":"2026-02-30T00:00:00Z"}`, ingest.ReasonInvalidValue, "AuditEvent.recorded"},
		{"a number for a time", `{"resourceType":"AuditEvent","recorded":1767225600}`, ingest.ReasonInvalidValue, "AuditEvent.recorded"},
		{"no resource", `{"a":1}`, ingest.ReasonMissingElement, "resourceType"},
		{"no object", `[1]`, ingest.ReasonInvalidValue, ""},
		{"no type's name", `{"resourceType":"peter meier"}`, ingest.ReasonInvalidValue, "resourceType"},
		{"context without id", `{"resourceType":"Patient"}`, ingest.ReasonMissingElement, "Patient.id"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := d.Decode(src, fhir.Input{Data: []byte(tt.in)})
			if tt.reason == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var fault *ingest.DecodeError
			if !errors.As(err, &fault) || fault.Reason != tt.reason || tt.element != "" && fault.Element != tt.element {
				t.Fatalf("got %v, want %s at %s", err, tt.reason, tt.element)
			}
		})
	}
}

// TestReuse: what a decoder did before, or failed at, changes nothing of what it does next.
func TestReuse(t *testing.T) {
	var inputs [][]byte
	for _, pattern := range []string{"testdata/balp/*.json", "testdata/events/*.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			inputs = append(inputs, data, data[:len(data)/2], bytes.Replace(data, []byte(`"recorded"`), []byte(`"recordedd"`), 1))
		}
	}
	inputs = append(inputs, []byte(`{"resourceType":"Patient","id":"1","name":[{"family":"A"}],"link":[{"other":{"reference":"Patient/2"}}]}`))
	other := ingesttest.Source("other")
	other.BaseURL, other.PatientSystem = "https://x.example/fhir/", "urn:x"
	for _, first := range inputs {
		for _, second := range inputs {
			used := fhir.NewDecoder(fhir.Limits{})
			_, _ = used.Decode(other, fhir.Input{Data: first})
			got, gotErr := used.Decode(ingesttest.Source("ehr"), fhir.Input{Data: second})
			want, wantErr := fhir.NewDecoder(fhir.Limits{}).Decode(ingesttest.Source("ehr"), fhir.Input{Data: second})
			if (gotErr == nil) != (wantErr == nil) || got.ID != want.ID || got.Content != want.Content || !pb.Equal(got.Item, want.Item) {
				t.Fatalf("decoding %.60s changed what became of %.60s", first, second)
			}
		}
	}
}

func documents(src ingest.Source, doc fhir.Document) (out []ingest.Entry) {
	_ = fhir.Documents(fhir.Limits{}, src, doc, func(entries []ingest.Entry) error {
		out = append(out, entries...)
		return nil
	})
	return out
}

func TestIdentityPolicies(t *testing.T) {
	event := func(id, rest string) []byte {
		return []byte(`{"resourceType":"AuditEvent",` + id + `"recorded":"2026-01-01T00:00:00Z"` + rest + `}`)
	}
	decode := func(policy v1.IdentityPolicy, data []byte) ingest.Entry {
		src := ingesttest.Source("ehr")
		src.Policy = policy
		entry, err := fhir.NewDecoder(fhir.Limits{}).Decode(src, fhir.Input{Data: data})
		if err != nil {
			t.Fatal(err)
		}
		return entry
	}
	native, content := v1.IdentityPolicy_IDENTITY_POLICY_NATIVE, v1.IdentityPolicy_IDENTITY_POLICY_CONTENT
	a, spaced := decode(native, event(`"id":"1",`, "")), decode(native, event("\n  \"id\" : \"1\" ,\n", " "))
	if a.ID != spaced.ID || a.Content != spaced.Content {
		t.Error("blanks between tokens made another event")
	}
	if b := decode(native, event(`"id":"1",`, `,"action":"R"`)); b.ID != a.ID || b.Content == a.Content {
		t.Error("another content under the same native id is no conflict")
	}
	if x, y := decode(native, event("", "")), decode(native, event("", `,"action":"R"`)); x.ID == y.ID {
		t.Error("without an id, contents do not tell events apart")
	}
	if x, y := decode(content, event(`"id":"1",`, "")), decode(content, event(`"id":"1",`, `,"action":"R"`)); x.ID == y.ID {
		t.Error("the content policy goes by the id")
	}
	if x, y := decode(native, event(`"id":"1",`, "")), decode(native, event(`"id":"1",`, `,"source":{"observer":{"display":"other"}}`)); x.ID == y.ID {
		t.Error("two observers that count alike make one event")
	}
	src := ingesttest.Source("ehr")
	src.Policy = v1.IdentityPolicy_IDENTITY_POLICY_CONTENT_ORDINAL
	row := string(event("", ""))
	entries := documents(src, fhir.Document{Data: []byte("[" + row + "," + row + "," + row + "]")})
	again := documents(src, fhir.Document{Data: []byte(row + "\n" + row)})
	if len(entries) != 3 || entries[0].ID == entries[1].ID || entries[1].ID == entries[2].ID {
		t.Error("equal rows of one file are not distinct")
	}
	if len(again) != 2 || again[0].ID != entries[0].ID || again[1].ID != entries[1].ID {
		t.Error("the same rows again are not the same events")
	}
}

func TestInstants(t *testing.T) {
	for in, want := range map[string]string{
		"2026-01-02T03:04:05Z":           "2026-01-02T03:04:05Z",
		"2026-01-02T03:04:05.1234567Z":   "2026-01-02T03:04:05.1234567Z",
		"2026-01-02T03:04:05.123456789Z": "2026-01-02T03:04:05.123456789Z",
		"2026-01-02T03:04:05,5+01:00":    "2026-01-02T02:04:05.5Z",
		"2026-01-02 03:04:05-0530":       "2026-01-02T08:34:05Z",
		"2026-01-02T03:04+01":            "2026-01-02T02:04:00Z",
		"2026-01-02T03:04:05":            "2026-01-02T03:04:05Z",
		"2016-12-31T23:59:60Z":           "2017-01-01T00:00:00Z",
		"2024-02-29":                     "2024-02-29T00:00:00Z",
		"2026-03":                        "2026-03-01T00:00:00Z",
		"2026":                           "2026-01-01T00:00:00Z",
		"":                               "",
		"2026-13-01":                     "",
		"2023-02-29":                     "",
		"2026-01-02T":                    "",
		"2026-01-02T24:00:00Z":           "",
		"2026-01-02T03:04:05.Z":          "",
		"2026-01-02T03:04:05+25:00":      "",
		"0000-01-01T00:00:00Z":           "",
		"20260102":                       "",
	} {
		got, ok := fhir.ParseInstant(in)
		if ok != (want != "") {
			t.Errorf("%q: accepted is %v", in, ok)
			continue
		}
		if ok && got.UTC().Format(time.RFC3339Nano) != want {
			t.Errorf("%q: got %s, want %s", in, got.UTC().Format(time.RFC3339Nano), want)
		}
	}
}

// FuzzDecode: whatever comes in, each byte ends in an entry or a dead letter; the same input makes the same entries; a
// message of our own schema can always be written and read back.
func FuzzDecode(f *testing.F) {
	for _, pattern := range []string{"testdata/balp/*.json", "testdata/events/*.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add([]byte(`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"1","link":[{"type":"replaced-by","other":{"reference":"Patient/2"}}]},"fullUrl":"urn:uuid:1"},{"request":{"method":"DELETE","url":"Patient/1"}}]}`))
	f.Add([]byte(`[{"resourceType":"Person","id":"1","link":[{"target":{"reference":"Patient/2"}}],"name":[{"family":"A"}]},7]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		src := ingesttest.Source("ehr")
		doc := fhir.Document{Data: data, Origin: "fuzz"}
		first := documents(src, doc)
		second := fhir.NewDecoder(fhir.Limits{}).Entries(src, doc)
		if len(first) == 1 && len(second) == 1 && first[0].ID != second[0].ID {
			t.Fatal("the same input made two ids")
		}
		for i, e := range first {
			raw, err := pb.Marshal(e.Item)
			if err != nil {
				t.Fatalf("entry %d cannot be written: %v", i, err)
			}
			back := &v1.Item{}
			if err := pb.Unmarshal(raw, back); err != nil || !pb.Equal(back, e.Item) {
				t.Fatalf("entry %d reads back differently: %v", i, err)
			}
			if len(second) == len(first) && second[i].ID != e.ID && first[0].Item.GetDeadLetter() == nil {
				t.Fatalf("entry %d has two ids", i)
			}
			if e.ID.IsZero() || e.Sealed == nil || e.Source != "ehr" {
				t.Fatalf("entry %d is incomplete", i)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for _, file := range []string{"balp/AuditEvent-ex-auditBasicReadServer.json", "events/contained-and-purposes.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			b.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, data); err != nil {
			b.Fatal(err)
		}
		data = compact.Bytes()
		// The narrative is not what feeds send.
		if at := bytes.Index(data, []byte(`"text":{"status"`)); at > 0 {
			end := at + bytes.Index(data[at:], []byte(`</div>"},`)) + len(`</div>"},`)
			data = append(data[:at:at], data[end:]...)
		}
		b.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(b *testing.B) {
			d := fhir.NewDecoder(fhir.Limits{})
			src := ingesttest.Source("ehr")
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := d.Decode(src, fhir.Input{Data: data}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestHostsAreTold holds what tells a host's name to parsing every address.
func TestHostsAreTold(t *testing.T) {
	for _, address := range []string{
		"", "WS-12", "10.1.2.3", "10.1.2", "1.2.3.4.5", "999.1.1.1", "12", ".", "01.2.3.4", "ward.example", "fe80::1", "fe80::1%eth0", "%", "10.1.2.3%a",
		"http://a", "a@b", "a/b", "10.1.2.3:80", "wörk", "1.2.3.4 ", "::ffff:1.2.3.4",
	} {
		_, err := netip.ParseAddr(address)
		want := err != nil && address != "" && !strings.ContainsAny(address, ":/@")
		if got := fhir.IsHost(address); got != want {
			t.Errorf("%q: a host's name %t, want %t", address, got, want)
		}
	}
}

// TestBasedOn: what an event is based on is kept as its own element, or its own extension, says it in a reference, and nothing else of the event can
// write it.
func TestBasedOn(t *testing.T) {
	t.Parallel()
	const r4, pack = "http://hl7.org/fhir/5.0/StructureDefinition/extension-AuditEvent.basedOn", "http://hl7.org/fhir/StructureDefinition/event-basedOn"
	extension := func(url string) string {
		return `"extension":[{"url":"` + url + `","valueReference":{"reference":"ServiceRequest/o1"}}]`
	}
	for name, c := range map[string]struct {
		event, base string
		want        []string
	}{
		"R5":                           {`"basedOn":[{"reference":"ServiceRequest/o1"},{"reference":"/Task/t1/_history/2"}]`, "", []string{"ServiceRequest/o1", "Task/t1"}},
		"R4":                           {extension(r4), "", []string{"ServiceRequest/o1"}},
		"R4, the extension of a pack":  {extension(pack), "", []string{"ServiceRequest/o1"}},
		"the source's own server":      {`"basedOn":[{"reference":"https://x.example/fhir/ServiceRequest/o1"}]`, "https://x.example/fhir/", []string{"ServiceRequest/o1"}},
		"another server":               {`"basedOn":[{"reference":"https://y.example/fhir/ServiceRequest/o1"}]`, "", []string{"https://y.example/fhir/ServiceRequest/o1"}},
		"another server than its own":  {`"basedOn":[{"reference":"https://y.example/fhir/Task/1"}]`, "https://x.example/fhir", []string{"https://y.example/fhir/Task/1"}},
		"an order of another base":     {`"basedOn":[{"reference":"https://x.example/test/fhir/Task/1"}]`, "https://x.example/fhir", []string{"https://x.example/test/fhir/Task/1"}},
		"a text":                       {`"basedOn":[{"display":"ServiceRequest/o1"}]`, "", nil},
		"an identifier":                {`"basedOn":[{"identifier":{"value":"ServiceRequest/o1"}}]`, "", nil},
		"an identifier that is sought": {`"basedOn":[{"reference":"Task?identifier=ServiceRequest/o1"}]`, "", nil},
		"a number":                     {`"basedOn":[7,null]`, "", nil},
		"an extension of an entity":    {`"entity":[{"what":{"reference":"Task/t1"},` + extension(r4) + `}]`, "", nil},
		"an extension of an agent":     {`"agent":[{"requestor":true,` + extension(pack) + `}]`, "", nil},
		"a detail of an entity":        {`"entity":[{"detail":[{"type":"based_on","valueString":"ServiceRequest/o1"}]}]`, "", nil},
		"a coded detail of an entity":  {`"entity":[{"detail":[{"type":{"coding":[{"code":"based_on"}]},"valueString":"Task/t1"}]}]`, "", nil},
		"an extension of that name":    {extension("based_on"), "", nil},
	} {
		src := ingesttest.Source("ehr")
		src.BaseURL = c.base
		entry, err := fhir.NewDecoder(fhir.Limits{}).Decode(src, fhir.Input{
			Data: []byte(`{"resourceType":"AuditEvent","id":"1","recorded":"2026-01-01T00:00:00Z",` + c.event + `}`),
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range entry.Item.GetAccess().GetExtensions() {
			if x.Name == "based_on" {
				got = append(got, x.Value)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
