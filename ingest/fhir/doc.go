// Package fhir takes FHIR JSON in: AuditEvent of R4, R4B and R5 becomes an access event, every other resource a context
// fact. It holds the decoder, on a scanner of its own, and the routes below /fhir.
package fhir
