package readback_test

import (
	"encoding/json"
	"fmt"
	"time"

	"pgregory.net/rapid"
)

// object is a JSON object.
type object map[string]any

// drawAuditEvent draws an AuditEvent as sources send them, R4 or R5.
func drawAuditEvent(t *rapid.T) []byte {
	r5 := rapid.Bool().Draw(t, "r5")
	e := object{
		"resourceType": "AuditEvent", "id": fmt.Sprintf("e%d", rapid.IntRange(1, 999).Draw(t, "id")),
		"recorded": drawInstant(t, "recorded"), "source": object{"observer": drawReference(t, "Device")},
		"meta": object{"security": []object{{"code": rapid.SampledFrom([]string{"R", "V", "PSY"}).Draw(t, "label")}}},
	}
	if rapid.Bool().Draw(t, "has action") {
		e["action"] = rapid.SampledFrom([]string{"C", "R", "U", "D", "E"}).Draw(t, "action")
	}
	broad, narrow := drawCoding(t, "audit-event-type", "rest", "110112", "110106"), drawCoding(t, "restful-interaction", "read", "search-type", "create", "vread")
	outcome := rapid.SampledFrom([]string{"", "0", "4", "8", "12"}).Draw(t, "outcome")
	if r5 {
		e["category"], e["code"] = []object{{"coding": []object{broad}}}, object{"coding": []object{narrow}}
		if outcome != "" {
			e["outcome"] = object{"code": object{"system": "http://terminology.hl7.org/CodeSystem/audit-event-outcome", "code": outcome}}
		}
		if rapid.Bool().Draw(t, "occurred") {
			e["occurredPeriod"] = object{"start": drawInstant(t, "start"), "end": drawInstant(t, "end")}
		}
	} else {
		e["type"], e["subtype"] = broad, []object{narrow}
		if outcome != "" {
			e["outcome"] = outcome
		}
		if rapid.Bool().Draw(t, "occurred") {
			e["period"] = object{"start": drawInstant(t, "start")}
		}
	}
	purposes := "purposeOfEvent"
	if r5 {
		purposes = "authorization"
	}
	if rapid.Bool().Draw(t, "purpose") {
		e[purposes] = []object{{"coding": []object{drawCoding(t, "v3-ActReason", "TREAT", "HPAYMT", "ETREAT")}}, {"text": "audit"}}
	}
	e["agent"], e["entity"] = drawAgents(t, r5), drawEntities(t)
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func drawInstant(t *rapid.T, name string) string {
	us := rapid.Int64Range(1_500_000_000_000_000, 1_900_000_000_000_000).Draw(t, name)
	return time.UnixMicro(us).UTC().Format(rapid.SampledFrom([]string{time.RFC3339Nano, time.RFC3339}).Draw(t, name+" layout"))
}

func drawCoding(t *rapid.T, system string, of ...string) object {
	c := object{"system": "http://terminology.hl7.org/CodeSystem/" + system, "code": rapid.SampledFrom(of).Draw(t, system)}
	if rapid.Bool().Draw(t, system+" display") {
		c["display"] = "shown as"
	}
	return c
}

// drawReference draws the ways in which somebody is named.
func drawReference(t *rapid.T, typ string) object {
	n := rapid.IntRange(1, 99).Draw(t, typ)
	literal := fmt.Sprintf("%s/%d", typ, n)
	identifier := object{"system": "urn:oid:1.2.3", "value": fmt.Sprint(n)}
	switch rapid.IntRange(0, 6).Draw(t, typ+" named by") {
	case 0:
		return object{"reference": literal}
	case 1:
		return object{"reference": "https://ehr.example/fhir/" + literal, "display": "by address"}
	case 2:
		return object{"identifier": identifier}
	case 3:
		return object{"reference": literal, "identifier": identifier, "display": "Doe, J."}
	case 4:
		return object{"reference": "https://ehr.example/fhir/" + literal, "identifier": identifier}
	case 5:
		return object{"identifier": object{"value": fmt.Sprint(n)}, "type": typ}
	}
	return object{"display": fmt.Sprintf("%s called %d", typ, n)}
}

func drawAgents(t *rapid.T, r5 bool) []object {
	human := object{"who": drawReference(t, "Practitioner"), "requestor": rapid.Bool().Draw(t, "requestor")}
	if rapid.Bool().Draw(t, "kind") {
		human["type"] = object{"coding": []object{{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}}}
	}
	if rapid.Bool().Draw(t, "role") {
		human["role"] = []object{{"coding": []object{drawCoding(t, "practitioner-role", "doctor", "nurse")}}}
	}
	if rapid.Bool().Draw(t, "location") {
		human["location"] = object{"display": "Ward 3"}
	}
	if rapid.Bool().Draw(t, "policy") {
		human["policy"] = []string{"urn:policy:1"}
	}
	agents := []object{human}
	for _, kind := range []string{"110153", "110152"} {
		if !rapid.Bool().Draw(t, "machine "+kind) {
			continue
		}
		machine := object{
			"type": object{"coding": []object{{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": kind}}},
			"who":  drawReference(t, "Device"), "requestor": false,
		}
		if rapid.Bool().Draw(t, "network "+kind) {
			address := rapid.SampledFrom([]string{"10.0.0.1", "2001:db8::1", "https://srv.example/fhir"}).Draw(t, "address "+kind)
			if r5 {
				machine["networkString"] = address
			} else {
				machine["network"] = object{"address": address, "type": "2"}
			}
		}
		agents = append(agents, machine)
	}
	return agents
}

func drawEntities(t *rapid.T) []object {
	role := func(code string) object {
		return object{"coding": []object{{"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": code}}}
	}
	var out []object
	for range rapid.IntRange(0, 2).Draw(t, "patients") {
		out = append(out, object{"what": drawReference(t, "Patient"), "role": role("1")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "objects") {
		x := object{"what": drawReference(t, "Observation"), "role": role("4")}
		if rapid.Bool().Draw(t, "label") {
			x["securityLabel"] = []object{{"coding": []object{{"code": "ETH"}}}}
		}
		out = append(out, x)
	}
	return out
}
