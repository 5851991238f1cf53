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

// issueOf tells a decode error as FHIR does.
func issueOf(err *ingest.DecodeError, deadLetter string) issue {
	out := issue{Severity: severityError, Code: issueCode(err.Reason), Details: &details{Text: err.Message}}
	if err.Element != "" && err.Element != "$this" {
		out.Expression = []string{err.Element}
	}
	out.Diagnostics = err.Error()
	if deadLetter != "" {
		out.Diagnostics += "; the input is kept as dead letter " + deadLetter
	}
	return out
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

// Outcomes lets next answer, and where it refuses a request below /fhir in plain text, as authentication and routing do,
// it says the same as an OperationOutcome. Status and header stay: WWW-Authenticate, Allow, Retry-After.
func Outcomes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/fhir" && !strings.HasPrefix(r.URL.Path, "/fhir/") {
			next.ServeHTTP(w, r)
			return
		}
		plain := &plainText{ResponseWriter: w}
		next.ServeHTTP(plain, r)
		if plain.status == 0 {
			return
		}
		refuse(w, plain.status, codeOf(plain.status), strings.TrimSpace(plain.text.String()))
	})
}

// plainText holds a refusal in plain text back; all else passes through.
type plainText struct {
	http.ResponseWriter
	// status is that of the refusal, 0 without one.
	status int
	text   strings.Builder
}

// WriteHeader implements http.ResponseWriter.
func (p *plainText) WriteHeader(status int) {
	if status >= http.StatusBadRequest && strings.HasPrefix(p.Header().Get("Content-Type"), "text/plain") {
		p.status = status
		return
	}
	p.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (p *plainText) Write(b []byte) (int, error) {
	if p.status != 0 {
		return p.text.Write(b)
	}
	return p.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (p *plainText) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// codeOf is the issue type for an HTTP status that refuses a request whoever sends it.
func codeOf(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "login"
	case http.StatusForbidden:
		return "forbidden"
	case http.StatusNotFound:
		return "not-found"
	case http.StatusMethodNotAllowed:
		return "not-supported"
	case http.StatusTooManyRequests:
		return "throttled"
	case http.StatusServiceUnavailable:
		return "transient"
	}
	return "invalid"
}

// refuse answers with one issue.
func refuse(w http.ResponseWriter, status int, code, text string) {
	respond(w, status, outcomeOfIssues(issue{Severity: severityError, Code: code, Details: &details{Text: text}, Diagnostics: text}))
}
