package main

import (
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// document is an OpenAPI 3.1 description, as far as services of Connect need one. Maps are written in the order of their keys.
type document struct {
	OpenAPI    string              `json:"openapi"`
	Info       info                `json:"info"`
	Tags       []tag               `json:"tags"`
	Security   []map[string][]any  `json:"security"`
	Paths      map[string]pathItem `json:"paths"`
	Components components          `json:"components"`
}

type info struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description"`
}

type tag struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

type pathItem struct {
	Post operation `json:"post"`
}

type operation struct {
	Tags        []string            `json:"tags"`
	OperationID string              `json:"operationId"`
	Description string              `json:"description,omitempty"`
	RequestBody body                `json:"requestBody"`
	Responses   map[string]response `json:"responses"`
}

type body struct {
	Required bool             `json:"required"`
	Content  map[string]media `json:"content"`
}

type response struct {
	Description string           `json:"description"`
	Content     map[string]media `json:"content"`
}

type media struct {
	Schema schema `json:"schema"`
}

type components struct {
	Schemas         map[string]schema         `json:"schemas"`
	SecuritySchemes map[string]securityScheme `json:"securitySchemes"`
}

type securityScheme struct {
	Type        string `json:"type"`
	Scheme      string `json:"scheme"`
	Description string `json:"description"`
}

type schema struct {
	Ref             string            `json:"$ref,omitempty"`
	Type            any               `json:"type,omitempty"`
	Format          string            `json:"format,omitempty"`
	ContentEncoding string            `json:"contentEncoding,omitempty"`
	Description     string            `json:"description,omitempty"`
	Enum            []string          `json:"enum,omitempty"`
	Items           *schema           `json:"items,omitempty"`
	Additional      any               `json:"additionalProperties,omitempty"`
	Properties      map[string]schema `json:"properties,omitempty"`
}

// Kinds of content: one message, and a stream of them, each behind five bytes (connectrpc.com/docs/protocol).
const (
	oneMessage = "application/json"
	stream     = "application/connect+json"
	errorName  = "connect.Error"
)

// describe describes all services of some files and every message that they reach.
func describe(files []*protogen.File) document {
	d := document{
		OpenAPI: "3.1.0",
		Info: info{
			Title: "Readtrail", Version: "v1",
			Description: "Connect services as JSON: every method is a POST, with the JSON form of protobuf. Numbers of 64 bits are texts. Fields that are " +
				"left out have their default. The same services speak gRPC. Every question is journaled before its answer leaves.",
		},
		Security: []map[string][]any{{"token": {}}},
		Paths:    map[string]pathItem{},
		Components: components{
			Schemas: map[string]schema{errorName: errorSchema()},
			SecuritySchemes: map[string]securityScheme{"token": {
				Type: "http", Scheme: "bearer", Description: "readtrail tokens create. The local socket needs none: it asks the operating system who calls.",
			}},
		},
	}
	for _, f := range files {
		if !f.Generate {
			continue
		}
		for _, s := range f.Services {
			d.Tags = append(d.Tags, tag{string(s.Desc.FullName()), said(s.Comments)})
			for _, m := range s.Methods {
				d.method(m)
			}
		}
	}
	return d
}

func (d *document) method(m *protogen.Method) {
	service := string(m.Parent.Desc.FullName())
	in, out := oneMessage, oneMessage
	if m.Desc.IsStreamingClient() || m.Desc.IsStreamingServer() {
		in, out = stream, stream // both are, when one is
	}
	d.Paths["/"+service+"/"+string(m.Desc.Name())] = pathItem{Post: operation{
		Tags: []string{service}, OperationID: string(m.Desc.FullName()), Description: said(m.Comments),
		RequestBody: body{Required: true, Content: map[string]media{in: {d.message(m.Input)}}},
		Responses: map[string]response{
			"200":     {"The answer.", map[string]media{out: {d.message(m.Output)}}},
			"default": {"Why there is no answer.", map[string]media{oneMessage: {reference(errorName)}}},
		},
	}}
}

func errorSchema() schema {
	return schema{
		Type: "object", Description: "Why a call failed, as Connect says it.",
		Properties: map[string]schema{
			"code":    {Type: "string", Description: "Such as invalid_argument, unauthenticated, permission_denied, unavailable."},
			"message": {Type: "string", Description: "For people: the field and what to do. It names nobody."},
		},
	}
}

// fieldMask has a JSON form of its own: one text (protobuf.dev/programming-guides/json).
const fieldMask = "google.protobuf.FieldMask"

func maskSchema() schema {
	return schema{
		Type: "string", Format: "field-mask", Description: "Paths from the answer on, with commas between them, in camel case: \"accesses.position,totals\". " +
			"A path through a list means each of its elements. The header and the token of the next page are always there. In binary form, " +
			"\"accesses.*.position\" says the same as without the asterisk, and \"*\" is all; the JSON form of a mask has no asterisk. A path that the answer does not have is refused, and named (invalid_argument). AIP-157 and AIP-161.",
	}
}

func reference(name string) schema { return schema{Ref: "#/components/schemas/" + name} }

// message describes a message and all that it reaches, once, and returns where.
func (d *document) message(m *protogen.Message) schema {
	name := string(m.Desc.FullName())
	if name == fieldMask {
		return maskSchema()
	}
	if _, known := d.Components.Schemas[name]; !known {
		s := schema{Type: "object", Description: said(m.Comments), Properties: map[string]schema{}}
		d.Components.Schemas[name] = s // before its fields: a message may hold itself
		for _, f := range m.Fields {
			s.Properties[f.Desc.JSONName()] = d.field(f)
		}
	}
	return reference(name)
}

func (d *document) enum(e *protogen.Enum) schema {
	name := string(e.Desc.FullName())
	if _, known := d.Components.Schemas[name]; !known {
		s := schema{Type: "string", Description: said(e.Comments)}
		for _, v := range e.Values {
			s.Enum = append(s.Enum, string(v.Desc.Name()))
			if why := said(v.Comments); why != "" {
				s.Description = strings.TrimSpace(s.Description + "\n" + string(v.Desc.Name()) + ": " + why)
			}
		}
		d.Components.Schemas[name] = s
	}
	return reference(name)
}

func (d *document) field(f *protogen.Field) schema {
	var s schema
	switch {
	case f.Desc.IsMap():
		value := d.value(f.Message.Fields[1])
		s = schema{Type: "object", Additional: value}
	case f.Desc.IsList():
		value := d.value(f)
		s = schema{Type: "array", Items: &value}
	default:
		s = d.value(f)
	}
	// What stands beside a reference counts since OpenAPI 3.1.
	if own := said(f.Comments); own != "" {
		s.Description = strings.TrimSpace(own + "\n" + s.Description)
	}
	return s
}

// value describes one value of a field, as protobuf's JSON form has it.
func (d *document) value(f *protogen.Field) schema {
	switch f.Desc.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return d.message(f.Message)
	case protoreflect.EnumKind:
		return d.enum(f.Enum)
	case protoreflect.BoolKind:
		return schema{Type: "boolean"}
	case protoreflect.StringKind:
		return schema{Type: "string"}
	case protoreflect.BytesKind:
		return schema{Type: "string", ContentEncoding: "base64"}
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return schema{Type: "number"}
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return schema{Type: []string{"string", "integer"}, Format: "int64"}
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return schema{Type: []string{"string", "integer"}, Format: "uint64"}
	}
	return schema{Type: "integer"}
}

// said is a comment as one text; what stands behind a blank line is a paragraph.
func said(c protogen.CommentSet) string {
	lines := strings.Split(strings.TrimSpace(string(c.Leading)), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}
