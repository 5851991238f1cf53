package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// responses are the messages that any service of the contract answers with.
func responses(t *testing.T) (out []protoreflect.MessageDescriptor) {
	t.Helper()
	protoregistry.GlobalFiles.RangeFilesByPackage("readtrail.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				out = append(out, methods.Get(j).Output())
			}
		}
		return true
	})
	if len(out) < 25 {
		t.Fatalf("only %d methods are known", len(out))
	}
	return out
}

func whom(f protoreflect.FieldDescriptor) v1.Whom {
	w, _ := protobuf.GetExtension(f.Options(), v1.E_Whom).(v1.Whom)
	return w
}

// TestEveryFieldSaysWhomItNames: each text, each run of bytes and each identifier that any answer can hold is decided about.
func TestEveryFieldSaysWhomItNames(t *testing.T) {
	t.Parallel()
	seen := map[protoreflect.FullName]bool{}
	var walk func(m protoreflect.MessageDescriptor)
	walk = func(m protoreflect.MessageDescriptor) {
		if seen[m.FullName()] {
			return
		}
		seen[m.FullName()] = true
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			leaf := f.Kind() == protoreflect.StringKind || f.Kind() == protoreflect.BytesKind
			if f.Message() != nil {
				leaf = f.Message().FullName() == "readtrail.v1.Identifier"
				walk(f.Message())
			}
			if leaf && whom(f) == v1.Whom_WHOM_UNSPECIFIED {
				t.Errorf("%s does not say whom it names: add [(whom) = WHOM_...]", f.FullName())
			}
			if f.IsMap() {
				t.Errorf("%s is a map, which answers to viewers leave out", f.FullName())
			}
		}
	}
	for _, m := range responses(t) {
		walk(m)
	}
}

// fill puts a secret into every text, every run of bytes and every identifier below m, two of each in lists. Each secret is the
// name of its field.
func fill(m protoreflect.Message, depth int) {
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		var make func() protoreflect.Value
		secret := "secret:" + string(f.FullName())
		switch {
		case f.Message() != nil && depth > 0:
			make = func() protoreflect.Value {
				child := m.NewField(f)
				if f.IsList() {
					child = child.List().NewElement()
				}
				fill(child.Message(), depth-1)
				return child
			}
		case f.Kind() == protoreflect.StringKind:
			make = func() protoreflect.Value { return protoreflect.ValueOfString(secret) }
		case f.Kind() == protoreflect.BytesKind:
			make = func() protoreflect.Value { return protoreflect.ValueOfBytes([]byte(secret)) }
		default:
			continue
		}
		if !f.IsList() {
			m.Set(f, make())
			continue
		}
		list := m.Mutable(f).List()
		list.Append(make())
		list.Append(make())
	}
}

// toldBy lists the fields below m that hold a secret.
func toldBy(m protoreflect.Message) (out []protoreflect.FieldDescriptor) {
	m.Range(func(f protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		look := func(x protoreflect.Value) {
			switch {
			case f.Message() != nil && whom(f) == v1.Whom_WHOM_SOMEBODY:
				out = append(out, f) // nothing of it is to be there
			case f.Message() != nil:
				out = append(out, toldBy(x.Message())...)
			case f.Kind() == protoreflect.StringKind && strings.Contains(x.String(), "secret:"),
				f.Kind() == protoreflect.BytesKind && strings.Contains(string(x.Bytes()), "secret:"):
				out = append(out, f)
			}
		}
		if f.IsList() {
			for i := range value.List().Len() {
				look(value.List().Get(i))
			}
		} else {
			look(value)
		}
		return true
	})
	return out
}

// TestVeiledAnswersNameNobody covers every answer of every service, with all of its fields filled: what is left was declared to name
// nobody, field by field.
func TestVeiledAnswersNameNobody(t *testing.T) {
	t.Parallel()
	secrets := 0
	for _, d := range responses(t) {
		kind, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
		if err != nil {
			t.Fatal(err)
		}
		m := kind.New()
		fill(m, 8)
		before := protobuf.Clone(m.Interface())
		secrets += len(toldBy(m))
		veiled := api.Cover([]byte("key"), m.Interface())
		for _, f := range toldBy(veiled.ProtoReflect()) {
			if whom(f) != v1.Whom_WHOM_NOBODY {
				t.Errorf("%s: %s tells %s", d.Name(), f.FullName(), whom(f))
			}
		}
		if diff := gocmp.Diff(before, m.Interface(), protocmp.Transform()); diff != "" {
			t.Errorf("%s: the answer itself was changed: %s", d.Name(), diff)
		}
	}
	if secrets < 1000 {
		t.Errorf("only %d secrets were hidden in answers", secrets)
	}
}

// TestUndecidedFieldsAreWithheld: a field that nobody decided about names somebody, until somebody did; so does one that this program
// does not know.
func TestUndecidedFieldsAreWithheld(t *testing.T) {
	t.Parallel()
	text := func(name string, number int32) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{
			Name: &name, Number: &number, Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}
	}
	decided := text("decided", 2)
	decided.Options = &descriptorpb.FieldOptions{}
	protobuf.SetExtension(decided.Options, v1.E_Whom, v1.Whom_WHOM_NOBODY)
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: new("new.proto"), Syntax: new("proto3"), MessageType: []*descriptorpb.DescriptorProto{{
			Name: new("New"), Field: []*descriptorpb.FieldDescriptorProto{text("undecided", 1), decided},
		}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	m := dynamicpb.NewMessage(file.Messages().Get(0))
	fill(m, 1)
	m.SetUnknown(protoreflect.RawFields("\x1a\x06secret"))
	veiled := api.Cover([]byte("key"), m).ProtoReflect()
	if fields := toldBy(veiled); len(fields) != 1 || fields[0].Name() != "decided" || len(veiled.GetUnknown()) != 0 {
		t.Errorf("left: %v and %q", fields, veiled.GetUnknown())
	}
}

// TestPseudonyms: one is the same for as long as the key is, and for nobody else; a patient who is a reader too has two.
func TestPseudonyms(t *testing.T) {
	t.Parallel()
	same := id("urn:x", "7")
	answer := &v1.SearchFindingsResponse{Findings: []*v1.FindingRow{
		{Finding: &v1.Finding{Reader: same, Patient: same}},
		{Finding: &v1.Finding{Reader: same, Patient: id("urn:y", "7")}},
		{Finding: &v1.Finding{Reader: id("urn:x", "8")}},
	}}
	of := func(key string) (out []string) {
		veiled, _ := api.Cover([]byte(key), answer).(*v1.SearchFindingsResponse)
		for _, f := range veiled.GetFindings() {
			for _, x := range []*v1.Identifier{f.Finding.Reader, f.Finding.Patient} {
				if x.GetSystem() != "" {
					t.Errorf("a system is told: %q", x.System)
				}
				out = append(out, x.GetValue())
			}
		}
		return out
	}
	one := of("one")
	if !slices.Equal(one, of("one")) || one[0] != one[2] {
		t.Errorf("not stable: %v", one)
	}
	if !strings.HasPrefix(one[0], "reader ") || !strings.HasPrefix(one[1], "record ") || len(one[0]) != len("reader ")+8 || one[5] != "" {
		t.Errorf("pseudonyms: %q", one)
	}
	short := func(text string) string { return text[len(text)-8:] }
	if short(one[0]) == short(one[1]) || one[1] == one[3] || one[0] == one[4] {
		t.Errorf("two of them share one: %v", one)
	}
	if of("two")[0] == one[0] {
		t.Error("another key makes the same pseudonyms")
	}
	place, _ := api.Cover([]byte("one"), &v1.Access{Workstation: "WS1", NetworkAddress: "WS1"}).(*v1.Access)
	if !strings.HasPrefix(place.GetWorkstation(), "workstation ") || place.Workstation != place.NetworkAddress {
		t.Errorf("place: %v", place)
	}
}

// TestViewersReadPseudonyms asks all that a viewer may ask of a hospital with alerts, and looks for everybody in it.
func TestViewersReadPseudonyms(t *testing.T) {
	h := newHospital(t, 21, 40)
	h.detect(20)
	h.settle()
	viewer := as(t.Context(), "token:v", proto.RoleViewer)
	alert, err := h.service.ListAlerts(viewer, connect.NewRequest(&v1.ListAlertsRequest{From: "2026-01-01", To: "2026-12-31", Scope: v1.AlertScope_ALERT_SCOPE_ALL}))
	if err != nil || len(alert.Msg.Alerts) == 0 {
		t.Fatal(err)
	}
	one, err := h.service.GetAlert(viewer, connect.NewRequest(&v1.GetAlertRequest{Alert: alert.Msg.Alerts[0].AlertId}))
	if err != nil || len(one.Msg.Accesses) == 0 || one.Msg.Latest.GetNote().GetTitle() != "" {
		t.Fatalf("alert: %v", err)
	}
	found, err := h.service.SearchFindings(viewer, connect.NewRequest(&v1.SearchFindingsRequest{From: "2026-01-01", To: "2026-12-31"}))
	if err != nil || len(found.Msg.Findings) == 0 {
		t.Fatalf("findings: %v", err)
	}
	for name, m := range map[string]protobuf.Message{"list": alert.Msg, "alert": one.Msg, "findings": found.Msg} {
		text, err := protojson.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"urn:staff", "urn:mrn", "Name of", "Patient ", "Somebody in", "Oncology", "nurse", "WS1"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s: a viewer reads %q", name, secret)
			}
		}
	}
	if who := one.Msg.Alert.Readers; len(who) > 0 && who[0].Display != alert.Msg.Alerts[0].Readers[0].Display {
		t.Error("the alert and the list have different pseudonyms")
	}
	if last := h.asked[len(h.asked)-1]; !last.Summary || len(last.Subjects) != 0 {
		t.Errorf("journaled as %v", last)
	}
	for name, ask := range map[string]func() error{
		"an alert with a purpose": func() error {
			_, err := h.service.GetAlert(viewer, connect.NewRequest(&v1.GetAlertRequest{Alert: alert.Msg.Alerts[0].AlertId, Purpose: "p"}))
			return err
		},
		"findings with a purpose": func() error {
			_, err := h.service.SearchFindings(viewer, connect.NewRequest(&v1.SearchFindingsRequest{Purpose: "p"}))
			return err
		},
	} {
		if err := ask(); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.service.SearchFindings(viewer, connect.NewRequest(&v1.SearchFindingsRequest{Reader: "urn:staff|u1"})); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("findings about somebody: %v", err)
	}
	if _, err := h.service.SearchFindings(h.ctx(), connect.NewRequest(&v1.SearchFindingsRequest{})); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("findings without a purpose: %v", fmt.Sprint(err))
	}
}
