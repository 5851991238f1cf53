package fhir

import (
	"strings"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto/fhirid"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// contextFact maps any resource that is no AuditEvent: what is known about people and care. id is the logical id
// that the request names, for a resource that brings none.
func (d *Decoder) contextFact(typ, id string, fact *v1.ContextFact) error {
	if own := d.doc.scalar(d.doc.get(0, "id")); own != "" {
		id = own
	}
	if id == "" {
		return &ingest.DecodeError{
			Reason: ingest.ReasonMissingElement, Element: typ + ".id",
			Message: "a resource without an id can be referred to by nothing",
		}
	}
	meta := d.doc.get(0, "meta")
	fact.Source, fact.ResourceType, fact.ResourceId = d.src.Name, typ, id
	fact.VersionId = d.doc.scalar(d.doc.get(meta, "versionId"))
	fact.Display = d.displayName(0)
	fact.Resource = d.doc.appendResource(make([]byte, 0, len(d.doc.compact())), 0)
	if updated, ok := parseInstant(d.doc.field(meta, "lastUpdated"), d.src.Zone); ok {
		fact.EffectiveUs = updated.at.UnixMicro()
	}
	d.factIdentifiers(typ+"/"+id, fact)
	d.factLinks(fact)
	return nil
}

// factIdentifiers collects every name the resource goes by. The reference within the source comes first; each of the
// others is linked to it: one resource carries them all.
func (d *Decoder) factIdentifiers(reference string, fact *v1.ContextFact) {
	local := d.ownSystem
	bare := local
	switch fact.ResourceType {
	case "Patient":
		bare = d.patientSystem
	case "Practitioner", "PractitionerRole", "Person", "RelatedPerson":
		bare = d.readerSystem
	}
	mark := d.ids.mark()
	d.addIdentifier(mark, local, reference)
	if d.localSystem != local {
		d.addIdentifier(mark, d.localSystem, reference)
	}
	if d.fullURL != "" {
		d.addFullURL(mark, reference)
	}
	d.doc.items(d.doc.get(0, "identifier"), func(i int) {
		system, value := d.identifier(i)
		if system == "" {
			system = bare
		}
		d.addIdentifier(mark, system, value)
	})
	fact.Identifiers = d.ids.since(mark)
	for _, id := range fact.Identifiers[1:] {
		fact.Links = append(fact.Links, &v1.IdentityLink{
			Kind: v1.IdentityLink_KIND_SAME_RESOURCE, From: fact.Identifiers[0], To: id,
		})
	}
}

// addFullURL adds what a Bundle's entry.fullUrl says the resource is called elsewhere.
func (d *Decoder) addFullURL(mark int, reference string) {
	if strings.HasPrefix(d.fullURL, "urn:") {
		d.addIdentifier(mark, fhirid.URISystem, d.fullURL)
		return
	}
	if system, value, _ := fhirid.Split(d.fullURL, d.localSystem); value == reference {
		d.addIdentifier(mark, system, value)
	}
}

// factLinks reads Patient.link and Person.link.
func (d *Decoder) factLinks(fact *v1.ContextFact) {
	member := ""
	switch fact.ResourceType {
	case "Patient":
		member = "other"
	case "Person":
		member = "target"
	default:
		return
	}
	d.doc.items(d.doc.get(0, "link"), func(i int) {
		kind := v1.IdentityLink_KIND_PERSON
		if member == "other" {
			switch d.doc.field(i, "type") {
			case "replaced-by":
				kind = v1.IdentityLink_KIND_REPLACED_BY
			case "replaces":
				kind = v1.IdentityLink_KIND_REPLACES
			default:
				kind = v1.IdentityLink_KIND_SEE_ALSO
			}
		}
		other := d.target(d.doc.get(i, member))
		bare := d.patientSystem
		if other.typ == "Practitioner" || other.typ == "PractitionerRole" {
			bare = d.readerSystem
		}
		mark := d.ids.mark()
		d.addTarget(mark, &other, bare)
		for _, id := range d.ids.since(mark) {
			fact.Links = append(fact.Links, &v1.IdentityLink{Kind: kind, From: fact.Identifiers[0], To: id})
		}
	})
}

// displayName is the name to show for a resource: name as text, or put together from its parts; title and the like.
func (d *Decoder) displayName(i int) string {
	name := d.doc.get(i, "name")
	if s := d.doc.stringAt(name); s != "" {
		return s
	}
	out := ""
	d.doc.items(name, func(n int) {
		if out == "" || d.doc.field(n, "use") == "official" {
			if s := d.humanName(n); s != "" {
				out = s
			}
		}
	})
	if out != "" {
		return out
	}
	d.doc.items(d.doc.get(i, "deviceName"), func(n int) {
		if out == "" {
			out = d.doc.field(n, "name")
		}
	})
	if out == "" {
		out = d.doc.field(i, "title")
	}
	return out
}

// humanName reads a HumanName: its text, or prefix, given names and family.
func (d *Decoder) humanName(i int) string {
	if text := d.doc.field(i, "text"); text != "" {
		return text
	}
	var parts []string
	for _, member := range []string{"prefix", "given", "family"} {
		d.doc.items(d.doc.get(i, member), func(j int) {
			if s := d.doc.stringAt(j); s != "" {
				parts = append(parts, s)
			}
		})
	}
	return strings.Join(parts, " ")
}
