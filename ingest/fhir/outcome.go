package fhir

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/readtrail/readtrail/ingest"
)

// operationOutcome is FHIR's answer to a request that did not go as asked (R4 section 2.34).
type operationOutcome struct {
	ResourceType string  `json:"resourceType"`
	Issue        []issue `json:"issue"`
}

type issue struct {
	Severity    string   `json:"severity"`
	Code        string   `json:"code"`
	Details     *details `json:"details,omitempty"`
	Diagnostics string   `json:"diagnostics,omitempty"`
	Expression  []string `json:"expression,omitempty"`
}

type details struct {
	Text string `json:"text"`
}

func outcomeOfIssues(issues ...issue) operationOutcome {
	return operationOutcome{ResourceType: "OperationOutcome", Issue: issues}
}

// Severities and codes (http://hl7.org/fhir/issue-severity, issue-type).
const (
	severityError       = "error"
	severityWarning     = "warning"
	severityInformation = "information"
)

// issueOf tells a decode error as FHIR does. within is the path of the resource in its Bundle; empty: it is the body.
func issueOf(err *ingest.DecodeError, within, deadLetter string) issue {
	out := issue{Severity: severityError, Code: issueCode(err.Reason), Details: &details{Text: err.Message}}
	if path := pathWithin(within, err.Element); path != "" {
		out.Expression = []string{path}
	}
	out.Diagnostics = err.Error()
	if deadLetter != "" {
		out.Diagnostics += "; the input is kept as dead letter " + deadLetter
	}
	return out
}

// pathWithin puts the path of an element behind the path of its resource.
func pathWithin(within, element string) string {
	if within == "" {
		if element == "$this" {
			return ""
		}
		return element
	}
	if _, rest, found := strings.Cut(element, "."); found {
		return within + "." + rest
	}
	return within
}

func issueCode(reason string) string {
	switch reason {
	case ingest.ReasonMissingElement:
		return "required"
	case ingest.ReasonInvalidValue:
		return "value"
	case ingest.ReasonTooLarge:
		return "too-long"
	case ingest.ReasonTooDeep:
		return "too-costly"
	case ingest.ReasonUnsupportedFormat, ingest.ReasonRefused:
		return "not-supported"
	}
	return "structure"
}

// statusOf is the HTTP status for a decode error: 400 for what is no JSON, 413 for what is too large, else 422.
func statusOf(err *ingest.DecodeError) int {
	switch err.Reason {
	case ingest.ReasonInvalidJSON, ingest.ReasonInvalidUTF8, ingest.ReasonDuplicateKey:
		return http.StatusBadRequest
	case ingest.ReasonTooLarge:
		return http.StatusRequestEntityTooLarge
	case ingest.ReasonRefused:
		return http.StatusMethodNotAllowed
	}
	return http.StatusUnprocessableEntity
}

// respond writes a FHIR resource. A client that went away is none of our errors.
func respond(w http.ResponseWriter, status int, resource any) {
	body, err := json.Marshal(resource)
	if err != nil {
		http.Error(w, "encode the answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/fhir+json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// refuse answers with one issue.
func refuse(w http.ResponseWriter, status int, code, text string) {
	respond(w, status, outcomeOfIssues(issue{Severity: severityError, Code: code, Details: &details{Text: text}, Diagnostics: text}))
}
