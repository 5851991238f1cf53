package proto

import (
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Slots is how many slots reader and patient keys fall into. Shards own ranges of them.
const Slots = 256

// Key is the text that an identifier is keyed by: system, a bar, value. It holds an identifier: keep it out of logs.
func Key(id *v1.Identifier) string {
	if id == nil || id.Value == "" {
		return ""
	}
	return id.System + "|" + id.Value
}

// Slot is FNV-1a (32 bits) of key mod Slots, as NATS computes partition(); the empty key is slot 0.
func Slot(key string) uint8 {
	if key == "" {
		return 0
	}
	return uint8(fnv1a(fnvBasis, key) % Slots)
}

const fnvBasis = 2166136261

// fnv1a goes on with text.
func fnv1a(h uint32, text string) uint32 {
	for i := range len(text) {
		h ^= uint32(text[i])
		h *= 16777619
	}
	return h
}

// slotOf is Slot(Key(id)), without making the key.
func slotOf(id *v1.Identifier) uint8 {
	if id.GetValue() == "" {
		return 0
	}
	return uint8(fnv1a(fnv1a(fnv1a(fnvBasis, id.System), "|"), id.Value) % Slots)
}

// ReaderKey is the key of the event's reader: its first identifier, else its name within the source, else "".
func ReaderKey(e *v1.AccessEvent) string {
	r := e.GetReader()
	switch {
	case r == nil:
		return ""
	case len(r.Identifiers) > 0:
		return Key(r.Identifiers[0])
	case r.Name != "":
		return "source:" + e.Source + "#name|" + r.Name
	}
	return ""
}

// PatientKey is the key of one patient of an event: its first identifier; "" when unresolved.
func PatientKey(p *v1.Patient) string {
	if p == nil || len(p.Identifiers) == 0 {
		return ""
	}
	return Key(p.Identifiers[0])
}

// itemSlots returns the reader and patient slot of an item.
func itemSlots(it *v1.Item) (reader, patient uint8) {
	switch body := it.Body.(type) {
	case *v1.Item_Access:
		if ids := body.Access.GetReader().GetIdentifiers(); len(ids) > 0 {
			reader = slotOf(ids[0])
		} else {
			reader = Slot(ReaderKey(body.Access))
		}
		if len(body.Access.Patients) > 0 && len(body.Access.Patients[0].GetIdentifiers()) > 0 {
			patient = slotOf(body.Access.Patients[0].Identifiers[0])
		}
	case *v1.Item_Context:
		if body.Context.ResourceType == "Patient" && len(body.Context.Identifiers) > 0 {
			patient = slotOf(body.Context.Identifiers[0])
		}
	}
	return reader, patient
}

// KindOf tells an item's kind; KIND_UNSPECIFIED for an empty item.
func KindOf(it *v1.Item) v1.Kind {
	switch it.Body.(type) {
	case *v1.Item_Access:
		return v1.Kind_KIND_ACCESS
	case *v1.Item_Context:
		return v1.Kind_KIND_CONTEXT
	case *v1.Item_DeadLetter:
		return v1.Kind_KIND_DEAD_LETTER
	case *v1.Item_DeadLetterRetried:
		return v1.Kind_KIND_DEAD_LETTER_RETRIED
	case *v1.Item_ImportMark:
		return v1.Kind_KIND_IMPORT_MARK
	case *v1.Item_Tick:
		return v1.Kind_KIND_TICK
	case *v1.Item_Question:
		return v1.Kind_KIND_QUESTION
	case *v1.Item_Source:
		return v1.Kind_KIND_SOURCE
	case *v1.Item_Token:
		return v1.Kind_KIND_TOKEN
	case *v1.Item_Coverage:
		return v1.Kind_KIND_COVERAGE
	case *v1.Item_RuleSet:
		return v1.Kind_KIND_RULE_SET
	case *v1.Item_AlertDecision:
		return v1.Kind_KIND_ALERT_DECISION
	case *v1.Item_ContextGap:
		return v1.Kind_KIND_CONTEXT_GAP
	case *v1.Item_BackfillReleased:
		return v1.Kind_KIND_BACKFILL_RELEASED
	case *v1.Item_ScopeFrozen:
		return v1.Kind_KIND_SCOPE_FROZEN
	case *v1.Item_CaseEntry:
		return v1.Kind_KIND_CASE
	case *v1.Item_GlassBroken:
		return v1.Kind_KIND_GLASS_BROKEN
	case *v1.Item_GlassReviewed:
		return v1.Kind_KIND_GLASS_REVIEWED
	case *v1.Item_ViewEntry:
		return v1.Kind_KIND_VIEW
	}
	return v1.Kind_KIND_UNSPECIFIED
}
