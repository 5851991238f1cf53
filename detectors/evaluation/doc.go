// Package evaluation judges a dataset directory (context as FHIR bulk files, AuditEvent.ndjson, optional labels.csv) with the
// detectors that run live, and says how well they did. It needs no server and no network, and no labels to write alerts.
package evaluation
