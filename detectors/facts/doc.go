// Package facts is what detectors know about people and care: context facts of the journal, folded in the order of their
// positions into a compact state that answers "who is this, where do they work, who cares for this patient, and what do
// these two people have to do with each other?".
//
// The state at position P is a function of the context facts at or before P and of nothing else, so a verdict can be
// reproduced. Facts carry the time for which they hold (an encounter's period, a role's employment): a verdict on a past
// access asks with the time of the access. A later version of a resource replaces what the earlier one said; where a role or
// an address changed, the earlier one stays with its period ended.
//
// Sources: FHIR R4 and R5 resources as ContextFact.resource holds them, and what delimited text becomes (deploy and
// ingest/csv presets: WatchListEntry, Slot with a contained Schedule, PractitionerRole with organization.display).
package facts
