// Package fhir reads audit events back as FHIR (IHE ITI-81, Retrieve ATNA Audit Event): searches, single events as R4 or
// R5 AuditEvent, and originals byte for byte. It asks nothing of the tables itself: every question goes through
// projections/api, which journals it before its answer leaves.
package fhir
