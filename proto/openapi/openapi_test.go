package openapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/readtrail/readtrail/proto/openapi"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// read is the description as a client gets it.
func read(t *testing.T) map[string]any {
	t.Helper()
	w := httptest.NewRecorder()
	openapi.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, openapi.Path, nil))
	var d map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil || w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v: %v", w.Code, w.Header(), err)
	}
	return d
}

// at follows names into the description; nil when there is no such thing.
func at(d any, names ...string) any {
	for _, name := range names {
		m, _ := d.(map[string]any)
		d = m[name]
	}
	return d
}

// TestEverythingIsDescribed: every method of every service, and every field and enum value of every message that one reaches.
func TestEverythingIsDescribed(t *testing.T) {
	d := read(t)
	if at(d, "openapi") != "3.1.0" {
		t.Errorf("openapi %v", at(d, "openapi"))
	}
	methods, seen := 0, map[protoreflect.FullName]bool{}
	protoregistry.GlobalFiles.RangeFilesByPackage("readtrail.v1", func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			s := f.Services().Get(i)
			for k := range s.Methods().Len() {
				m := s.Methods().Get(k)
				methods++
				content := "application/json"
				if m.IsStreamingServer() {
					content = "application/connect+json"
				}
				path := at(d, "paths", "/"+string(s.FullName())+"/"+string(m.Name()), "post")
				for part, want := range map[any]protoreflect.MessageDescriptor{
					at(path, "requestBody", "content", content, "schema", "$ref"): m.Input(), at(path, "responses", "200", "content", content, "schema", "$ref"): m.Output(),
				} {
					if part != "#/components/schemas/"+string(want.FullName()) {
						t.Errorf("%s: %v, want %s", m.FullName(), part, want.FullName())
					}
					described(t, d, want, seen)
				}
			}
		}
		return true
	})
	if paths, _ := at(d, "paths").(map[string]any); methods < 25 || len(paths) != methods {
		t.Errorf("%d paths, %d methods", len(paths), methods)
	}
	schemas, _ := at(d, "components", "schemas").(map[string]any)
	if len(schemas) != len(seen)+1 { // and Connect's error
		t.Errorf("%d schemas, %d messages and enums are reached", len(schemas), len(seen))
	}
}

func described(t *testing.T, d any, m protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) {
	t.Helper()
	if seen[m.FullName()] {
		return
	}
	seen[m.FullName()] = true
	properties, _ := at(d, "components", "schemas", string(m.FullName()), "properties").(map[string]any)
	if len(properties) != m.Fields().Len() {
		t.Errorf("%s: %d properties, %d fields", m.FullName(), len(properties), m.Fields().Len())
	}
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		value := properties[f.JSONName()]
		if value == nil {
			t.Errorf("%s is not described", f.FullName())
			continue
		}
		if f.IsList() {
			if at(value, "type") != "array" {
				t.Errorf("%s: %v", f.FullName(), value)
			}
			value = at(value, "items")
		}
		switch {
		case f.Message() != nil && f.Message().FullName() == "google.protobuf.FieldMask": // one text, in the JSON form of protobuf
			if at(value, "type") != "string" || at(value, "format") != "field-mask" {
				t.Errorf("%s: %v", f.FullName(), value)
			}
		case f.Message() != nil:
			if at(value, "$ref") != "#/components/schemas/"+string(f.Message().FullName()) {
				t.Errorf("%s: %v", f.FullName(), value)
			}
			described(t, d, f.Message(), seen)
		case f.Enum() != nil:
			seen[f.Enum().FullName()] = true
			names, _ := at(d, "components", "schemas", string(f.Enum().FullName()), "enum").([]any)
			if len(names) != f.Enum().Values().Len() {
				t.Errorf("%s: %v", f.Enum().FullName(), names)
			}
		case at(value, "type") == nil:
			t.Errorf("%s: %v", f.FullName(), value)
		}
	}
}

// TestSaysWhatTheSchemaSays: comments of the contract are the description, and numbers of 64 bits are texts, as clients get them.
func TestSaysWhatTheSchemaSays(t *testing.T) {
	d := read(t)
	text, _ := at(d, "paths", "/readtrail.v1.QueryService/WhoViewed", "post", "description").(string)
	if text != "Who viewed this record?" {
		t.Errorf("described as %q", text)
	}
	position := at(d, "components", "schemas", string((&v1.AnswerHeader{}).ProtoReflect().Descriptor().FullName()), "properties", "position")
	if kinds, _ := at(position, "type").([]any); len(kinds) == 0 || kinds[0] != "string" || at(position, "format") != "uint64" {
		t.Errorf("position: %v", position)
	}
	if why, _ := at(position, "description").(string); !strings.HasPrefix(why, "The answer holds everything up to") {
		t.Errorf("position is described as %q", why)
	}
	w := httptest.NewRecorder()
	openapi.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, openapi.Path, nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}
